#pragma once

#include <bit>
#include <concepts>
#include <cstdint>

namespace vireo::util {

/// `value`'s bits [low, low+count), right-aligned; 0 < count <= 64.
template <std::unsigned_integral T>
constexpr T extract_bits(T value, unsigned low, unsigned count) {
  return static_cast<T>((value >> low) & (count >= sizeof(T) * 8 ? ~T{0} : (T{1} << count) - 1));
}

/// `value` with bits [low, low+count) replaced by the low bits of `bits`.
template <std::unsigned_integral T>
constexpr T insert_bits(T value, unsigned low, unsigned count, T bits) {
  const T mask = static_cast<T>((count >= sizeof(T) * 8 ? ~T{0} : (T{1} << count) - 1) << low);
  return static_cast<T>((value & ~mask) | ((bits << low) & mask));
}

/// Sign-extends the low `width_bits` (1 to 64) of `value`.
constexpr int64_t sign_extend(uint64_t value, unsigned width_bits) {
  return static_cast<int64_t>(value << (64 - width_bits)) >> (64 - width_bits);
}

/// All ones in the low `width_bits` (0 to 64).
constexpr uint64_t low_mask(unsigned width_bits) {
  return width_bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << width_bits) - 1;
}

/// `alignment` must be a power of two.
constexpr uint64_t align_down(uint64_t value, uint64_t alignment) {
  return value & ~(alignment - 1);
}
constexpr uint64_t align_up(uint64_t value, uint64_t alignment) {
  return align_down(value + alignment - 1, alignment);
}

}  // namespace vireo::util
