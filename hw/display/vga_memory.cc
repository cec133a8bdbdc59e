// The CPU's view of VGA memory at A0000h: planes, latches, read and write modes (VGA Technical
// Reference, graphics controller).

#include <algorithm>
#include <bit>

#include "core/memory/ram_block.h"
#include "hw/display/vga.h"
#include "util/byte_order.h"

namespace vireo::hw {
namespace {

enum Graphics : uint8_t {
  kSetReset,
  kEnableSetReset,
  kColorCompare,
  kRotate,
  kReadMap,
  kMode,
  kMisc,
  kColorCare,
  kBitMask
};
constexpr unsigned kMapMask = 2;  // sequencer registers
constexpr unsigned kMemoryMode = 4;
constexpr uint8_t kChain4 = 8;
constexpr uint8_t kNotOddEven = 4;
constexpr uint64_t kPageSize = core::kGuestPageSize;

constexpr uint32_t spread(uint8_t byte) { return byte * 0x01010101u; }
// A byte of ones for each bit of a plane mask.
constexpr uint32_t planes(uint8_t mask) {
  uint32_t bytes = 0;
  for (unsigned plane = 0; plane < 4; ++plane) {
    if (mask >> plane & 1) bytes |= 0xffu << 8 * plane;
  }
  return bytes;
}

}  // namespace

// Which part of A0000h to BFFFFh answers, and the address in the window's memory.
bool Vga::window_address(uint64_t offset, uint32_t& address) const {
  address = static_cast<uint32_t>(offset);
  if (dispi_enabled()) {
    address += uint32_t{regs_.dispi[5]} << 16;
    return offset < 0x10000;
  }
  switch (regs_.graphics[kMisc] >> 2 & 3) {
    case 0:
      return true;
    case 1:
      return offset < 0x10000;
    case 2:
      address -= 0x10000;
      return offset >= 0x10000 && offset < 0x18000;
    default:
      address -= 0x18000;
      return offset >= 0x18000;
  }
}

uint64_t Vga::read_window(uint64_t offset, unsigned width) {
  uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    uint32_t address = 0;
    const uint8_t byte = window_address(offset + i, address) ? read_byte(address) : uint8_t{0xff};
    value |= uint64_t{byte} << 8 * i;
  }
  return value;
}

void Vga::write_window(uint64_t offset, unsigned width, uint64_t value) {
  for (unsigned i = 0; i < width; ++i) {
    uint32_t address = 0;
    if (window_address(offset + i, address)) {
      write_byte(address, static_cast<uint8_t>(value >> 8 * i));
    }
  }
}

uint32_t Vga::load_planes(uint32_t address) const {
  return util::load_little<uint32_t>(memory_->data() + (uint64_t{address} * 4) % memory_->size());
}

uint8_t Vga::read_byte(uint32_t address) {
  if (dispi_enabled() || (regs_.sequencer[kMemoryMode] & kChain4)) {
    return memory_at(address);
  }
  if (!(regs_.sequencer[kMemoryMode] & kNotOddEven)) {
    return memory_at(uint64_t{address & ~1u} * 2 | (address & 1));
  }
  regs_.latch = load_planes(address);
  if (!(regs_.graphics[kMode] & 8)) {
    return static_cast<uint8_t>(regs_.latch >> 8 * (regs_.graphics[kReadMap] & 3));
  }
  // Read mode 1: which pixels have the color to compare with.
  const uint32_t differences =
      (regs_.latch ^ planes(regs_.graphics[kColorCompare])) & planes(regs_.graphics[kColorCare]);
  const uint32_t folded = differences | differences >> 16;
  return static_cast<uint8_t>(~(folded | folded >> 8));
}

void Vga::write_byte(uint32_t address, uint8_t value) {
  const uint8_t mode = regs_.sequencer[kMemoryMode];
  if (!dispi_enabled() && !(mode & kChain4) && (mode & kNotOddEven)) {
    return write_planes(address, value);
  }
  uint64_t at = address;
  unsigned plane = address & 3;
  if (!dispi_enabled() && !(mode & kChain4)) {
    plane = address & 1;
    at = uint64_t{address & ~1u} * 2 | plane;
  }
  if (!dispi_enabled() && !(regs_.sequencer[kMapMask] >> plane & 1)) return;
  at %= memory_->size();
  memory_->data()[at] = std::byte{value};
  memory_->mark_written(at, 1);
}

uint32_t Vga::planes_to_write(uint8_t value, uint32_t& bit_mask) const {
  const auto& graphics = regs_.graphics;
  const uint32_t set = planes(graphics[kSetReset]);
  const uint8_t rotated = std::rotr(value, graphics[kRotate] & 7);
  bit_mask = spread(graphics[kBitMask]);
  switch (graphics[kMode] & 3) {
    case 0: {
      const uint32_t forced = planes(graphics[kEnableSetReset]);
      return (spread(rotated) & ~forced) | (set & forced);
    }
    case 2:
      return planes(value & 0x0f);
    default:
      bit_mask &= spread(rotated);
      return set;
  }
}

void Vga::write_planes(uint32_t address, uint8_t value) {
  uint32_t data = regs_.latch;
  if ((regs_.graphics[kMode] & 3) != 1) {
    uint32_t bit_mask = 0;
    data = planes_to_write(value, bit_mask);
    switch (regs_.graphics[kRotate] >> 3 & 3) {
      case 1:
        data &= regs_.latch;
        break;
      case 2:
        data |= regs_.latch;
        break;
      case 3:
        data ^= regs_.latch;
        break;
    }
    data = (data & bit_mask) | (regs_.latch & ~bit_mask);
  }
  const uint32_t written = planes(regs_.sequencer[kMapMask]);
  const uint64_t at = (uint64_t{address} * 4) % memory_->size();
  const uint32_t merged = (load_planes(address) & ~written) | (data & written);
  util::store_little<uint32_t>(memory_->data() + at, merged);
  memory_->mark_written(at, 4);
}

// The contents, up to the last page that is not zero.
void Vga::save_memory(core::FieldWriter& writer) const {
  const std::span<std::byte> bytes = memory_->bytes();
  const auto last = std::find_if(bytes.rbegin(), bytes.rend(),
                                 [](std::byte byte) { return byte != std::byte{0}; });
  const auto used = static_cast<size_t>(bytes.rend() - last);
  const size_t length = (used + kPageSize - 1) / kPageSize * kPageSize;
  writer.bytes("contents", {reinterpret_cast<const uint8_t*>(bytes.data()), length});
}

util::Status Vga::load_memory(const core::FieldReader& reader, uint32_t) {
  std::vector<uint8_t> contents;
  VIREO_TRY(reader.bytes("contents", contents, memory_->size()));
  std::byte* const to = memory_->data();
  std::ranges::copy(std::as_bytes(std::span(contents)), to);
  std::fill(to + contents.size(), to + memory_->size(), std::byte{0});
  memory_->mark_written(0, memory_->size());
  return {};
}

}  // namespace vireo::hw
