// VGA registers: ports 3B0h to 3DFh, the Bochs display interface at 1CEh, and both in BAR 2.

#include <algorithm>

#include "core/clock/guest_clock.h"
#include "core/memory/ram_block.h"
#include "hw/display/vga.h"
#include "util/bits.h"

namespace vireo::hw {
namespace {

enum Port : uint16_t {
  kMonoCrtcIndex = 0x3b4,
  kMonoCrtcData = 0x3b5,
  kMonoStatus = 0x3ba,
  kAttribute = 0x3c0,
  kAttributeRead = 0x3c1,
  kMisc = 0x3c2,
  kSequencerIndex = 0x3c4,
  kSequencerData = 0x3c5,
  kPaletteMask = 0x3c6,
  kPaletteReadIndex = 0x3c7,
  kPaletteWriteIndex = 0x3c8,
  kPaletteData = 0x3c9,
  kFeatureRead = 0x3ca,
  kMiscRead = 0x3cc,
  kGraphicsIndex = 0x3ce,
  kGraphicsData = 0x3cf,
  kCrtcIndex = 0x3d4,
  kCrtcData = 0x3d5,
  kStatus = 0x3da,
};

constexpr uint8_t kMiscColor = 1;
// Color registers with the mono ports' last digits.
constexpr uint16_t kMonoToColor = 0x20;
constexpr uint8_t kSequencerMask[8] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0xff};
constexpr uint8_t kGraphicsMask[16] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};

// A frame of 60 Hz and a line of 31.5 kHz.
constexpr int64_t kFrameNs = 16'683'000;
constexpr int64_t kRetraceNs = 64'000;
constexpr int64_t kLineNs = 31'778;
constexpr int64_t kLineBlankNs = 6'356;

enum Dispi : uint8_t {
  kId,
  kWidth,
  kHeight,
  kBits,
  kEnable,
  kBank,
  kVirtualWidth,
  kVirtualHeight,
  kXOffset,
  kYOffset,
  kMemory64K
};
enum DispiEnable : uint16_t {
  kEnabled = 0x01,
  kGetCapabilities = 0x02,
  kLinear = 0x40,
  kKeepMemory = 0x80,
  kEnableMask = 0xe3
};
constexpr uint16_t kMaxWidth = 4096;
constexpr uint16_t kMaxHeight = 4096;
constexpr uint16_t kFirstId = 0xb0c0;
constexpr uint16_t kLastId = 0xb0c5;

}  // namespace

// Ports.

bool Vga::is_decoded(uint16_t port) const {
  const bool mono = port < kAttribute;
  const bool color = port >= kCrtcIndex;
  return mono ? !(regs_.misc & kMiscColor) : !color || (regs_.misc & kMiscColor);
}

uint64_t Vga::read_ports(uint64_t offset, unsigned width) {
  uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    const auto port = static_cast<uint16_t>(kAttribute + offset + i);
    value |= uint64_t{is_decoded(port) ? read_port(port) : uint8_t{0xff}} << 8 * i;
  }
  return value;
}

void Vga::write_ports(uint64_t offset, unsigned width, uint64_t value) {
  for (unsigned i = 0; i < width; ++i) {
    const auto port = static_cast<uint16_t>(kAttribute + offset + i);
    if (is_decoded(port)) write_port(port, static_cast<uint8_t>(value >> 8 * i));
  }
}

uint64_t Vga::read_mono_ports(uint64_t offset, unsigned width) {
  uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    const auto port = static_cast<uint16_t>(0x3b0 + offset + i);
    const uint8_t byte =
        is_decoded(port) ? read_port(static_cast<uint16_t>(port + kMonoToColor)) : uint8_t{0xff};
    value |= uint64_t{byte} << 8 * i;
  }
  return value;
}

void Vga::write_mono_ports(uint64_t offset, unsigned width, uint64_t value) {
  for (unsigned i = 0; i < width; ++i) {
    const auto port = static_cast<uint16_t>(0x3b0 + offset + i);
    if (is_decoded(port)) {
      write_port(static_cast<uint16_t>(port + kMonoToColor), static_cast<uint8_t>(value >> 8 * i));
    }
  }
}

