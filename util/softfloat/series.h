#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "util/softfloat/round.h"
#include "util/softfloat/wide.h"

/// What the transcendental functions share: power series in 128-bit fixed point, and constants.
namespace vireo::util::softfloat::internal {

/// 1.0 in the series' fixed point format, which has 127 fraction bits.
inline constexpr uint128 kFixedOne = static_cast<uint128>(1) << 127;

/// Coefficients of which number k is the one before divided by divisor(k); the first is 1.
template <size_t kTerms, class Divisor>
constexpr std::array<uint128, kTerms> make_coefficients(Divisor divisor) {
  std::array<uint128, kTerms> result{kFixedOne};
  for (size_t k = 1; k < kTerms; ++k) result[k] = result[k - 1] / divisor(k);
  return result;
}

/// 1, 1/3, 1/5, ...: the arctangent's coefficients, and the inverse hyperbolic tangent's.
template <size_t kTerms>
constexpr std::array<uint128, kTerms> make_odd_reciprocals() {
  std::array<uint128, kTerms> result{};
  for (size_t k = 0; k < kTerms; ++k) result[k] = kFixedOne / (2 * k + 1);
  return result;
}

/// |x| < 1 as a fraction of 128 bits.
constexpr uint128 to_fraction(const Wide& x) {
  const int shift = -1 - x.exponent;
  return shift > 127 ? 0 : x.significand >> shift;
}

/// c0 + c1 x + c2 x^2 + ... or, alternating, c0 - c1 x + c2 x^2 - ..., by Horner's rule, for
/// decreasing coefficients and 0 <= x < 1 (a 128-bit fraction). The alternating sum is rounded down
/// so that it stays below c0 for the smallest x, which keeps directed rounding right.
template <size_t kTerms>
constexpr Wide sum_series(const std::array<uint128, kTerms>& coefficients, uint128 x,
                          bool alternating) {
  uint128 sum = coefficients[kTerms - 1];
  for (size_t k = kTerms - 1; k-- > 0;) {
    const uint128 product = multiply_high_jam(x, sum);
    sum = alternating ? coefficients[k] - product : coefficients[k] + product;
  }
  return make_wide(false, 0, alternating ? sum - 1 : sum);
}

inline constexpr Wide kWideOne{false, 0, kFixedOne};
inline constexpr Wide kLn2{false, -1, make128(0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af)};
inline constexpr Wide kTwoLog2E{false, 1, make128(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89)};
inline constexpr Wide kPi{false, 1, make128(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1)};
inline constexpr Wide kHalfPi{false, 0, kPi.significand};
inline constexpr Wide kQuarterPi{false, -1, kPi.significand};
inline constexpr Wide kThreeQuarterPi{false, 1, make128(0x96cbe3f9990e91a7, 0x9394c9e8a0a5159d)};

/// Rounds a result that is known not to be exact. Precision control does not apply.
inline Float80 round_inexact(Wide x, Environment& environment) {
  x.significand |= 1;
  return round_pack<Float80>(x, environment);
}

inline Wide with_sign(Wide x, bool sign) { return {sign, x.exponent, x.significand}; }

}  // namespace vireo::util::softfloat::internal
