// FSIN, FCOS, FSINCOS and FPTAN: reduction to [-pi/4, pi/4] with 66 bits of pi, then the series.

#include "util/softfloat/series.h"
#include "util/softfloat/softfloat.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

/// sin(x) / x and cos(x) in powers of x^2, alternating.
constexpr auto kSine = make_coefficients<15>([](size_t k) { return 2 * k * (2 * k + 1); });
constexpr auto kCosine = make_coefficients<15>([](size_t k) { return (2 * k - 1) * 2 * k; });

/// An angle as quadrant * pi/2 + rest, with |rest| <= pi/4.
struct Angle {
  unsigned quadrant = 0;
  Wide rest;
};

/// Half of the pi of SDM volume 1, 8.3.8, in units of 2^-65.
constexpr uint128 kHalfPi66 = make128(3, 0x243f6a8885a308d3);

/// Reduces a positive angle below 2^63, without an error.
Angle reduce(const Unpacked& a) {
  if (a.exponent < -1) return {0, with_sign(a.wide(), false)};
  const uint128 angle = static_cast<uint128>(a.significand) << (a.exponent + 2);
  const auto quadrant = static_cast<unsigned>(angle / kHalfPi66 & 3);
  const uint128 rest = angle % kHalfPi66;
  const bool beyond = rest > kHalfPi66 / 2;
  return {(quadrant + beyond) & 3, make_wide(beyond, 127 - 65, beyond ? kHalfPi66 - rest : rest)};
}

Wide sine_series(const Wide& x) {
  return multiply(x, sum_series(kSine, to_fraction(multiply(x, x)), /*alternating=*/true));
}

Wide cosine_series(const Wide& x) {
  return sum_series(kCosine, to_fraction(multiply(x, x)), /*alternating=*/true);
}

/// sin(angle + turns * pi/2).
Wide sine_of(const Angle& angle, unsigned turns) {
  const unsigned quadrant = angle.quadrant + turns;
  const Wide value = quadrant & 1 ? cosine_series(angle.rest) : sine_series(angle.rest);
  return quadrant & 2 ? negate(value) : value;
}

Wide tangent_of(const Angle& angle) {
  // The series would round the tangent down to the angle, from which it then is indistinguishable.
  if (angle.rest.exponent < -40 && !(angle.quadrant & 1)) return angle.rest;
  return divide(sine_of(angle, 0), sine_of(angle, 1));
}

/// FSIN, FCOS and FPTAN differ in the result for zero and in the function of the reduced angle;
/// `odd` tells whether the function is.
template <class Function>
Trigonometric evaluate(Float80 a, Float80 at_zero, bool odd, Function function,
                       Environment& environment) {
  const Unpacked x = unpack(a, environment);
  if (x.is_nan()) return {propagate_nan<Float80>(x, environment)};
  if (x.is_infinity()) return {invalid<Float80>(environment)};
  if (x.is_zero()) return {at_zero};
  if (x.exponent >= 63) return {a, true};
  if (raise_denormal(x.denormal, environment)) return {};
  const Wide value = function(reduce(x));
  return {round_inexact(odd && x.sign ? negate(value) : value, environment)};
}

constexpr Float80 kOne80 = pack_power<Float80>(false, 0);

}  // namespace

Trigonometric fsin(Float80 a, Environment& environment) {
  return evaluate(
      a, a, /*odd=*/true, [](const Angle& angle) { return sine_of(angle, 0); }, environment);
}

Trigonometric fcos(Float80 a, Environment& environment) {
  return evaluate(
      a, kOne80, /*odd=*/false, [](const Angle& angle) { return sine_of(angle, 1); }, environment);
}

Trigonometric fptan(Float80 a, Environment& environment) {
  return evaluate(a, a, /*odd=*/true, tangent_of, environment);
}

SineCosine fsincos(Float80 a, Environment& environment) {
  const Trigonometric sine = fsin(a, environment);
  const Trigonometric cosine = fcos(a, environment);
  return {sine.value, cosine.value, sine.out_of_range};
}

}  // namespace vireo::util::softfloat
