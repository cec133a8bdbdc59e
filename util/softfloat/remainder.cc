// FPREM, FPREM1, FSCALE and FXTRACT: x87 instructions that work on the exponent.

#include <algorithm>

#include "util/softfloat/integer.h"
#include "util/softfloat/softfloat.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

/// A remainder that is zero keeps the sign of the dividend.
Float80 pack_remainder(bool dividend_sign, bool flipped, int32_t exponent, uint128 remainder,
                       Environment& environment) {
  if (remainder == 0) return pack_zero<Float80>(dividend_sign);
  // remainder * 2^(exponent - 63), always exact in 64 bits.
  return round_pack<Float80>(make_wide(dividend_sign != flipped, exponent + 64, remainder),
                             environment);
}

/// One step for exponents 64 or more apart: takes 32 to 63 bits off the difference, in the way
/// that leaves a multiple of 32 for the following steps.
PartialRemainder reduce(const Unpacked& a, const Unpacked& b, Environment& environment) {
  const int32_t difference = a.exponent - b.exponent;
  const int bits = 32 + difference % 32;
  const uint128 remainder = (static_cast<uint128>(a.significand) << bits) % b.significand;
  return {pack_remainder(a.sign, false, b.exponent + difference - bits, remainder, environment), 0,
          true};
}

PartialRemainder divide_finite(const Unpacked& a, const Unpacked& b, bool nearest,
                               Environment& environment) {
  const int32_t difference = a.exponent - b.exponent;
  if (difference >= 64) return reduce(a, b, environment);
  if (difference < -1 || (difference < 0 && !nearest))
    return {round_pack<Float80>(a.wide(), environment), 0, false};
  // Both as integers of the smaller of the two units.
  const uint128 dividend = static_cast<uint128>(a.significand) << std::max(difference, 0);
  const uint128 divisor = static_cast<uint128>(b.significand) << (difference < 0 ? 1 : 0);
  uint64_t quotient = static_cast<uint64_t>(dividend / divisor);
  uint128 remainder = dividend % divisor;
  const uint128 twice = remainder << 1;
  const bool up = nearest && (twice > divisor || (twice == divisor && (quotient & 1)));
  if (up) {
    ++quotient;
    remainder = divisor - remainder;
  }
  return {pack_remainder(a.sign, up, std::min(a.exponent, b.exponent), remainder, environment),
          static_cast<uint8_t>(quotient & 7), false};
}

PartialRemainder partial_remainder(Float80 dividend, Float80 divisor, bool nearest,
                                   Environment& environment) {
  const Unpacked a = unpack(dividend, environment), b = unpack(divisor, environment);
  if (a.is_nan() || b.is_nan()) return {propagate_nan<Float80>(a, b, environment)};
  if (a.is_infinity() || b.is_zero()) return {invalid<Float80>(environment)};
  if (raise_denormal(a.denormal || b.denormal, environment)) return {};
  if (a.is_zero()) return {pack_zero<Float80>(a.sign)};
  if (b.is_infinity()) return {round_pack<Float80>(a.wide(), environment)};
  return divide_finite(a, b, nearest, environment);
}

/// Beyond this any scaling overflows or underflows, even a result with an adjusted exponent.
constexpr int32_t kScaleLimit = 0x10000;

}  // namespace

PartialRemainder partial_remainder_truncate(Float80 a, Float80 b, Environment& environment) {
  return partial_remainder(a, b, /*nearest=*/false, environment);
}

PartialRemainder partial_remainder_nearest(Float80 a, Float80 b, Environment& environment) {
  return partial_remainder(a, b, /*nearest=*/true, environment);
}

Float80 scale(Float80 a, Float80 b, Environment& environment) {
  const Unpacked x = unpack(a, environment), power = unpack(b, environment);
  if (x.is_nan() || power.is_nan()) return propagate_nan<Float80>(x, power, environment);
  if (power.is_infinity() && (power.sign ? x.is_infinity() : x.is_zero()))
    return invalid<Float80>(environment);
  if (raise_denormal(x.denormal || power.denormal, environment)) return {};
  if (x.is_infinity() || x.is_zero()) return a;
  if (power.is_infinity())
    return power.sign ? pack_zero<Float80>(x.sign) : pack_infinity<Float80>(x.sign);
  const uint64_t magnitude = round_to_integer(power, Rounding::kTowardZero).magnitude;
  const int32_t limited = static_cast<int32_t>(std::min<uint64_t>(magnitude, kScaleLimit));
  Wide result = x.wide();
  result.exponent += power.sign ? -limited : limited;
  return round_pack<Float80>(result, environment);
}

Extracted extract(Float80 a, Environment& environment) {
  const Unpacked x = unpack(a, environment);
  if (x.is_nan()) {
    const Float80 nan = propagate_nan<Float80>(x, environment);
    return {nan, nan};
  }
  if (x.is_infinity()) return {pack_infinity<Float80>(false), a};
  if (x.is_zero()) {
    environment.raise(kDivideByZero);
    return {pack_infinity<Float80>(true), a};
  }
  if (raise_denormal(x.denormal, environment)) return {};
  return {float80_from_int64(x.exponent),
          Format<Float80>::join(x.sign, Format<Float80>::kBias, x.significand)};
}

}  // namespace vireo::util::softfloat
