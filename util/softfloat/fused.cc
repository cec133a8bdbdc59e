// Fused multiply-add: the exact 106-bit product plus the addend, rounded once.

#include "util/softfloat/round.h"
#include "util/softfloat/softfloat.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

template <class Float>
Float fused_nan(const Unpacked& a, const Unpacked& b, const Unpacked& c, Environment& environment) {
  const auto signals = [](const Unpacked& x) { return x.kind == Kind::kSignalingNan; };
  if (signals(a) || signals(b) || signals(c)) environment.raise(kInvalid);
  const Unpacked& first = a.is_nan() ? a : b.is_nan() ? b : c;
  return pack_quiet_nan<Float>(first);
}

template <class Float>
Float fused_values(const Unpacked& a, const Unpacked& b, Unpacked c, FusedForm form,
                   Environment& environment) {
  if (a.is_nan() || b.is_nan() || c.is_nan()) return fused_nan<Float>(a, b, c, environment);
  const bool sign = (a.sign != b.sign) != form.negate_product;
  c.sign ^= form.negate_addend;
  const bool infinite = a.is_infinity() || b.is_infinity();
  if (infinite && (a.is_zero() || b.is_zero())) return invalid<Float>(environment);
  if (infinite && c.is_infinity() && sign != c.sign) return invalid<Float>(environment);
  if (raise_denormal(a.denormal || b.denormal || c.denormal, environment)) return {};
  if (infinite) return pack_infinity<Float>(sign);
  if (c.is_infinity()) return pack_infinity<Float>(c.sign);
  Wide product{sign};
  if (!a.is_zero() && !b.is_zero())
    product = multiply_exact(sign, a.exponent + b.exponent, a.significand, b.significand);
  if (product.is_zero() && c.is_zero() && sign == c.sign) return pack_zero<Float>(sign);
  const Wide sum = internal::add(product, c.wide());
  if (sum.is_zero()) return pack_zero<Float>(environment.rounding == Rounding::kDown);
  return round_pack<Float>(sum, environment);
}

}  // namespace

Float32 fused_multiply_add(Float32 a, Float32 b, Float32 c, FusedForm form, Environment& env) {
  return fused_values<Float32>(unpack(a, env), unpack(b, env), unpack(c, env), form, env);
}

Float64 fused_multiply_add(Float64 a, Float64 b, Float64 c, FusedForm form, Environment& env) {
  return fused_values<Float64>(unpack(a, env), unpack(b, env), unpack(c, env), form, env);
}

}  // namespace vireo::util::softfloat
