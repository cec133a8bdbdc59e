#pragma once

#include <cstddef>
#include <cstdint>

namespace vireo::tcg {

/// An x87 register as it lies in memory (SDM volume 1, 4.2.2); MMX registers are the significands.
struct X87Register {
  uint64_t significand = 0;
  uint16_t sign_exponent = 0;
};

/// The x87 unit's state. While translated code runs, a backend may keep its first part (up to
/// `opcode`) in the host's x87 unit: see Frame::x87_place.
struct X87State {
  X87Register registers[8];  ///< Physical; ST(i) is registers[(top + i) & 7].
  uint16_t control = 0x40;   ///< Reset value, SDM volume 3, table 9-1; FNINIT gives 0x37f.
  uint16_t status = 0;       ///< Without TOP.
  uint8_t top = 0;
  uint8_t empty = 0;  ///< Bit i: registers[i] is empty (full tag words are computed on store).
  uint16_t opcode = 0;
  uint64_t instruction_pointer = 0;
  uint64_t data_pointer = 0;
  uint16_t instruction_selector = 0;
  uint16_t data_selector = 0;
};

/// The control word's masks of exceptions, its bits that exist, and those of them that are always
/// set (SDM volume 1, 8.1.5).
constexpr uint16_t kX87Masks = 0x3f, kX87ControlBits = 0x1f7f, kX87ControlFixed = 0x40;
/// What loading `value` leaves in the control word.
constexpr uint16_t x87_control_word(unsigned value) {
  return static_cast<uint16_t>((value & kX87ControlBits) | kX87ControlFixed);
}

/// Bytes of what FNSAVE stores (SDM volume 1, figure 8-9, and eight registers).
constexpr size_t kX87ImageBytes = 108;

/// From FNSAVE's 32-bit protected-mode format, and to it; the pointers are left out.
void from_x87_image(const uint8_t* image, X87State& x87);
void to_x87_image(const X87State& x87, uint8_t* image);

}  // namespace vireo::tcg
