// Conversions of SSE and SSE2 between number formats, through util/softfloat.

#include "tcg/ir/evaluate_float.h"
#include "tcg/ir/evaluate_vector.h"

namespace vireo::tcg {
namespace {

template <class From, class To>
using Conversion = To (*)(From, Environment&);

/// Converts the low `Count` lanes of b to the low lanes of the result.
template <class From, class To, Conversion<From, To> Convert, unsigned Count>
void convert(VectorOperation& o) {
  Environment environment = environment_of(o.mxcsr);
  for (unsigned i = 0; i < Count; ++i) {
    o.result.set_lane(i, Convert(o.b.lane<From>(i), environment));
  }
  accrue(o, environment);
}

void doubles_from_integers(VectorOperation& o) {  // Always exact.
  for (unsigned i = 0; i < 2; ++i) {
    o.result.set_lane(i, softfloat::float64_from_int32(o.b.lane<int32_t>(i)));
  }
}

void single_from_integer(VectorOperation& o) {  // CVTSI2SS
  Environment environment = environment_of(o.mxcsr);
  o.result.set_lane(
      0, o.wide ? softfloat::float32_from_int64(static_cast<int64_t>(o.integer), environment)
                : softfloat::float32_from_int32(static_cast<int32_t>(o.integer), environment));
  accrue(o, environment);
}
void double_from_integer(VectorOperation& o) {  // CVTSI2SD
  Environment environment = environment_of(o.mxcsr);
  o.result.set_lane(
      0, o.wide ? softfloat::float64_from_int64(static_cast<int64_t>(o.integer), environment)
                : softfloat::float64_from_int32(static_cast<int32_t>(o.integer)));
  accrue(o, environment);
}

template <class F, Conversion<F, int32_t> Narrow, Conversion<F, int64_t> Wide>
void to_integer(VectorOperation& o) {  // CVTSS2SI, CVTTSS2SI...
  Environment environment = environment_of(o.mxcsr);
  const F value = o.b.lane<F>(0);
  o.integer_result = o.wide ? static_cast<uint64_t>(Wide(value, environment))
                            : static_cast<uint32_t>(Narrow(value, environment));
  accrue(o, environment);
}

constexpr auto kSinglesToDoubles = convert<Float32, Float64, softfloat::to_float64, 2>;
constexpr auto kDoublesToIntegers = convert<Float64, int32_t, softfloat::to_int32, 2>;
constexpr auto kDoublesTruncated = convert<Float64, int32_t, softfloat::to_int32_truncate, 2>;

/// The immediate gives the rounding as ROUNDPS's does.
void to_halves(VectorOperation& o) {  // VCVTPS2PH
  Environment environment = environment_of(o.mxcsr);
  if (!(o.imm & 4)) environment.rounding = static_cast<softfloat::Rounding>(o.imm & 3);
  for (unsigned i = 0; i < 4; ++i) {
    o.result.set_lane(i, softfloat::to_float16(o.b.lane<Float32>(i), environment));
  }
  accrue(o, environment);
}

using enum VectorOpcode;
constexpr VectorRow kRows[] = {
    {kCvtps2pd, kSinglesToDoubles},
    {kCvtpd2ps, convert<Float64, Float32, softfloat::to_float32, 2>},
    {kCvtss2sd, convert<Float32, Float64, softfloat::to_float64, 1>},
    {kCvtsd2ss, convert<Float64, Float32, softfloat::to_float32, 1>},
    {kCvtdq2ps, convert<int32_t, Float32, softfloat::float32_from_int32, 4>},
    {kCvtps2dq, convert<Float32, int32_t, softfloat::to_int32, 4>},
    {kCvttps2dq, convert<Float32, int32_t, softfloat::to_int32_truncate, 4>},
    {kCvtdq2pd, doubles_from_integers},
    {kCvtpd2dq, kDoublesToIntegers},
    {kCvttpd2dq, kDoublesTruncated},
    {kCvtpi2ps, convert<int32_t, Float32, softfloat::float32_from_int32, 2>},
    {kCvtpi2pd, doubles_from_integers},
    {kCvtps2pi, convert<Float32, int32_t, softfloat::to_int32, 2>},
    {kCvttps2pi, convert<Float32, int32_t, softfloat::to_int32_truncate, 2>},
    {kCvtpd2pi, kDoublesToIntegers},
    {kCvttpd2pi, kDoublesTruncated},
    {kVcvtph2ps, convert<softfloat::Float16, Float32, softfloat::to_float32, 4>},
    {kVcvtps2ph, to_halves},
    {kCvtsi2ss, single_from_integer},
    {kCvtsi2sd, double_from_integer},
    {kCvtss2si, to_integer<Float32, softfloat::to_int32, softfloat::to_int64>},
    {kCvtsd2si, to_integer<Float64, softfloat::to_int32, softfloat::to_int64>},
    {kCvttss2si, to_integer<Float32, softfloat::to_int32_truncate, softfloat::to_int64_truncate>},
    {kCvttsd2si, to_integer<Float64, softfloat::to_int32_truncate, softfloat::to_int64_truncate>},
};

}  // namespace

std::span<const VectorRow> vector_convert_rows() { return kRows; }

}  // namespace vireo::tcg
