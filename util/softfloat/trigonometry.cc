// FSIN, FCOS, FSINCOS and FPTAN: reduction to [-pi/4, pi/4] with 256 bits of 2/pi, then the series.

#include <bit>

#include "util/softfloat/series.h"
#include "util/softfloat/softfloat.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

/// sin(x) / x and cos(x) in powers of x^2, alternating.
constexpr auto kSine = make_coefficients<15>([](size_t k) { return 2 * k * (2 * k + 1); });
constexpr auto kCosine = make_coefficients<15>([](size_t k) { return (2 * k - 1) * 2 * k; });

/// 2/pi as a fraction, most significant word last.
constexpr uint64_t kTwoOverPi[4] = {0xfe5163abdebbc561, 0xdb6295993c439041, 0xfc2757d1f534ddc0,
                                    0xa2f9836e4e441529};

/// An angle as quadrant * pi/2 + rest, with |rest| <= pi/4.
struct Angle {
  unsigned quadrant = 0;
  Wide rest;
};

/// A fraction of 320 bits, most significant word last.
using Fraction = std::array<uint64_t, 5>;

void shift_left(Fraction& words, int count) {
  if (count == 0) return;
  for (size_t i = words.size() - 1; i > 0; --i)
    words[i] = words[i] << count | words[i - 1] >> (64 - count);
  words[0] <<= count;
}

/// 1 - fraction.
void complement(Fraction& words) {
  bool carry = true;
  for (uint64_t& word : words) {
    word = ~word + carry;
    carry = carry && word == 0;
  }
}

Wide normalise(Fraction words) {
  int32_t exponent = -1;
  while (words[4] == 0 && exponent > -256) {
    for (size_t i = words.size() - 1; i > 0; --i) words[i] = words[i - 1];
    words[0] = 0;
    exponent -= 64;
  }
  const int zeros = std::countl_zero(words[4]);
  shift_left(words, zeros);
  return {false, exponent - zeros, make128(words[4], words[3])};
}

/// Reduces a positive angle below 2^63. The product with 2/pi keeps 193 bits behind the point;
/// no 64-bit significand in this range comes closer than about 2^-70 to a multiple of pi/2.
Angle reduce(const Unpacked& a) {
  if (a.exponent < -1) return {0, with_sign(a.wide(), false)};
  Fraction turns{};
  uint64_t carry = 0;
  for (size_t i = 0; i < 4; ++i) {
    const uint128 product = static_cast<uint128>(a.significand) * kTwoOverPi[i] + carry;
    turns[i] = static_cast<uint64_t>(product);
    carry = static_cast<uint64_t>(product >> 64);
  }
  turns[4] = carry;
  const int whole_bits = a.exponent + 1;
  unsigned quadrant =
      whole_bits == 0 ? 0 : static_cast<unsigned>(turns[4] >> (64 - whole_bits) & 3);
  shift_left(turns, whole_bits);
  const bool beyond = turns[4] >> 63 != 0;
  if (beyond) complement(turns);
  return {(quadrant + beyond) & 3, with_sign(multiply(normalise(turns), kHalfPi), beyond)};
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
