// Floating-point arithmetic and comparisons of SSE to SSE4.1, through util/softfloat.

#include "tcg/ir/evaluate_float.h"
#include "tcg/ir/evaluate_integer.h"
#include "tcg/ir/evaluate_vector.h"

namespace vireo::tcg {
namespace {

using softfloat::Ordering;

template <class F>
using Binary = F (*)(F, F, Environment&);
template <class F>
using Unary = F (*)(F, Environment&);
template <class F>
inline constexpr unsigned kLanes = 16 / sizeof(F);

template <class F, Binary<F> Op>
void packed(VectorOperation& o) {
  Environment environment = environment_of(o.mxcsr);
  for (unsigned i = 0; i < kLanes<F>; ++i) {
    o.result.set_lane(i, Op(o.a.lane<F>(i), o.b.lane<F>(i), environment));
  }
  accrue(o, environment);
}
template <class F, Binary<F> Op>
void scalar(VectorOperation& o) {
  Environment environment = environment_of(o.mxcsr);
  o.result.set_lane(0, Op(o.a.lane<F>(0), o.b.lane<F>(0), environment));
  accrue(o, environment);
}
template <class F, Unary<F> Op, unsigned Count>
void unary(VectorOperation& o) {
  Environment environment = environment_of(o.mxcsr);
  for (unsigned i = 0; i < Count; ++i) {
    o.result.set_lane(i, Op(o.b.lane<F>(i), environment));
  }
  accrue(o, environment);
}

/// Even lanes by one operation, odd lanes by the other (ADDSUBPS).
template <class F>
void subtract_add(VectorOperation& o) {
  Environment environment = environment_of(o.mxcsr);
  for (unsigned i = 0; i < kLanes<F>; ++i) {
    const F a = o.a.lane<F>(i), b = o.b.lane<F>(i);
    o.result.set_lane(
        i, i & 1 ? softfloat::add(a, b, environment) : softfloat::sub(a, b, environment));
  }
  accrue(o, environment);
}

template <class F, Binary<F> Op>
void horizontal(VectorOperation& o) {
  constexpr unsigned kHalf = kLanes<F> / 2;
  Environment environment = environment_of(o.mxcsr);
  for (unsigned i = 0; i < kLanes<F>; ++i) {
    const VectorValue& source = i < kHalf ? o.a : o.b;
    const unsigned from = 2 * (i % kHalf);
    o.result.set_lane(i, Op(source.lane<F>(from), source.lane<F>(from + 1), environment));
  }
  accrue(o, environment);
}

template <class F>
F sum_of(const F (&terms)[kLanes<F>], Environment& environment) {
  const F sum = softfloat::add(terms[0], terms[1], environment);
  if constexpr (kLanes<F> == 2) return sum;
  return softfloat::add(sum, softfloat::add(terms[2], terms[3], environment), environment);
}

/// DPPS, DPPD: the products that imm[7:4] selects, summed in pairs, to the elements in imm[3:0], in
/// each 128-bit lane. Nothing is summed if any product faults.
template <class F>
void dot_product(VectorOperation& o) {
  constexpr unsigned kBytes = 16, kCount = kLanes<F>;
  Environment environment = environment_of(o.mxcsr);
  F terms[2][kCount] = {};
  for (unsigned i = 0; i < o.bytes / sizeof(F); ++i) {
    if (!(o.imm >> (4 + i % kCount) & 1)) continue;
    terms[i / kCount][i % kCount] = softfloat::mul(o.a.lane<F>(i), o.b.lane<F>(i), environment);
  }
  accrue(o, environment);
  if (o.fault) return;
  for (unsigned lane = 0; lane < o.bytes / kBytes; ++lane) {
    const F sum = sum_of<F>(terms[lane], environment);
    for (unsigned i = 0; i < kCount; ++i) {
      if (o.imm >> i & 1) o.result.set_lane(lane * kCount + i, sum);
    }
  }
  accrue(o, environment);
}

/// ROUNDPS...: imm[1:0] is the mode unless imm[2] asks for MXCSR's; imm[3] hides inexact.
template <class F, unsigned Count>
void round(VectorOperation& o) {
  Environment environment = environment_of(o.mxcsr);
  if (!(o.imm & 4)) environment.rounding = static_cast<softfloat::Rounding>(o.imm & 3);
  for (unsigned i = 0; i < Count; ++i) {
    o.result.set_lane(i, softfloat::round_to_integral(o.b.lane<F>(i), environment));
  }
  if (o.imm & 8) environment.flags &= static_cast<uint8_t>(~softfloat::kInexact);
  accrue(o, environment);
}

/// RCPPS, RSQRTPS: exact to the last place, which is within the error that the SDM allows; raises
/// nothing, takes denormals as zeros and gives zeros for tiny results.
template <bool SquareRoot>
Float32 reciprocal(Float32 value) {
  Environment environment;
  environment.denormals_are_zero = environment.flush_to_zero = true;
  const Float32 divisor = SquareRoot ? softfloat::sqrt(value, environment) : value;
  constexpr Float32 kOne{0x3f800000};
  return softfloat::div(kOne, divisor, environment);
}
template <bool SquareRoot, unsigned Count>
void approximate(VectorOperation& o) {
  for (unsigned i = 0; i < Count; ++i) {
    o.result.set_lane(i, reciprocal<SquareRoot>(o.b.lane<Float32>(i)));
  }
}

/// The predicates of CMPPS and VCMPPS (SDM volume 2, table 3-1): bit 2 negates, bit 3 changes what
/// the answer is for unordered operands (and the first of the four to "false"), bit 4 whether QNaNs
/// signal.
template <class F>
bool compares(unsigned predicate, F a, F b, Environment& environment) {
  const unsigned which = predicate & 3;
  const bool signaling = (which == 1 || which == 2) != ((predicate & 16) != 0);
  const Ordering ordering = signaling ? softfloat::compare_signaling(a, b, environment)
                                      : softfloat::compare_quiet(a, b, environment);
  const bool equal = ordering == Ordering::kEqual;
  const bool less = ordering == Ordering::kLess;
  const bool unordered = ordering == Ordering::kUnordered;
  const bool negated = predicate & 4;
  if (!(predicate & 8)) {
    const bool results[] = {equal, less, less || equal, unordered};
    return results[which] != negated;
  }
  const bool results[] = {equal || unordered, less || unordered, less || equal || unordered, false};
  return results[which] != negated;
}
template <class F, class Mask, unsigned Count>
void compare(VectorOperation& o) {
  Environment environment = environment_of(o.mxcsr);
  for (unsigned i = 0; i < Count; ++i) {
    const bool holds = compares(o.imm & 31u, o.a.lane<F>(i), o.b.lane<F>(i), environment);
    o.result.set_lane<Mask>(i, holds ? ~Mask{0} : Mask{0});
  }
  accrue(o, environment);
}

template <class F, Ordering (*Compare)(F, F, Environment&)>
void compare_flags(VectorOperation& o) {  // COMISS, UCOMISS
  Environment environment = environment_of(o.mxcsr);
  const Ordering ordering = Compare(o.a.lane<F>(0), o.b.lane<F>(0), environment);
  const bool unordered = ordering == Ordering::kUnordered;
  o.flags = flag_if(kFlagC, unordered || ordering == Ordering::kLess) |
            flag_if(kFlagZ, unordered || ordering == Ordering::kEqual) | flag_if(kFlagP, unordered);
  accrue(o, environment);
}

using enum VectorOpcode;
constexpr VectorRow kRows[] = {
    {kAddps, packed<Float32, softfloat::add>},
    {kAddpd, packed<Float64, softfloat::add>},
    {kAddss, scalar<Float32, softfloat::add>},
    {kAddsd, scalar<Float64, softfloat::add>},
    {kSubps, packed<Float32, softfloat::sub>},
    {kSubpd, packed<Float64, softfloat::sub>},
    {kSubss, scalar<Float32, softfloat::sub>},
    {kSubsd, scalar<Float64, softfloat::sub>},
    {kMulps, packed<Float32, softfloat::mul>},
    {kMulpd, packed<Float64, softfloat::mul>},
    {kMulss, scalar<Float32, softfloat::mul>},
    {kMulsd, scalar<Float64, softfloat::mul>},
    {kDivps, packed<Float32, softfloat::div>},
    {kDivpd, packed<Float64, softfloat::div>},
    {kDivss, scalar<Float32, softfloat::div>},
    {kDivsd, scalar<Float64, softfloat::div>},
    {kMinps, packed<Float32, softfloat::min>},
    {kMinpd, packed<Float64, softfloat::min>},
    {kMinss, scalar<Float32, softfloat::min>},
    {kMinsd, scalar<Float64, softfloat::min>},
    {kMaxps, packed<Float32, softfloat::max>},
    {kMaxpd, packed<Float64, softfloat::max>},
    {kMaxss, scalar<Float32, softfloat::max>},
    {kMaxsd, scalar<Float64, softfloat::max>},
    {kSqrtps, unary<Float32, softfloat::sqrt, 4>},
    {kSqrtpd, unary<Float64, softfloat::sqrt, 2>},
    {kSqrtss, unary<Float32, softfloat::sqrt, 1>},
    {kSqrtsd, unary<Float64, softfloat::sqrt, 1>},
    {kRsqrtps, approximate<true, 4>},
    {kRsqrtss, approximate<true, 1>},
    {kRcpps, approximate<false, 4>},
    {kRcpss, approximate<false, 1>},
    {kAddsubps, subtract_add<Float32>},
    {kAddsubpd, subtract_add<Float64>},
    {kHaddps, horizontal<Float32, softfloat::add>},
    {kHaddpd, horizontal<Float64, softfloat::add>},
    {kHsubps, horizontal<Float32, softfloat::sub>},
    {kHsubpd, horizontal<Float64, softfloat::sub>},
    {kDpps, dot_product<Float32>},
    {kDppd, dot_product<Float64>},
    {kRoundps, round<Float32, 4>},
    {kRoundpd, round<Float64, 2>},
    {kRoundss, round<Float32, 1>},
    {kRoundsd, round<Float64, 1>},
    {kCmpps, compare<Float32, uint32_t, 4>},
    {kCmppd, compare<Float64, uint64_t, 2>},
    {kCmpss, compare<Float32, uint32_t, 1>},
    {kCmpsd, compare<Float64, uint64_t, 1>},
    {kComiss, compare_flags<Float32, softfloat::compare_signaling>},
    {kComisd, compare_flags<Float64, softfloat::compare_signaling>},
    {kUcomiss, compare_flags<Float32, softfloat::compare_quiet>},
    {kUcomisd, compare_flags<Float64, softfloat::compare_quiet>},
};

}  // namespace

std::span<const VectorRow> vector_float_rows() { return kRows; }

}  // namespace vireo::tcg
