// Comparisons, minimum and maximum, and FXAM's classification.

#include "util/softfloat/round.h"
#include "util/softfloat/softfloat.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

bool magnitude_less(const Unpacked& a, const Unpacked& b) {
  if (a.kind != b.kind) return a.kind < b.kind;
  if (a.exponent != b.exponent) return a.exponent < b.exponent;
  return a.significand < b.significand;
}

/// The order of two operands that are not NaNs. Infinities have equal significands and exponents.
Ordering order(const Unpacked& a, const Unpacked& b) {
  if (a.is_zero() && b.is_zero()) return Ordering::kEqual;
  if (a.sign != b.sign) return a.sign ? Ordering::kLess : Ordering::kGreater;
  const bool less = magnitude_less(a, b);
  if (!less && !magnitude_less(b, a)) return Ordering::kEqual;
  return less != a.sign ? Ordering::kLess : Ordering::kGreater;
}

bool is_invalid(const Unpacked& a, bool quiet) {
  return a.is_nan() && !(quiet && a.kind == Kind::kQuietNan);
}

Ordering compare(const Unpacked& a, const Unpacked& b, bool quiet, Environment& environment) {
  if (a.is_nan() || b.is_nan()) {
    if (is_invalid(a, quiet) || is_invalid(b, quiet)) environment.raise(kInvalid);
    return Ordering::kUnordered;
  }
  if (a.denormal || b.denormal) environment.raise(kDenormal);
  return order(a, b);
}

/// What a NaN-free result is stored as: DAZ replaces a denormal by its zero.
template <class Float>
Float selected(Float original, const Unpacked& unpacked) {
  return unpacked.is_zero() ? pack_zero<Float>(unpacked.sign) : original;
}

/// `wanted` is the order of a and b for which a is the result.
template <class Float>
Float select(Float a, Float b, Ordering wanted, Environment& environment) {
  const Unpacked first = unpack(a, environment), second = unpack(b, environment);
  const bool take_first = compare(first, second, /*quiet=*/false, environment) == wanted;
  return take_first ? selected(a, first) : selected(b, second);
}

template <class Operand>
Ordering compare_operands(const Operand& a, const Operand& b, bool quiet, Environment& env) {
  return compare(unpack(a, env), unpack(b, env), quiet, env);
}

}  // namespace

Ordering compare_signaling(Float32 a, Float32 b, Environment& environment) {
  return compare_operands(a, b, false, environment);
}

Ordering compare_signaling(Float64 a, Float64 b, Environment& environment) {
  return compare_operands(a, b, false, environment);
}

Ordering compare_signaling(Operand80 a, Operand80 b, Environment& environment) {
  return compare_operands(a, b, false, environment);
}

Ordering compare_quiet(Float32 a, Float32 b, Environment& environment) {
  return compare_operands(a, b, true, environment);
}

Ordering compare_quiet(Float64 a, Float64 b, Environment& environment) {
  return compare_operands(a, b, true, environment);
}

Ordering compare_quiet(Float80 a, Float80 b, Environment& environment) {
  return compare_operands(a, b, true, environment);
}

Float32 min(Float32 a, Float32 b, Environment& environment) {
  return select(a, b, Ordering::kLess, environment);
}

Float64 min(Float64 a, Float64 b, Environment& environment) {
  return select(a, b, Ordering::kLess, environment);
}

Float32 max(Float32 a, Float32 b, Environment& environment) {
  return select(a, b, Ordering::kGreater, environment);
}

Float64 max(Float64 a, Float64 b, Environment& environment) {
  return select(a, b, Ordering::kGreater, environment);
}

Class80 classify(Float80 a) {
  Environment environment;
  const Unpacked x = unpack(a, environment);
  switch (x.kind) {
    case Kind::kZero:
      return Class80::kZero;
    case Kind::kFinite:
      return x.denormal ? Class80::kDenormal : Class80::kNormal;
    case Kind::kInfinity:
      return Class80::kInfinity;
    case Kind::kQuietNan:
    case Kind::kSignalingNan:
      return Class80::kNan;
    case Kind::kUnsupported:
      break;
  }
  return Class80::kUnsupported;
}

}  // namespace vireo::util::softfloat
