// Addition, subtraction, multiplication, division and square root: exact on 128-bit significands,
// then rounded once.

#include "util/softfloat/round.h"
#include "util/softfloat/softfloat.h"
#include "util/softfloat/square_root.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

/// The precision of an arithmetic result: only x87 has a control for it.
template <class Float>
int result_precision(const Environment& environment) {
  if (!Format<Float>::kIsExtended) return Format<Float>::kPrecision;
  if (environment.precision == Precision::k24) return 24;
  return environment.precision == Precision::k53 ? 53 : 64;
}

template <class Float>
Float round_result(const Wide& x, Environment& environment) {
  return round_pack<Float>(x, environment, result_precision<Float>(environment));
}

template <class Float>
Float add_values(const Unpacked& a, const Unpacked& b, bool subtract, Environment& environment) {
  if (a.is_nan() || b.is_nan()) return propagate_nan<Float>(a, b, environment);
  const bool b_sign = b.sign != subtract;
  if (a.is_infinity() && b.is_infinity() && a.sign != b_sign) return invalid<Float>(environment);
  if (raise_denormal(a.denormal || b.denormal, environment)) return {};
  if (a.is_infinity()) return pack_infinity<Float>(a.sign);
  if (b.is_infinity()) return pack_infinity<Float>(b_sign);
  if (a.is_zero() && b.is_zero() && a.sign == b_sign) return pack_zero<Float>(a.sign);
  Wide addend = b.wide();
  addend.sign = b_sign;
  const Wide sum = internal::add(a.wide(), addend);
  if (sum.is_zero()) return pack_zero<Float>(environment.rounding == Rounding::kDown);
  return round_result<Float>(sum, environment);
}

template <class Float>
Float mul_values(const Unpacked& a, const Unpacked& b, Environment& environment) {
  if (a.is_nan() || b.is_nan()) return propagate_nan<Float>(a, b, environment);
  const bool sign = a.sign != b.sign;
  if (a.is_infinity() || b.is_infinity()) {
    if (a.is_zero() || b.is_zero()) return invalid<Float>(environment);
    if (raise_denormal(a.denormal || b.denormal, environment)) return {};
    return pack_infinity<Float>(sign);
  }
  if (raise_denormal(a.denormal || b.denormal, environment)) return {};
  if (a.is_zero() || b.is_zero()) return pack_zero<Float>(sign);
  return round_result<Float>(
      multiply_exact(sign, a.exponent + b.exponent, a.significand, b.significand), environment);
}

/// The quotient of two finite numbers: 64 bits, a guard bit and a sticky bit.
Wide quotient(const Unpacked& a, const Unpacked& b) {
  const bool smaller = a.significand < b.significand;
  const uint128 dividend = static_cast<uint128>(a.significand) << (smaller ? 64 : 63);
  const uint64_t digits = static_cast<uint64_t>(dividend / b.significand);
  const uint64_t rest =
      static_cast<uint64_t>(dividend - static_cast<uint128>(digits) * b.significand);
  const uint64_t guard = rest >= b.significand - rest ? uint64_t{1} << 63 : 0;
  const uint64_t sticky = rest != 0 && rest != b.significand - rest;
  return {a.sign != b.sign, a.exponent - b.exponent - smaller, make128(digits, guard | sticky)};
}

template <class Float>
Float div_values(const Unpacked& a, const Unpacked& b, Environment& environment) {
  if (a.is_nan() || b.is_nan()) return propagate_nan<Float>(a, b, environment);
  const bool sign = a.sign != b.sign;
  if (a.is_infinity() && b.is_infinity()) return invalid<Float>(environment);
  if (a.is_zero() && b.is_zero()) return invalid<Float>(environment);
  if (b.is_zero() && a.is_finite()) {
    // Ranks above the denormal operand exception, which is then not reported.
    environment.raise(kDivideByZero);
    return pack_infinity<Float>(sign);
  }
  if (raise_denormal(a.denormal || b.denormal, environment)) return {};
  if (a.is_infinity()) return pack_infinity<Float>(sign);
  if (a.is_zero() || b.is_infinity()) return pack_zero<Float>(sign);
  return round_result<Float>(quotient(a, b), environment);
}

template <class Float>
Float sqrt_value(const Unpacked& a, Environment& environment) {
  if (a.is_nan()) return propagate_nan<Float>(a, environment);
  if (a.is_zero()) return pack_zero<Float>(a.sign);
  if (a.sign) return invalid<Float>(environment);
  if (raise_denormal(a.denormal, environment)) return {};
  if (a.is_infinity()) return pack_infinity<Float>(false);
  return round_result<Float>(square_root(a.exponent, a.significand), environment);
}

template <class Float, class Operand>
Float add_operands(const Operand& a, const Operand& b, bool subtract, Environment& environment) {
  return add_values<Float>(unpack(a, environment), unpack(b, environment), subtract, environment);
}

template <class Float, class Operand>
Float mul_operands(const Operand& a, const Operand& b, Environment& environment) {
  return mul_values<Float>(unpack(a, environment), unpack(b, environment), environment);
}

template <class Float, class Operand>
Float div_operands(const Operand& a, const Operand& b, Environment& environment) {
  return div_values<Float>(unpack(a, environment), unpack(b, environment), environment);
}

}  // namespace

Float32 add(Float32 a, Float32 b, Environment& environment) {
  return add_operands<Float32>(a, b, false, environment);
}

Float64 add(Float64 a, Float64 b, Environment& environment) {
  return add_operands<Float64>(a, b, false, environment);
}

Float80 add(Operand80 a, Operand80 b, Environment& environment) {
  return add_operands<Float80>(a, b, false, environment);
}

Float32 sub(Float32 a, Float32 b, Environment& environment) {
  return add_operands<Float32>(a, b, true, environment);
}

Float64 sub(Float64 a, Float64 b, Environment& environment) {
  return add_operands<Float64>(a, b, true, environment);
}

Float80 sub(Operand80 a, Operand80 b, Environment& environment) {
  return add_operands<Float80>(a, b, true, environment);
}

Float32 mul(Float32 a, Float32 b, Environment& environment) {
  return mul_operands<Float32>(a, b, environment);
}

Float64 mul(Float64 a, Float64 b, Environment& environment) {
  return mul_operands<Float64>(a, b, environment);
}

Float80 mul(Operand80 a, Operand80 b, Environment& environment) {
  return mul_operands<Float80>(a, b, environment);
}

Float32 div(Float32 a, Float32 b, Environment& environment) {
  return div_operands<Float32>(a, b, environment);
}

Float64 div(Float64 a, Float64 b, Environment& environment) {
  return div_operands<Float64>(a, b, environment);
}

Float80 div(Operand80 a, Operand80 b, Environment& environment) {
  return div_operands<Float80>(a, b, environment);
}

Float32 sqrt(Float32 a, Environment& environment) {
  return sqrt_value<Float32>(unpack(a, environment), environment);
}

Float64 sqrt(Float64 a, Environment& environment) {
  return sqrt_value<Float64>(unpack(a, environment), environment);
}

Float80 sqrt(Float80 a, Environment& environment) {
  return sqrt_value<Float80>(unpack(a, environment), environment);
}

}  // namespace vireo::util::softfloat