uint8_t Vga::read_port(uint16_t port) {
  switch (port) {
    case kAttribute:
      return regs_.attribute_index;
    case kAttributeRead:
      return regs_.attribute[regs_.attribute_index & 0x1f];
    case kMisc:
      return 0x10;  // a monitor is connected
    case kSequencerIndex:
      return regs_.sequencer_index;
    case kSequencerData:
      return regs_.sequencer[regs_.sequencer_index];
    case kPaletteMask:
      return regs_.palette_mask;
    case kPaletteReadIndex:
      return regs_.palette_writing ? 0 : 3;
    case kPaletteWriteIndex:
      return regs_.palette_write_index;
    case kPaletteData:
      return read_palette();
    case kFeatureRead:
      return regs_.feature_control;
    case kMiscRead:
      return regs_.misc;
    case kGraphicsIndex:
      return regs_.graphics_index;
    case kGraphicsData:
      return regs_.graphics[regs_.graphics_index];
    case kCrtcIndex:
      return regs_.crtc_index;
    case kCrtcData:
      return regs_.crtc[regs_.crtc_index];
    case kStatus:
      return read_status();
    default:
      return 0xff;
  }
}

void Vga::write_port(uint16_t port, uint8_t value) {
  switch (port) {
    case kAttribute:
      return write_attribute(value);
    case kMisc:
      regs_.misc = value & 0xef;
      break;
    case kSequencerIndex:
      regs_.sequencer_index = value & 7;
      break;
    case kSequencerData:
      regs_.sequencer[regs_.sequencer_index] = value & kSequencerMask[regs_.sequencer_index];
      break;
    case kPaletteMask:
      regs_.palette_mask = value;
      break;
    case kPaletteReadIndex:
      regs_.palette_read_index = value;
      regs_.palette_component = 0;
      regs_.palette_writing = false;
      break;
    case kPaletteWriteIndex:
      regs_.palette_write_index = value;
      regs_.palette_component = 0;
      regs_.palette_writing = true;
      break;
    case kPaletteData:
      return write_palette(value);
    case kGraphicsIndex:
      regs_.graphics_index = value & 15;
      break;
    case kGraphicsData:
      regs_.graphics[regs_.graphics_index] = value & kGraphicsMask[regs_.graphics_index];
      break;
    case kCrtcIndex:
      regs_.crtc_index = value & 31;
      break;
    case kCrtcData:
      return write_crtc(value);
    case kStatus:
      regs_.feature_control = value & 0x10;
      break;
  }
}

uint8_t Vga::read_status() {
  regs_.attribute_data = false;
  const int64_t in_frame = environment().clock.now_ns() % kFrameNs;
  if (in_frame < kRetraceNs) return 0x09;
  return in_frame % kLineNs < kLineBlankNs ? 0x01 : 0x00;
}

void Vga::write_attribute(uint8_t value) {
  if (!regs_.attribute_data) {
    regs_.attribute_index = value & 0x3f;
  } else {
    const unsigned index = regs_.attribute_index & 0x1f;
    // Bit 5 of the index, screen on, keeps the palette from the CPU.
    if (index >= 16 || !(regs_.attribute_index & 0x20)) regs_.attribute[index] = value & 0x3f;
    if (index == 16) regs_.attribute[index] = value & 0xef;
  }
  regs_.attribute_data = !regs_.attribute_data;
}

void Vga::write_crtc(uint8_t value) {
  const unsigned index = regs_.crtc_index;
  if (index < 8 && (regs_.crtc[0x11] & 0x80)) {
    // Write-protected, but for the line compare bit.
    if (index == 7) regs_.crtc[7] = (regs_.crtc[7] & ~0x10) | (value & 0x10);
    return;
  }
  regs_.crtc[index] = value;
}

uint8_t Vga::read_palette() {
  const uint8_t value = regs_.palette[regs_.palette_read_index * 3 + regs_.palette_component];
  if (++regs_.palette_component == 3) {
    regs_.palette_component = 0;
    ++regs_.palette_read_index;
  }
  return value;
}

