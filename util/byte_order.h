#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace vireo::util {

/// `value` with its bytes in the opposite order.
template <std::unsigned_integral T>
constexpr T swap_bytes(T value) {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

/// Loads and stores of integers at any alignment, in the byte order that the name says.
template <std::unsigned_integral T>
T load_little(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return std::endian::native == std::endian::little ? value : swap_bytes(value);
}
template <std::unsigned_integral T>
T load_big(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return std::endian::native == std::endian::big ? value : swap_bytes(value);
}
template <std::unsigned_integral T>
void store_little(void* to, std::type_identity_t<T> value) {
  if constexpr (std::endian::native != std::endian::little) value = swap_bytes<T>(value);
  std::memcpy(to, &value, sizeof(T));
}
template <std::unsigned_integral T>
void store_big(void* to, std::type_identity_t<T> value) {
  if constexpr (std::endian::native != std::endian::big) value = swap_bytes<T>(value);
  std::memcpy(to, &value, sizeof(T));
}

/// The low `width` (1, 2, 4 or 8) bytes of a little-endian integer.
inline uint64_t load_little(const void* from, unsigned width) {
  switch (width) {
    case 1:
      return load_little<uint8_t>(from);
    case 2:
      return load_little<uint16_t>(from);
    case 4:
      return load_little<uint32_t>(from);
    default:
      return load_little<uint64_t>(from);
  }
}
inline void store_little(void* to, uint64_t value, unsigned width) {
  switch (width) {
    case 1:
      return store_little<uint8_t>(to, static_cast<uint8_t>(value));
    case 2:
      return store_little<uint16_t>(to, static_cast<uint16_t>(value));
    case 4:
      return store_little<uint32_t>(to, static_cast<uint32_t>(value));
    default:
      return store_little<uint64_t>(to, value);
  }
}

/// The integer object of `width` (1, 2, 4 or 8) bytes at `from` or `to`, in the host's byte order,
/// zero-extended.
inline uint64_t load_native(const void* from, unsigned width) {
  const uint64_t value = load_little(from, width);
  return std::endian::native == std::endian::little ? value : swap_bytes(value) >> (64 - 8 * width);
}
inline void store_native(void* to, uint64_t value, unsigned width) {
  if constexpr (std::endian::native != std::endian::little) {
    value = swap_bytes(value) >> (64 - 8 * width);
  }
  store_little(to, value, width);
}

}  // namespace vireo::util
