// Conversions to and from integers, and rounding to an integral value.

#include "util/softfloat/integer.h"

#include <limits>
#include <type_traits>

#include "util/softfloat/softfloat.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

/// The integer indefinite: 80...0 signed, FF...F unsigned.
template <class Integer>
Integer indefinite(Environment& environment) {
  environment.raise(kInvalid);
  return std::is_signed_v<Integer> ? std::numeric_limits<Integer>::min()
                                   : std::numeric_limits<Integer>::max();
}

/// The largest magnitude that fits.
template <class Integer>
uint64_t magnitude_limit(bool negative) {
  const uint64_t positive = static_cast<uint64_t>(std::numeric_limits<Integer>::max());
  if (!negative) return positive;
  return std::is_signed_v<Integer> ? positive + 1 : 0;
}

template <class Integer, class Float>
Integer to_integer(Float a, Rounding rounding, Environment& environment) {
  const Unpacked x = unpack(a, environment);
  if (x.is_nan() || x.is_infinity()) return indefinite<Integer>(environment);
  const RoundedInteger rounded = round_to_integer(x, rounding);
  if (rounded.huge || rounded.magnitude > magnitude_limit<Integer>(x.sign))
    return indefinite<Integer>(environment);
  if (rounded.inexact) environment.raise(kInexact);
  environment.rounded_up = rounded.away;
  return static_cast<Integer>(x.sign ? 0 - rounded.magnitude : rounded.magnitude);
}

template <class Integer, class Float>
Integer to_integer(Float a, Environment& environment) {
  return to_integer<Integer>(a, environment.rounding, environment);
}

template <class Integer, class Float>
Integer truncate(Float a, Environment& environment) {
  return to_integer<Integer>(a, Rounding::kTowardZero, environment);
}

template <class Float>
Float from_magnitude(bool sign, uint64_t magnitude, Environment& environment) {
  if (magnitude == 0) return pack_zero<Float>(false);
  return round_pack<Float>(make_wide(sign, 63, static_cast<uint128>(magnitude) << 64), environment);
}

template <class Float>
Float from_signed(int64_t a, Environment& environment) {
  const uint64_t bits = static_cast<uint64_t>(a);
  return from_magnitude<Float>(a < 0, a < 0 ? 0 - bits : bits, environment);
}

template <class Float>
Float integral(Float a, bool reports_denormal, Environment& environment) {
  const Unpacked x = unpack(a, environment);
  if (x.is_nan()) return propagate_nan<Float>(x, environment);
  if (reports_denormal && raise_denormal(x.denormal, environment)) return {};
  if (x.is_zero()) return pack_zero<Float>(x.sign);
  if (x.is_infinity() || x.exponent >= 63) return a;
  const RoundedInteger rounded = round_to_integer(x, environment.rounding);
  if (rounded.inexact) environment.raise(kInexact);
  environment.rounded_up = rounded.away;
  if (rounded.magnitude == 0) return pack_zero<Float>(x.sign);
  // Exact: an integer that came from the format fits it.
  Environment unused;
  return round_pack<Float>(make_wide(x.sign, 63, static_cast<uint128>(rounded.magnitude) << 64),
                           unused);
}

}  // namespace

Float32 float32_from_int32(int32_t a, Environment& environment) {
  return from_signed<Float32>(a, environment);
}

Float32 float32_from_int64(int64_t a, Environment& environment) {
  return from_signed<Float32>(a, environment);
}

Float32 float32_from_uint32(uint32_t a, Environment& environment) {
  return from_magnitude<Float32>(false, a, environment);
}

Float32 float32_from_uint64(uint64_t a, Environment& environment) {
  return from_magnitude<Float32>(false, a, environment);
}

Float64 float64_from_int32(int32_t a) {
  Environment unused;
  return from_signed<Float64>(a, unused);
}

Float64 float64_from_int64(int64_t a, Environment& environment) {
  return from_signed<Float64>(a, environment);
}

Float64 float64_from_uint32(uint32_t a) {
  Environment unused;
  return from_magnitude<Float64>(false, a, unused);
}

Float64 float64_from_uint64(uint64_t a, Environment& environment) {
  return from_magnitude<Float64>(false, a, environment);
}

Float80 float80_from_int64(int64_t a) {
  Environment unused;
  return from_signed<Float80>(a, unused);
}

int32_t to_int32(Float32 a, Environment& environment) {
  return to_integer<int32_t>(a, environment);
}

int64_t to_int64(Float32 a, Environment& environment) {
  return to_integer<int64_t>(a, environment);
}

uint32_t to_uint32(Float32 a, Environment& environment) {
  return to_integer<uint32_t>(a, environment);
}

uint64_t to_uint64(Float32 a, Environment& environment) {
  return to_integer<uint64_t>(a, environment);
}

int32_t to_int32(Float64 a, Environment& environment) {
  return to_integer<int32_t>(a, environment);
}

int64_t to_int64(Float64 a, Environment& environment) {
  return to_integer<int64_t>(a, environment);
}

uint32_t to_uint32(Float64 a, Environment& environment) {
  return to_integer<uint32_t>(a, environment);
}

uint64_t to_uint64(Float64 a, Environment& environment) {
  return to_integer<uint64_t>(a, environment);
}

int16_t to_int16(Float80 a, Environment& environment) {
  return to_integer<int16_t>(a, environment);
}

int32_t to_int32(Float80 a, Environment& environment) {
  return to_integer<int32_t>(a, environment);
}

int64_t to_int64(Float80 a, Environment& environment) {
  return to_integer<int64_t>(a, environment);
}

int32_t to_int32_truncate(Float32 a, Environment& environment) {
  return truncate<int32_t>(a, environment);
}

int64_t to_int64_truncate(Float32 a, Environment& environment) {
  return truncate<int64_t>(a, environment);
}

uint32_t to_uint32_truncate(Float32 a, Environment& environment) {
  return truncate<uint32_t>(a, environment);
}

uint64_t to_uint64_truncate(Float32 a, Environment& environment) {
  return truncate<uint64_t>(a, environment);
}

int32_t to_int32_truncate(Float64 a, Environment& environment) {
  return truncate<int32_t>(a, environment);
}

int64_t to_int64_truncate(Float64 a, Environment& environment) {
  return truncate<int64_t>(a, environment);
}

uint32_t to_uint32_truncate(Float64 a, Environment& environment) {
  return truncate<uint32_t>(a, environment);
}

uint64_t to_uint64_truncate(Float64 a, Environment& environment) {
  return truncate<uint64_t>(a, environment);
}

int16_t to_int16_truncate(Float80 a, Environment& environment) {
  return truncate<int16_t>(a, environment);
}

int32_t to_int32_truncate(Float80 a, Environment& environment) {
  return truncate<int32_t>(a, environment);
}

int64_t to_int64_truncate(Float80 a, Environment& environment) {
  return truncate<int64_t>(a, environment);
}

Float32 round_to_integral(Float32 a, Environment& environment) {
  return integral(a, /*reports_denormal=*/false, environment);
}

Float64 round_to_integral(Float64 a, Environment& environment) {
  return integral(a, /*reports_denormal=*/false, environment);
}

Float80 round_to_integral(Float80 a, Environment& environment) {
  return integral(a, /*reports_denormal=*/true, environment);
}

}  // namespace vireo::util::softfloat