void Vga::write_palette(uint8_t value) {
  regs_.palette_latch[regs_.palette_component] = value;
  if (++regs_.palette_component < 3) return;
  regs_.palette_component = 0;
  std::ranges::copy(regs_.palette_latch, &regs_.palette[regs_.palette_write_index * 3]);
  ++regs_.palette_write_index;
}

// The Bochs display interface: an index at 1CEh, data at 1CFh (or 1D0h), 16 bits each.

uint64_t Vga::read_dispi_ports(uint64_t offset, unsigned width) {
  const uint64_t value = offset == 0 ? regs_.dispi_index : read_dispi(regs_.dispi_index);
  return value & util::low_mask(8 * width);
}

void Vga::write_dispi_ports(uint64_t offset, unsigned, uint64_t value) {
  if (offset == 0) {
    regs_.dispi_index = static_cast<uint16_t>(value);
  } else {
    write_dispi(regs_.dispi_index, static_cast<uint16_t>(value));
  }
}

uint16_t Vga::read_dispi(unsigned index) const {
  if (index == kMemory64K) return static_cast<uint16_t>(memory_->size() >> 16);
  if (index >= kDispiRegisters) return 0;
  if (regs_.dispi[kEnable] & kGetCapabilities) {
    if (index == kWidth) return kMaxWidth;
    if (index == kHeight) return kMaxHeight;
    if (index == kBits) return 32;
  }
  return regs_.dispi[index];
}

void Vga::write_dispi(unsigned index, uint16_t value) {
  const bool enabled = dispi_enabled();
  switch (index) {
    case kId:
      if (value >= kFirstId && value <= kLastId) regs_.dispi[kId] = value;
      break;
    case kWidth:
    case kHeight:
      if (!enabled) regs_.dispi[index] = std::min(value, index == kWidth ? kMaxWidth : kMaxHeight);
      break;
    case kBits:
      if (value == 0) value = 8;
      if (!enabled &&
          (value == 4 || value == 8 || value == 15 || value == 16 || value == 24 || value == 32)) {
        regs_.dispi[kBits] = value;
      }
      break;
    case kEnable:
      return enable_dispi(value);
    case kBank:
      regs_.dispi[kBank] = value & 0xff;
      break;
    case kVirtualWidth:
      regs_.dispi[kVirtualWidth] = std::max(value, regs_.dispi[kWidth]);
      break;
    case kXOffset:
    case kYOffset:
      regs_.dispi[index] = value;
      break;
  }
}

void Vga::enable_dispi(uint16_t value) {
  const bool was_enabled = dispi_enabled();
  auto& dispi = regs_.dispi;
  dispi[kEnable] = value & kEnableMask;
  if (!(value & kEnabled) || was_enabled) return;
  dispi[kVirtualWidth] = dispi[kWidth];
  dispi[kVirtualHeight] = dispi[kHeight];
  dispi[kXOffset] = dispi[kYOffset] = dispi[kBank] = 0;
  if (value & kKeepMemory) return;
  const uint64_t bytes = uint64_t{dispi[kWidth]} * dispi[kHeight] * ((dispi[kBits] + 7) / 8);
  const uint64_t length = std::min(bytes, memory_->size());
  if (length == 0) return;
  std::fill_n(memory_->data(), length, std::byte{0});
  memory_->mark_written(0, length);
}

// BAR 2: the ports from 3C0h at 400h, the display interface at 500h.

uint64_t Vga::read_registers(uint64_t offset, unsigned width) {
  if (offset >= 0x400 && offset + width <= 0x420) return read_ports(offset - 0x400, width);
  if (offset >= 0x500 && offset < 0x500 + 2 * kDispiRegisters) {
    const uint64_t value = read_dispi(static_cast<unsigned>(offset - 0x500) / 2);
    return (value >> 8 * (offset & 1)) & util::low_mask(8 * width);
  }
  return 0;
}

void Vga::write_registers(uint64_t offset, unsigned width, uint64_t value) {
  if (offset >= 0x400 && offset + width <= 0x420) return write_ports(offset - 0x400, width, value);
  if (offset >= 0x500 && offset < 0x500 + 2 * kDispiRegisters && width >= 2) {
    write_dispi(static_cast<unsigned>(offset - 0x500) / 2, static_cast<uint16_t>(value));
  }
}

}  // namespace vireo::hw
