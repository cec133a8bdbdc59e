#pragma once

#include <bit>
#include <cstdint>

/// Unpacked real numbers with a 128-bit significand: the exact results of arithmetic before they
/// are rounded, and the working precision of the transcendental functions.
namespace vireo::util::softfloat::internal {

using uint128 = unsigned __int128;

constexpr uint128 make128(uint64_t high, uint64_t low) {
  return static_cast<uint128>(high) << 64 | low;
}

constexpr int count_leading_zeros(uint128 x) {
  const uint64_t high = static_cast<uint64_t>(x >> 64);
  return high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<uint64_t>(x));
}

/// x >> count with every lost bit collected in bit 0; any count >= 0.
constexpr uint128 shift_right_jam(uint128 x, int count) {
  if (count == 0) return x;
  if (count > 127) return x != 0;
  return x >> count | ((x << (128 - count)) != 0);
}

/// (-1)^sign * significand * 2^(exponent - 127). Bit 127 of the significand is set unless the
/// number is zero, so 2^exponent <= |value| < 2^(exponent + 1).
struct Wide {
  bool sign = false;
  int32_t exponent = 0;
  uint128 significand = 0;

  constexpr bool is_zero() const { return significand == 0; }
};

/// Normalises significand * 2^(exponent - 127).
constexpr Wide make_wide(bool sign, int32_t exponent, uint128 significand) {
  if (significand == 0) return {sign, 0, 0};
  const int shift = count_leading_zeros(significand);
  return {sign, exponent - shift, significand << shift};
}

/// a + b, with bit 0 sticky. Exact but for the sticky bit if neither operand uses its bit 0.
constexpr Wide add(Wide a, Wide b) {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand)) {
    const Wide swapped = a;
    a = b;
    b = swapped;
  }
  const uint128 large = shift_right_jam(a.significand, 1);
  const uint128 small = shift_right_jam(b.significand, 1 + a.exponent - b.exponent);
  return make_wide(a.sign, a.exponent + 1, a.sign == b.sign ? large + small : large - small);
}

constexpr Wide negate(Wide a) { return {!a.sign, a.exponent, a.significand}; }

/// High half of the 256-bit product, with the low half collected in bit 0.
constexpr uint128 multiply_high_jam(uint128 a, uint128 b) {
  const uint64_t a0 = static_cast<uint64_t>(a), a1 = static_cast<uint64_t>(a >> 64);
  const uint64_t b0 = static_cast<uint64_t>(b), b1 = static_cast<uint64_t>(b >> 64);
  const uint128 low = static_cast<uint128>(a0) * b0;
  const uint128 cross = static_cast<uint128>(a1) * b0 + static_cast<uint64_t>(low >> 64);
  const uint128 middle = static_cast<uint128>(a0) * b1 + static_cast<uint64_t>(cross);
  const uint128 high = static_cast<uint128>(a1) * b1 + (cross >> 64) + (middle >> 64);
  return high | ((static_cast<uint64_t>(middle) | static_cast<uint64_t>(low)) != 0);
}

/// a * b, with bit 0 sticky.
constexpr Wide multiply(Wide a, Wide b) {
  return make_wide(a.sign != b.sign, a.exponent + b.exponent + 1,
                   multiply_high_jam(a.significand, b.significand));
}

/// The exact product of two 64-bit significands whose values lie in [1, 2).
constexpr Wide multiply_exact(bool sign, int32_t exponent, uint64_t a, uint64_t b) {
  return make_wide(sign, exponent + 1, static_cast<uint128>(a) * b);
}

/// One 64-bit digit of remainder * 2^64 / divisor, which leaves the next remainder. Takes a
/// normalised divisor and remainder < divisor.
constexpr uint64_t divide_digit(uint128& remainder, uint128 divisor) {
  const uint64_t d1 = static_cast<uint64_t>(divisor >> 64);
  const uint64_t d0 = static_cast<uint64_t>(divisor);
  // The estimate is never too small and at most 2 too large (Knuth, 4.3.1, theorem B).
  const uint64_t r1 = static_cast<uint64_t>(remainder >> 64);
  uint64_t digit = r1 >= d1 ? ~uint64_t{0} : static_cast<uint64_t>(remainder / d1);
  uint128 rest = remainder - static_cast<uint128>(digit) * d1;
  uint128 low = static_cast<uint128>(digit) * d0;
  while (rest >> 64 == 0 && rest << 64 < low) {
    --digit;
    rest += d1;
    low -= d0;
  }
  remainder = (rest << 64) - low;
  return digit;
}

/// a / b truncated to 127 or 128 bits, with bit 0 sticky. b must not be zero.
constexpr Wide divide(Wide a, Wide b) {
  if (a.is_zero()) return {a.sign != b.sign, 0, 0};
  const bool shifted = a.significand >= b.significand;
  uint128 remainder = a.significand;
  int32_t exponent = a.exponent - b.exponent - 1;
  uint128 lead = 0;
  if (shifted) {
    // A quotient in [1, 2): its leading one is known, the digits below follow.
    remainder -= b.significand;
    ++exponent;
    lead = static_cast<uint128>(1) << 127;
  }
  const uint64_t high = divide_digit(remainder, b.significand);
  const uint64_t low = divide_digit(remainder, b.significand);
  uint128 digits = make128(high, low);
  bool sticky = remainder != 0;
  if (shifted) {
    sticky |= digits & 1;
    digits = lead | digits >> 1;
  }
  return make_wide(a.sign != b.sign, exponent, digits | (sticky ? 1 : 0));
}

}  // namespace vireo::util::softfloat::internal
