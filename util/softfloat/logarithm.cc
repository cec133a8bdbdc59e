// F2XM1 by the exponential series; FYL2X and FYL2XP1 by log(m) = 2 artanh((m - 1) / (m + 1)).

#include "util/softfloat/series.h"
#include "util/softfloat/softfloat.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

/// (e^x - 1) / x: coefficients 1 / (k + 1)!.
constexpr auto kExponential = make_coefficients<28>([](size_t k) { return k + 1; });

/// artanh(t) / t in powers of t^2.
constexpr auto kArtanh = make_odd_reciprocals<21>();

/// log2(above / below), where the ratio is within [sqrt(1/2), sqrt(2)] and given by the difference
/// and the sum of the two.
Wide log2_near_one(const Wide& difference, const Wide& sum) {
  if (difference.is_zero()) return difference;
  const Wide t = divide(difference, sum);
  const Wide series = sum_series(kArtanh, to_fraction(multiply(t, t)), /*alternating=*/false);
  return multiply(multiply(t, series), kTwoLog2E);
}

/// log2 of a positive number. Exact for powers of two.
Wide log2_of(const Wide& x) {
  constexpr uint128 kRootOfTwo = make128(0xb504f333f9de6484, 0x597d89b3754abe9f);
  const bool upper = x.significand > kRootOfTwo;
  const int32_t power = x.exponent + upper;
  const Wide reduced{false, upper ? -1 : 0, x.significand};
  const Wide fraction =
      log2_near_one(internal::add(reduced, negate(kWideOne)), internal::add(reduced, kWideOne));
  const uint128 magnitude = static_cast<uint128>(power < 0 ? -power : power);
  return internal::add(make_wide(power < 0, 127, magnitude), fraction);
}

/// y * logarithm for finite operands that are not zero. The hardware reports every such result as
/// inexact.
Float80 scale_logarithm(const Unpacked& y, const Wide& logarithm, bool exact, Environment& env) {
  const Wide product = multiply(y.wide(), logarithm);
  env.raise(kInexact);
  return exact ? round_pack<Float80>(product, env) : round_inexact(product, env);
}

/// What y times an infinite or zero logarithm of the given sign comes to.
Float80 scale_infinite(const Unpacked& y, bool sign, Environment& environment) {
  if (y.is_zero()) return invalid<Float80>(environment);
  if (raise_denormal(y.denormal, environment)) return {};
  return pack_infinity<Float80>(y.sign != sign);
}

Float80 scale_zero(const Unpacked& y, bool sign, Environment& environment) {
  if (y.is_infinity()) return invalid<Float80>(environment);
  return pack_zero<Float80>(y.sign != sign);
}

/// y * log2(0).
Float80 scale_log_of_zero(const Unpacked& y, Environment& environment) {
  if (y.is_zero()) return invalid<Float80>(environment);
  if (y.is_finite()) environment.raise(kDivideByZero);
  return pack_infinity<Float80>(!y.sign);
}

bool is_one(const Unpacked& x) {
  return x.is_finite() && x.exponent == 0 && x.significand == uint64_t{1} << 63;
}

}  // namespace

Float80 f2xm1(Float80 a, Environment& environment) {
  const Unpacked x = unpack(a, environment);
  if (x.is_nan()) return propagate_nan<Float80>(x, environment);
  if (raise_denormal(x.denormal, environment)) return {};
  if (x.is_infinity()) return x.sign ? pack_power<Float80>(true, 0) : a;
  if (x.is_zero()) return a;
  if (is_one(x)) return pack_power<Float80>(x.sign, x.sign ? -1 : 0);
  if (x.exponent >= 0) return a;
  const Wide power = multiply(x.wide(), kLn2);
  const Wide series = sum_series(kExponential, to_fraction(power), /*alternating=*/x.sign);
  return round_inexact(multiply(power, series), environment);
}

Float80 fyl2x(Float80 x, Float80 y, Environment& environment) {
  const Unpacked argument = unpack(x, environment), factor = unpack(y, environment);
  if (argument.is_nan() || factor.is_nan())
    return propagate_nan<Float80>(argument, factor, environment);
  if (argument.is_zero()) return scale_log_of_zero(factor, environment);
  if (argument.sign) return invalid<Float80>(environment);
  if (argument.is_infinity()) return scale_infinite(factor, false, environment);
  if (is_one(argument) && factor.is_infinity()) return invalid<Float80>(environment);
  if (raise_denormal(argument.denormal || factor.denormal, environment)) return {};
  if (is_one(argument)) return scale_zero(factor, false, environment);
  const bool sign = argument.exponent < 0;
  if (factor.is_infinity()) return scale_infinite(factor, sign, environment);
  if (factor.is_zero()) return scale_zero(factor, sign, environment);
  const bool exact = argument.significand == uint64_t{1} << 63;
  return scale_logarithm(factor, log2_of(argument.wide()), exact, environment);
}

Float80 fyl2xp1(Float80 x, Float80 y, Environment& environment) {
  const Unpacked argument = unpack(x, environment), factor = unpack(y, environment);
  if (argument.is_nan() || factor.is_nan())
    return propagate_nan<Float80>(argument, factor, environment);
  if (argument.sign &&
      is_one({argument.kind, false, false, argument.exponent, argument.significand}))
    return scale_log_of_zero(factor, environment);
  if (argument.sign && !argument.is_zero() && argument.exponent >= 0)
    return invalid<Float80>(environment);
  if (argument.is_infinity())
    return argument.sign ? invalid<Float80>(environment)
                         : scale_infinite(factor, false, environment);
  if (argument.is_zero() && factor.is_infinity()) return invalid<Float80>(environment);
  if (raise_denormal(argument.denormal || factor.denormal, environment)) return {};
  if (argument.is_zero() || factor.is_zero())
    return pack_zero<Float80>(argument.sign != factor.sign);
  if (factor.is_infinity()) return pack_infinity<Float80>(argument.sign != factor.sign);
  const Wide difference = argument.wide();
  const Wide sum = internal::add(difference, kWideOne);
  // Near one the sum would lose digits of the operand; farther away it is exact.
  if (argument.exponent >= -2) {
    const bool exact = (sum.significand & (sum.significand - 1)) == 0;
    return scale_logarithm(factor, log2_of(sum), exact, environment);
  }
  const Wide logarithm = log2_near_one(difference, internal::add(sum, kWideOne));
  return scale_logarithm(factor, logarithm, false, environment);
}

}  // namespace vireo::util::softfloat
