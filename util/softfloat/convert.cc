// Conversions between the floating point formats.

#include "util/softfloat/round.h"
#include "util/softfloat/softfloat.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

template <class Float>
Float convert(const Unpacked& a, Environment& environment) {
  if (a.is_nan()) return propagate_nan<Float>(a, environment);
  if (raise_denormal(a.denormal, environment)) return {};
  if (a.is_infinity()) return pack_infinity<Float>(a.sign);
  if (a.is_zero()) return pack_zero<Float>(a.sign);
  return round_pack<Float>(a.wide(), environment);
}

/// FST reports what becomes of a denormal operand, not the operand. When an unmasked overflow or
/// underflow keeps it from storing, it has not rounded either.
template <class Float>
Float store(Float80 a, Environment& environment) {
  Unpacked operand = unpack(a, environment);
  operand.denormal = false;
  Environment own = environment;
  own.flags = 0;
  const Float result = convert<Float>(operand, own);
  const bool stored = (own.unmasked() & (kOverflow | kUnderflow)) == 0;
  environment.raise(stored ? own.flags : own.flags & ~kInexact);
  environment.rounded_up = stored && own.rounded_up;
  return result;
}

/// Widens without raising anything, so that the operation which uses the value can do it.
template <class Float>
Float80 widen(Float a) {
  Environment unused;
  const Unpacked x = unpack(a, unused);
  if (x.is_nan()) return Format<Float80>::join(x.sign, Format<Float80>::kMaxBiased, x.significand);
  return convert<Float80>(x, unused);
}

template <class Float>
bool is_denormal(Float a) {
  Environment unused;
  return unpack(a, unused).denormal;
}

}  // namespace

Operand80::Operand80(Float32 source) : value(widen(source)), was_denormal(is_denormal(source)) {}

Operand80::Operand80(Float64 source) : value(widen(source)), was_denormal(is_denormal(source)) {}

Float64 to_float64(Float32 a, Environment& environment) {
  return convert<Float64>(unpack(a, environment), environment);
}

Float32 to_float32(Float16 a, Environment& environment) {
  Unpacked operand = internal::unpack_fields<Float16>(internal::Format<Float16>::split(a),
                                                      /*denormals_are_zero=*/false);
  operand.denormal = false;
  return convert<Float32>(operand, environment);
}

Float16 to_float16(Float32 a, Environment& environment) {
  const bool flushes = environment.flush_to_zero;
  environment.flush_to_zero = false;
  const Float16 result = convert<Float16>(unpack(a, environment), environment);
  environment.flush_to_zero = flushes;
  return result;
}

Float32 to_float32(Float64 a, Environment& environment) {
  return convert<Float32>(unpack(a, environment), environment);
}

Float80 to_float80(Float32 a, Environment& environment) {
  environment.rounded_up = false;
  return convert<Float80>(unpack(a, environment), environment);
}

Float80 to_float80(Float64 a, Environment& environment) {
  environment.rounded_up = false;
  return convert<Float80>(unpack(a, environment), environment);
}

Float32 to_float32(Float80 a, Environment& environment) { return store<Float32>(a, environment); }

Float64 to_float64(Float80 a, Environment& environment) { return store<Float64>(a, environment); }

}  // namespace vireo::util::softfloat
