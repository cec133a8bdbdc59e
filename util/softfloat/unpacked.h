#pragma once

#include <bit>
#include <cstdint>

#include "util/softfloat/types.h"
#include "util/softfloat/wide.h"

/// The layout of the formats and their unpacked form, which all operations work on.
namespace vireo::util::softfloat::internal {

/// A number's raw fields. The significand is aligned to bit 63 with its integer bit explicit.
struct Fields {
  bool sign;
  int32_t biased_exponent;
  uint64_t significand;
};

/// An IEEE interchange format, whose integer bit is implied by the exponent.
template <class Float, class Bits, int kFractionBits, int kExponentBits>
struct InterchangeFormat {
  static constexpr bool kIsExtended = false;
  static constexpr int kPrecision = kFractionBits + 1;
  static constexpr int32_t kMaxBiased = (1 << kExponentBits) - 1;
  static constexpr int32_t kBias = kMaxBiased >> 1;
  static constexpr int kAlignment = 63 - kFractionBits;
  static constexpr Bits kFractionMask = (Bits{1} << kFractionBits) - 1;

  static constexpr Fields split(Float x) {
    const int32_t biased = static_cast<int32_t>(x.bits >> kFractionBits) & kMaxBiased;
    const uint64_t fraction = x.bits & kFractionMask;
    return {x.bits >> (kFractionBits + kExponentBits) != 0, biased,
            fraction << kAlignment | static_cast<uint64_t>(biased != 0) << 63};
  }
  static constexpr Float join(bool sign, int32_t biased, uint64_t significand) {
    const Bits fraction = static_cast<Bits>(significand >> kAlignment) & kFractionMask;
    return {static_cast<Bits>(Bits{sign} << (kFractionBits + kExponentBits) |
                              static_cast<Bits>(biased) << kFractionBits | fraction)};
  }
};

template <class Float>
struct Format;

template <>
struct Format<Float16> : InterchangeFormat<Float16, uint16_t, 10, 5> {
  static constexpr Float16 kDefaultNan = kDefaultNan16;
};

template <>
struct Format<Float32> : InterchangeFormat<Float32, uint32_t, 23, 8> {
  static constexpr Float32 kDefaultNan = kDefaultNan32;
};

template <>
struct Format<Float64> : InterchangeFormat<Float64, uint64_t, 52, 11> {
  static constexpr Float64 kDefaultNan = kDefaultNan64;
};

template <>
struct Format<Float80> {
  static constexpr bool kIsExtended = true;
  static constexpr int kPrecision = 64;
  static constexpr int32_t kMaxBiased = 0x7fff;
  static constexpr int32_t kBias = 16383;
  static constexpr Float80 kDefaultNan = kDefaultNan80;

  static constexpr Fields split(Float80 x) {
    return {x.sign_exponent >> 15 != 0, x.sign_exponent & kMaxBiased, x.significand};
  }
  static constexpr Float80 join(bool sign, int32_t biased, uint64_t significand) {
    return {significand, static_cast<uint16_t>((sign ? 0x8000 : 0) | biased)};
  }
};

/// In the order of what an operation has to look at first, from the back.
enum class Kind : uint8_t { kZero, kFinite, kInfinity, kQuietNan, kSignalingNan, kUnsupported };

/// A finite number is (-1)^sign * significand * 2^(exponent - 63), with bit 63 of the significand
/// set. A NaN keeps its payload aligned to bit 63, where bit 62 is the quiet bit.
struct Unpacked {
  Kind kind = Kind::kZero;
  bool sign = false;
  /// The operand raises kDenormal. Also set for pseudo-denormals.
  bool denormal = false;
  int32_t exponent = 0;
  uint64_t significand = 0;

  /// A NaN of either sort, or an unsupported pattern, which behaves like a signalling one.
  constexpr bool is_nan() const { return kind >= Kind::kQuietNan; }
  constexpr bool is_zero() const { return kind == Kind::kZero; }
  constexpr bool is_finite() const { return kind == Kind::kFinite; }
  constexpr bool is_infinity() const { return kind == Kind::kInfinity; }
  /// The value of a zero or finite number.
  constexpr Wide wide() const { return {sign, exponent, static_cast<uint128>(significand) << 64}; }
};

template <class Float>
constexpr Unpacked unpack_fields(const Fields& fields, bool denormals_are_zero) {
  using F = Format<Float>;
  const auto [sign, biased, significand] = fields;
  const bool integer_bit = significand >> 63 != 0;
  if (biased == F::kMaxBiased) {
    Kind kind = significand >> 62 & 1 ? Kind::kQuietNan : Kind::kSignalingNan;
    if (!integer_bit) kind = Kind::kUnsupported;
    if (significand == uint64_t{1} << 63) kind = Kind::kInfinity;
    return {kind, sign, false, 0, significand};
  }
  if (biased == 0) {
    if (significand == 0 || denormals_are_zero) return {Kind::kZero, sign, false, 0, 0};
    const int shift = std::countl_zero(significand);
    return {Kind::kFinite, sign, true, 1 - F::kBias - shift, significand << shift};
  }
  const Kind kind = integer_bit ? Kind::kFinite : Kind::kUnsupported;
  return {kind, sign, false, biased - F::kBias, significand};
}

template <class Float>
constexpr Unpacked unpack(Float x, Environment& environment) {
  return unpack_fields<Float>(Format<Float>::split(x), environment.denormals_are_zero);
}

/// Unpacking an x87 operand begins an x87 operation: C1 is clear until something is rounded up.
constexpr Unpacked unpack(Float80 x, Environment& environment) {
  environment.rounded_up = false;
  return unpack_fields<Float80>(Format<Float80>::split(x), false);
}

inline Unpacked unpack(const Operand80& x, Environment& environment) {
  Unpacked result = unpack(x.value, environment);
  result.denormal |= x.was_denormal;
  return result;
}

template <class Float>
constexpr Float pack_zero(bool sign) {
  return Format<Float>::join(sign, 0, 0);
}

template <class Float>
constexpr Float pack_infinity(bool sign) {
  return Format<Float>::join(sign, Format<Float>::kMaxBiased, uint64_t{1} << 63);
}

/// 2^exponent, which has to be in the format's normal range.
template <class Float>
constexpr Float pack_power(bool sign, int32_t exponent) {
  return Format<Float>::join(sign, exponent + Format<Float>::kBias, uint64_t{1} << 63);
}

/// The NaN made quiet, its payload cut to the format's width.
template <class Float>
constexpr Float pack_quiet_nan(const Unpacked& nan) {
  return Format<Float>::join(nan.sign, Format<Float>::kMaxBiased,
                             nan.significand | uint64_t{3} << 62);
}

}  // namespace vireo::util::softfloat::internal
