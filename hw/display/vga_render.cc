// What a monitor on the VGA would show: text, the planar and packed modes of the VGA, and the
// linear modes of the display interface.

#include <algorithm>

#include "core/memory/ram_block.h"
#include "hw/display/vga.h"

namespace vireo::hw {
namespace {

// CRTC registers.
constexpr unsigned kHorizontalEnd = 0x01, kOverflow = 0x07, kMaxScan = 0x09, kCursorStart = 0x0a,
                   kCursorEnd = 0x0b, kCursorHigh = 0x0e, kCursorLow = 0x0f, kVerticalEnd = 0x12,
                   kOffset = 0x13, kModeControl = 0x17;
constexpr unsigned kGraphicsMode = 5, kGraphicsMisc = 6;  // graphics controller
constexpr unsigned kClocking = 1, kCharacterMap = 3;      // sequencer
constexpr unsigned kAttributeMode = 16, kColorPlanes = 18, kColorSelect = 20;
constexpr uint8_t kScreenOn = 0x20;  // of the attribute index
constexpr unsigned kFontHeight = 32;
// 16 KiB steps, then those between.
constexpr uint32_t kFontOffsets[8] = {0x0000, 0x4000, 0x8000, 0xc000,
                                      0x2000, 0x6000, 0xa000, 0xe000};

constexpr uint32_t widen(uint32_t value, unsigned bits) {
  return value << (8 - bits) | value >> (2 * bits - 8);
}

}  // namespace

uint8_t Vga::memory_at(uint64_t address) const {
  return static_cast<uint8_t>(memory_->data()[address % memory_->size()]);
}

uint32_t Vga::color(uint8_t index) const {
  constexpr uint16_t kDac8 = 0x20;
  const bool wide = regs_.dispi[4] & kDac8;
  uint32_t pixel = 0;
  for (unsigned i = 0; i < 3; ++i) {
    const uint8_t component = regs_.palette[(index & regs_.palette_mask) * 3 + i];
    pixel = pixel << 8 | (wide ? component : widen(component & 0x3f, 6));
  }
  return pixel;
}

uint32_t Vga::attribute_color(unsigned index) const {
  const auto& attribute = regs_.attribute;
  const unsigned masked = index & attribute[kColorPlanes] & 0x0f;
  unsigned entry = attribute[masked] & 0x3f;
  if (attribute[kAttributeMode] & 0x80) entry = (entry & 0x0f) | (attribute[kColorSelect] & 3) << 4;
  return color(static_cast<uint8_t>(entry | (attribute[kColorSelect] & 0x0c) << 4));
}

void Vga::render(ui::Surface& surface) {
  if (dispi_enabled()) return render_dispi(surface);
  if (regs_.graphics[kGraphicsMisc] & 1) return render_graphics(surface);
  render_text(surface);
}

uint32_t Vga::displayed_height() const {
  const uint8_t overflow = regs_.crtc[kOverflow];
  return (regs_.crtc[kVerticalEnd] | (overflow & 0x02) << 7 | (overflow & 0x40) << 3) + 1u;
}

uint32_t Vga::rows_per_line() const { return (regs_.crtc[kMaxScan] & 0x1f) + 1u; }

// The display interface.

uint32_t Vga::dispi_pixel(uint64_t line, uint32_t x, unsigned bits) const {
  switch (bits) {
    case 4: {
      const uint64_t at = (line + x / 8) * 4;
      unsigned index = 0;
      for (unsigned plane = 0; plane < 4; ++plane) {
        index |= (memory_at(at + plane) >> (7 - x % 8) & 1u) << plane;
      }
      return attribute_color(index);
    }
    case 8:
      return color(memory_at(line + x));
    case 15: {
      const unsigned v = memory_at(line + 2 * x) | memory_at(line + 2 * x + 1) << 8;
      return widen(v >> 10 & 31, 5) << 16 | widen(v >> 5 & 31, 5) << 8 | widen(v & 31, 5);
    }
    case 16: {
      const unsigned v = memory_at(line + 2 * x) | memory_at(line + 2 * x + 1) << 8;
      return widen(v >> 11 & 31, 5) << 16 | widen(v >> 5 & 63, 6) << 8 | widen(v & 31, 5);
    }
    default: {
      const uint64_t at = line + uint64_t{x} * (bits / 8);
      return uint32_t{memory_at(at + 2)} << 16 | uint32_t{memory_at(at + 1)} << 8 | memory_at(at);
    }
  }
}

void Vga::render_dispi(ui::Surface& surface) const {
  const auto& dispi = regs_.dispi;
  // Loaded states hold anything.
  const uint32_t width = std::min<uint32_t>(dispi[1], 4096);
  const uint32_t height = std::min<uint32_t>(dispi[2], 4096);
  const unsigned bits = dispi[3];
  const uint64_t pitch = bits == 4 ? dispi[6] / 8 : uint64_t{dispi[6]} * ((bits + 7) / 8);
  surface.resize(width, height);
  for (uint32_t y = 0; y < height; ++y) {
    uint32_t* const row = surface.row(y);
    const uint64_t line = (y + uint64_t{dispi[9]}) * pitch;
    for (uint32_t x = 0; x < width; ++x) row[x] = dispi_pixel(line, x + dispi[8], bits);
  }
}

// Text.

void Vga::render_text(ui::Surface& surface) const {
  const uint32_t columns = regs_.crtc[kHorizontalEnd] + 1u;
  const uint32_t cell_width = regs_.sequencer[kClocking] & 1 ? 8 : 9;
  const uint32_t cell_height = rows_per_line();
  const uint32_t height = displayed_height();
  surface.resize(columns * cell_width, height);
  if (!(regs_.attribute_index & kScreenOn)) return;
  for (uint32_t top = 0; top < height; top += cell_height) {
    const uint32_t first = start_address() + top / cell_height * regs_.crtc[kOffset] * 2;
    for (uint32_t column = 0; column < columns; ++column) {
      render_cell(surface, column * cell_width, top, first + column);
    }
  }
}

void Vga::render_cell(ui::Surface& surface, uint32_t left, uint32_t top, uint32_t cell) const {
  const uint8_t character = memory_at(uint64_t{cell} * 4);
  const uint8_t attribute = memory_at(uint64_t{cell} * 4 + 1);
  const uint8_t mode = regs_.attribute[kAttributeMode];
  const uint8_t maps = regs_.sequencer[kCharacterMap];
  const unsigned map =
      attribute & 8 ? (maps >> 2 & 3) | (maps >> 3 & 4) : (maps & 3) | (maps >> 2 & 4);
  const uint32_t glyph = kFontOffsets[map] + character * kFontHeight;
  const uint32_t foreground = attribute_color(attribute & 15);
  // Blinking characters are shown in their visible phase.
  const uint32_t background = attribute_color(attribute >> 4 & (mode & 8 ? 7 : 15));
  const uint8_t cursor_start = regs_.crtc[kCursorStart];
  const bool cursor = !(cursor_start & 0x20) &&
                      cell == (uint32_t{regs_.crtc[kCursorHigh]} << 8 | regs_.crtc[kCursorLow]);
  const bool nine = !(regs_.sequencer[kClocking] & 1);
  // Line drawing characters reach into the ninth column.
  const bool joined = (mode & 4) && character >= 0xc0 && character <= 0xdf;
  const uint32_t lines = std::min(rows_per_line(), surface.height - top);
  for (uint32_t y = 0; y < lines; ++y) {
    unsigned bits = memory_at(uint64_t{glyph + y} * 4 + 2) << 1;
    if (joined) bits |= bits >> 1 & 1;
    const uint8_t cursor_end = regs_.crtc[kCursorEnd] & 0x1f;
    if (cursor && y >= (cursor_start & 0x1fu) && y <= cursor_end) bits = 0x1ff;
    uint32_t* const row = surface.row(top + y) + left;
    for (unsigned x = 0; x < (nine ? 9u : 8u); ++x) {
      row[x] = bits >> (8 - x) & 1 ? foreground : background;
    }
  }
}

// Graphics.

uint32_t Vga::graphics_pixel(uint32_t row_address, uint32_t x) const {
  const uint8_t mode = regs_.graphics[kGraphicsMode];
  // 256 colors take two dots a pixel; four bytes are a byte of each plane.
  if (mode & 0x40) return color(memory_at(uint64_t{row_address} * 4 + x / 2));
  const uint64_t at = (uint64_t{row_address} + x / 8) * 4;
  if (mode & 0x20) {
    // Two bits a pixel: four pixels in plane 0, then four in plane 1.
    const uint8_t byte = memory_at(at + (x % 8) / 4);
    return attribute_color(byte >> (6 - 2 * (x % 4)) & 3u);
  }
  unsigned index = 0;
  for (unsigned plane = 0; plane < 4; ++plane) {
    index |= (memory_at(at + plane) >> (7 - x % 8) & 1u) << plane;
  }
  return attribute_color(index);
}

void Vga::render_graphics(ui::Surface& surface) const {
  const auto& crtc = regs_.crtc;
  const bool halved = regs_.graphics[kGraphicsMode] & 0x40;
  const uint32_t dots = (crtc[kHorizontalEnd] + 1u) * 8;
  const uint32_t repeat = crtc[kMaxScan] & 0x80 ? 2 : 1;
  const uint32_t scans = rows_per_line();
  // Modes that show each row twice are drawn at their own resolution.
  const bool plain = crtc[kModeControl] & 1;
  const uint32_t lines_a_row = repeat * (plain ? scans : 1);
  surface.resize(halved ? dots / 2 : dots, std::max(displayed_height() / lines_a_row, 1u));
  if (!(regs_.attribute_index & kScreenOn)) return;
  for (uint32_t y = 0; y < surface.height; ++y) {
    const uint32_t row = plain ? y : y / scans;
    uint32_t address = start_address() + row * crtc[kOffset] * 2;
    // Scan line counter bits that stand in for address bits: CGA's interleaved banks.
    if (!plain) address = (address & ~0x2000u) | (y % scans & 1) << 13;
    uint32_t* const pixels = surface.row(y);
    for (uint32_t x = 0; x < surface.width; ++x) {
      pixels[x] = graphics_pixel(address, halved ? 2 * x : x);
    }
  }
}

}  // namespace vireo::hw
