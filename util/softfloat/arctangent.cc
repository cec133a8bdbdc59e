// FPATAN: the ratio of the smaller to the larger operand, its arctangent from a table of eighths
// and a series for the rest, and the octant put back.

#include "util/softfloat/series.h"
#include "util/softfloat/softfloat.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

/// arctan(k / 8).
constexpr Wide kArctangents[] = {
    {},
    {false, -4, make128(0xfeadd4d5617b6e32, 0xc897989f3e888ef8)},
    {false, -3, make128(0xfadbafc96406eb15, 0x6dc79ef5f7a217e6)},
    {false, -2, make128(0xb7b0ca0f26f78473, 0x8aa32122dcfe4483)},
    {false, -2, make128(0xed63382b0dda7b45, 0x6fe445ecbc3a8d03)},
    {false, -1, make128(0x8f005d5ef7f59f9b, 0x5c835e1665c43748)},
    {false, -1, make128(0xa4bc7d1934f70924, 0x19a87f2a457dac9f)},
    {false, -1, make128(0xb8053e2bc2319e73, 0xcb2da55210a4443d)},
    kQuarterPi,
};

/// arctan(u) / u in powers of u^2, alternating.
constexpr auto kArctangentSeries = make_odd_reciprocals<14>();

/// The nearest k with ratio = k / 8, for 0 < ratio <= 1.
unsigned nearest_eighth(const Wide& ratio) {
  if (ratio.exponent >= 0) return 8;
  return static_cast<unsigned>(((to_fraction(ratio) >> 124) + 1) >> 1);
}

/// For 0 < ratio <= 1.
Wide arctangent(const Wide& ratio) {
  const unsigned eighths = nearest_eighth(ratio);
  Wide rest = ratio;
  if (eighths != 0) {
    const Wide base = make_wide(false, 124, eighths);
    rest =
        divide(internal::add(ratio, negate(base)), internal::add(kWideOne, multiply(ratio, base)));
  }
  if (rest.is_zero()) return kArctangents[eighths];
  const Wide series =
      sum_series(kArctangentSeries, to_fraction(multiply(rest, rest)), /*alternating=*/true);
  return internal::add(kArctangents[eighths], multiply(rest, series));
}

/// The angle of (x, y) in the upper half plane.
Wide upper_angle(const Unpacked& x, const Unpacked& y) {
  const Wide horizontal = with_sign(x.wide(), false), vertical = with_sign(y.wide(), false);
  const bool steep = horizontal.exponent != vertical.exponent
                         ? vertical.exponent > horizontal.exponent
                         : vertical.significand > horizontal.significand;
  if (!steep) {
    const Wide angle = arctangent(divide(vertical, horizontal));
    return x.sign ? internal::add(kPi, negate(angle)) : angle;
  }
  const Wide angle = arctangent(divide(horizontal, vertical));
  return internal::add(kHalfPi, x.sign ? angle : negate(angle));
}

/// The operands for which the result is zero or a multiple of pi/4 (SDM volume 2, FPATAN).
Wide special_angle(const Unpacked& x, const Unpacked& y) {
  if (y.is_infinity()) {
    if (!x.is_infinity()) return kHalfPi;
    return x.sign ? kThreeQuarterPi : kQuarterPi;
  }
  if (y.is_zero() || x.is_infinity()) return x.sign ? kPi : Wide{};
  return kHalfPi;
}

}  // namespace

Float80 fpatan(Float80 x, Float80 y, Environment& environment) {
  const Unpacked horizontal = unpack(x, environment), vertical = unpack(y, environment);
  if (horizontal.is_nan() || vertical.is_nan())
    return propagate_nan<Float80>(horizontal, vertical, environment);
  if (raise_denormal(horizontal.denormal || vertical.denormal, environment)) return {};
  const bool finite = horizontal.is_finite() && vertical.is_finite();
  const Wide angle =
      finite ? upper_angle(horizontal, vertical) : special_angle(horizontal, vertical);
  if (angle.is_zero()) return pack_zero<Float80>(vertical.sign);
  return round_inexact(with_sign(angle, vertical.sign), environment);
}

}  // namespace vireo::util::softfloat
