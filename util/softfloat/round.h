#pragma once

#include <cstdint>

#include "util/softfloat/unpacked.h"
#include "util/softfloat/wide.h"

/// Exceptions, NaN selection and the final rounding, for all formats.
namespace vireo::util::softfloat::internal {

/// Raises pre-computation exceptions; true if one of them is unmasked, so that the operation ends.
constexpr bool raise_before(uint8_t exceptions, Environment& environment) {
  environment.raise(exceptions);
  return (exceptions & ~environment.masks) != 0;
}

/// kDenormal on behalf of the operands; true if the operation ends here.
constexpr bool raise_denormal(bool denormal, Environment& environment) {
  return denormal && raise_before(kDenormal, environment);
}

template <class Float>
constexpr Float invalid(Environment& environment) {
  environment.raise(kInvalid);
  return Format<Float>::kDefaultNan;
}

/// SDM volume 1, table 4-7, x87 rows: of two NaNs a quiet one, else the larger significand, else
/// the positive one.
constexpr bool x87_takes_second(const Unpacked& a, const Unpacked& b) {
  if (!a.is_nan() || !b.is_nan()) return b.is_nan();
  if (a.kind != b.kind) return b.kind == Kind::kQuietNan;
  if (a.significand != b.significand) return b.significand > a.significand;
  return a.sign && !b.sign;
}

/// The result of an operation of which at least one operand is a NaN or unsupported.
template <class Float>
constexpr Float propagate_nan(const Unpacked& a, const Unpacked& b, Environment& environment) {
  if (a.kind == Kind::kUnsupported || b.kind == Kind::kUnsupported)
    return invalid<Float>(environment);
  if (a.kind == Kind::kSignalingNan || b.kind == Kind::kSignalingNan) environment.raise(kInvalid);
  const bool second = Format<Float>::kIsExtended ? x87_takes_second(a, b) : !a.is_nan();
  return pack_quiet_nan<Float>(second ? b : a);
}

template <class Float>
constexpr Float propagate_nan(const Unpacked& a, Environment& environment) {
  return propagate_nan<Float>(a, a, environment);
}

/// Whether rounding moves the magnitude up to the next representable one.
constexpr bool rounds_away(Rounding rounding, bool sign, bool odd, uint128 lost, uint128 half) {
  switch (rounding) {
    case Rounding::kNearestEven:
      return lost > half || (lost == half && odd);
    case Rounding::kDown:
      return sign && lost != 0;
    case Rounding::kUp:
      return !sign && lost != 0;
    case Rounding::kTowardZero:
      break;
  }
  return false;
}

/// A significand cut to some precision, aligned to bit 63.
struct RoundedSignificand {
  uint64_t significand;
  bool inexact;
  bool away;
  /// The significand grew to the next power of two: it is 2^63 and the exponent one more.
  bool carried;
};

constexpr RoundedSignificand round_significand(const Wide& x, int precision, Rounding rounding) {
  const int lost_bits = 128 - precision;
  const uint128 unit = static_cast<uint128>(1) << lost_bits;
  const uint128 lost = x.significand & (unit - 1);
  const uint64_t step = static_cast<uint64_t>(unit >> 64);
  uint64_t kept = static_cast<uint64_t>((x.significand - lost) >> 64);
  const bool away = rounds_away(rounding, x.sign, (kept & step) != 0, lost, unit >> 1);
  if (away) kept += step;
  const bool carried = away && kept == 0;
  return {carried ? uint64_t{1} << 63 : kept, lost != 0, away, carried};
}

/// What x87 adds to or subtracts from the exponent after an unmasked underflow or overflow. A
/// number still out of range (from FSCALE) becomes an infinity or zero.
inline constexpr int32_t kExponentAdjustment = 24576;

template <class Float>
constexpr Float round_overflow(const Wide& x, int precision, const RoundedSignificand& rounded,
                               Environment& environment) {
  using F = Format<Float>;
  environment.raise(kOverflow);
  if (!(environment.masks & kOverflow)) {
    if (rounded.inexact) environment.raise(kInexact);
    environment.rounded_up = rounded.away;
    const int32_t biased = x.exponent + rounded.carried - kExponentAdjustment + F::kBias;
    if (F::kIsExtended && biased < F::kMaxBiased)
      return F::join(x.sign, biased, rounded.significand);
    if (F::kIsExtended) environment.raise(kInexact);
    environment.rounded_up = true;
    return pack_infinity<Float>(x.sign);
  }
  environment.raise(kInexact);
  const bool to_infinity = environment.rounding == Rounding::kNearestEven ||
                           environment.rounding == (x.sign ? Rounding::kDown : Rounding::kUp);
  environment.rounded_up = to_infinity;
  if (to_infinity) return pack_infinity<Float>(x.sign);
  return F::join(x.sign, F::kMaxBiased - 1, ~uint64_t{0} << (64 - precision));
}

template <class Float>
constexpr Float round_tiny(const Wide& x, int precision, const RoundedSignificand& unbounded,
                           Environment& environment) {
  using F = Format<Float>;
  if (!(environment.masks & kUnderflow)) {
    // Inexact is then judged by the number with an unbounded exponent.
    environment.raise(unbounded.inexact ? kUnderflow | kInexact : kUnderflow);
    environment.rounded_up = unbounded.away;
    const int32_t biased = x.exponent + unbounded.carried + kExponentAdjustment + F::kBias;
    if (F::kIsExtended && biased > 0) return F::join(x.sign, biased, unbounded.significand);
    if (F::kIsExtended) environment.raise(kInexact);
    environment.rounded_up = false;
    return pack_zero<Float>(x.sign);
  }
  if (!F::kIsExtended && environment.flush_to_zero) {
    environment.raise(kUnderflow | kInexact);
    return pack_zero<Float>(x.sign);
  }
  const uint128 shifted = shift_right_jam(x.significand, 1 - F::kBias - x.exponent);
  const RoundedSignificand rounded =
      round_significand({x.sign, 0, shifted}, precision, environment.rounding);
  if (rounded.inexact) environment.raise(kUnderflow | kInexact);
  environment.rounded_up = rounded.away;
  // A significand rounded up to the integer bit is the smallest normal number.
  return F::join(x.sign, rounded.significand >> 63 != 0, rounded.significand);
}

/// Rounds a number that is not zero to `precision` bits and the range of the format, with all
/// post-computation exceptions. Tininess is detected after rounding (SDM volume 1, 4.9.1.5).
template <class Float>
constexpr Float round_pack(const Wide& x, Environment& environment,
                           int precision = Format<Float>::kPrecision) {
  using F = Format<Float>;
  const RoundedSignificand rounded = round_significand(x, precision, environment.rounding);
  const int32_t biased = x.exponent + rounded.carried + F::kBias;
  if (biased <= 0) [[unlikely]]
    return round_tiny<Float>(x, precision, rounded, environment);
  if (biased >= F::kMaxBiased) [[unlikely]]
    return round_overflow<Float>(x, precision, rounded, environment);
  if (rounded.inexact) environment.raise(kInexact);
  environment.rounded_up = rounded.away;
  return F::join(x.sign, biased, rounded.significand);
}

}  // namespace vireo::util::softfloat::internal
