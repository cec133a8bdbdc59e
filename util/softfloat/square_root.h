#pragma once

#include <cstdint>

#include "util/softfloat/wide.h"

/// Integer square roots by Zimmermann's recursive ("Karatsuba") method: half of the root from the
/// upper half of the number, the other half by one division.
namespace vireo::util::softfloat::internal {

template <class Root, class Square>
struct RootAndRemainder {
  Root root;
  Square remainder;
};

constexpr RootAndRemainder<uint8_t, uint16_t> square_root_with_remainder(uint16_t n) {
  uint16_t root = 0;
  for (uint16_t bit = 0x80; bit != 0; bit >>= 1) {
    const uint32_t trial = root | bit;
    if (trial * trial <= n) root = static_cast<uint16_t>(trial);
  }
  return {static_cast<uint8_t>(root), static_cast<uint16_t>(n - root * root)};
}

/// `Half` is the type of the result, `Quarter` that of the recursive one. One of the two top bits
/// of n has to be set.
template <class Quarter, class Half, class Whole>
constexpr RootAndRemainder<Half, Whole> extend_root(Quarter upper_root, Half upper_remainder,
                                                    Whole n) {
  constexpr int kQuarterBits = sizeof(Quarter) * 8;
  const Whole low = n & ((Whole{1} << kQuarterBits) - 1);
  const Whole middle = n >> kQuarterBits & ((Whole{1} << kQuarterBits) - 1);
  const Whole dividend = static_cast<Whole>(upper_remainder) << kQuarterBits | middle;
  const Whole twice = Whole{2} * upper_root;
  const Whole digit = dividend / twice;
  const Whole rest = (dividend - digit * twice) << kQuarterBits | low;
  Whole root = (static_cast<Whole>(upper_root) << kQuarterBits) + digit;
  Whole square = digit * digit;
  // The digit may be one too large; the remainder then becomes that of the root below.
  if (rest >= square) return {static_cast<Half>(root), static_cast<Whole>(rest - square)};
  --root;
  return {static_cast<Half>(root), static_cast<Whole>(rest + 2 * root + 1 - square)};
}

constexpr RootAndRemainder<uint16_t, uint32_t> square_root_with_remainder(uint32_t n) {
  const auto upper = square_root_with_remainder(static_cast<uint16_t>(n >> 16));
  return extend_root<uint8_t, uint16_t, uint32_t>(upper.root, upper.remainder, n);
}

constexpr RootAndRemainder<uint32_t, uint64_t> square_root_with_remainder(uint64_t n) {
  const auto upper = square_root_with_remainder(static_cast<uint32_t>(n >> 32));
  return extend_root<uint16_t, uint32_t, uint64_t>(upper.root, upper.remainder, n);
}

constexpr RootAndRemainder<uint64_t, uint128> square_root_with_remainder(uint128 n) {
  const auto upper = square_root_with_remainder(static_cast<uint64_t>(n >> 64));
  return extend_root<uint32_t, uint64_t, uint128>(upper.root, upper.remainder, n);
}

/// The root of significand * 2^(exponent - 63): 64 bits, a guard bit and a sticky bit.
constexpr Wide square_root(int32_t exponent, uint64_t significand) {
  const bool odd = exponent & 1;
  const auto [root, remainder] =
      square_root_with_remainder(static_cast<uint128>(significand) << (odd ? 64 : 63));
  // (root + 1/2)^2 = root^2 + root + 1/4, so a tie cannot happen.
  const uint64_t guard = remainder > root ? uint64_t{1} << 63 : 0;
  return {false, (exponent - odd) / 2, make128(root, guard | (remainder != 0))};
}

}  // namespace vireo::util::softfloat::internal
