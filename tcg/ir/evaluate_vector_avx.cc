// The operations that came with AVX, AVX2 and FMA.

#include "tcg/ir/evaluate_float.h"
#include "tcg/ir/evaluate_integer.h"
#include "tcg/ir/evaluate_vector.h"

namespace vireo::tcg {
namespace {

void permute_singles(VectorOperation& o) {  // VPERMILPS
  for (unsigned i = 0; i < 4; ++i) {
    o.result.set_lane<uint32_t>(i, o.a.lane<uint32_t>(o.b.lane<uint32_t>(i) & 3));
  }
}
void permute_doubles(VectorOperation& o) {  // VPERMILPD
  for (unsigned i = 0; i < 2; ++i) {
    o.result.set_lane<uint64_t>(i, o.a.lane<uint64_t>(o.b.lane<uint64_t>(i) >> 1 & 1));
  }
}
void permute_singles_immediate(VectorOperation& o) {
  for (unsigned i = 0; i < 4; ++i) {
    o.result.set_lane<uint32_t>(i, o.b.lane<uint32_t>(o.imm >> (2 * i) & 3));
  }
}
void permute_doubles_immediate(VectorOperation& o) {
  for (unsigned i = 0; i < 2; ++i) {
    o.result.set_lane<uint64_t>(i, o.b.lane<uint64_t>(o.imm >> i & 1));
  }
}

template <class T>
void test_signs(VectorOperation& o) {  // VTESTPS, VTESTPD
  bool common = false, outside = false;
  for (unsigned i = 0; i < 16 / sizeof(T); ++i) {
    common |= o.a.lane<T>(i) < 0 && o.b.lane<T>(i) < 0;
    outside |= o.a.lane<T>(i) >= 0 && o.b.lane<T>(i) < 0;
  }
  o.flags = flag_if(kFlagZ, !common) | flag_if(kFlagC, !outside);
}

void permute_lanes(VectorOperation& o) {  // VPERM2F128
  for (unsigned i = 0; i < 2; ++i) {
    const unsigned control = o.imm >> (4 * i);
    if (control & 8) continue;
    const VectorValue& source = control & 2 ? o.b : o.a;
    std::memcpy(o.result.bytes + 16 * i, source.bytes + (control & 1 ? 16 : 0), 16);
  }
}
void insert_lane(VectorOperation& o) {  // VINSERTF128
  o.result = o.a;
  std::memcpy(o.result.bytes + (o.imm & 1 ? 16 : 0), o.b.bytes, 16);
}
void extract_lane(VectorOperation& o) {  // VEXTRACTF128
  std::memcpy(o.result.bytes, o.b.bytes + (o.imm & 1 ? 16 : 0), 16);
}
void broadcast_lane(VectorOperation& o) {  // VBROADCASTF128
  for (unsigned lane = 0; lane < 2; ++lane) std::memcpy(o.result.bytes + 16 * lane, o.b.bytes, 16);
}
template <class T>
void broadcast(VectorOperation& o) {
  for (unsigned i = 0; i < o.bytes / sizeof(T); ++i) o.result.set_lane<T>(i, o.b.lane<T>(0));
}
void permute_by_register(VectorOperation& o) {  // VPERMD, VPERMPS
  for (unsigned i = 0; i < 8; ++i) {
    o.result.set_lane<uint32_t>(i, o.b.lane<uint32_t>(o.a.lane<uint32_t>(i) & 7));
  }
}
void permute_quadwords(VectorOperation& o) {  // VPERMQ, VPERMPD
  for (unsigned i = 0; i < 4; ++i) {
    o.result.set_lane<uint64_t>(i, o.b.lane<uint64_t>(o.imm >> (2 * i) & 3));
  }
}
void blend_doublewords(VectorOperation& o) {  // VPBLENDD
  for (unsigned i = 0; i < 4; ++i) {
    o.result.set_lane<uint32_t>(i, (o.imm >> i & 1 ? o.b : o.a).lane<uint32_t>(i));
  }
}

template <class T>
void shift_left_each(VectorOperation& o) {
  for (unsigned i = 0; i < 16 / sizeof(T); ++i) {
    const T count = o.b.lane<T>(i);
    o.result.set_lane<T>(i, count >= kBits<T> ? T{0} : static_cast<T>(o.a.lane<T>(i) << count));
  }
}
template <class T>
void shift_right_each(VectorOperation& o) {
  for (unsigned i = 0; i < 16 / sizeof(T); ++i) {
    const T count = o.b.lane<T>(i);
    o.result.set_lane<T>(i, count >= kBits<T> ? T{0} : static_cast<T>(o.a.lane<T>(i) >> count));
  }
}
void shift_right_each_signed(VectorOperation& o) {  // VPSRAVD
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t count = o.b.lane<uint32_t>(i);
    o.result.set_lane<int32_t>(i, o.a.lane<int32_t>(i) >> (count > 31 ? 31 : count));
  }
}

/// Lane `i` by the form 132, 213 or 231: factors and addend are given in the order in which NaNs
/// are looked for.
template <class F, unsigned Form>
F fused_lane(const VectorOperation& o, unsigned i, softfloat::FusedForm form,
             Environment& environment) {
  const F a = o.a.lane<F>(i), b = o.b.lane<F>(i), c = o.c.lane<F>(i);
  if (Form == 132) return softfloat::fused_multiply_add(a, c, b, form, environment);
  if (Form == 213) return softfloat::fused_multiply_add(b, a, c, form, environment);
  return softfloat::fused_multiply_add(b, c, a, form, environment);
}
template <class F, unsigned Form, bool NegateProduct, bool NegateAddend, unsigned Count>
void fused(VectorOperation& o) {
  Environment environment = environment_of(o.mxcsr);
  constexpr softfloat::FusedForm kForm{NegateProduct, NegateAddend};
  for (unsigned i = 0; i < Count; ++i) {
    o.result.set_lane(i, fused_lane<F, Form>(o, i, kForm, environment));
  }
  accrue(o, environment);
}
/// Lanes whose number has the parity `Subtracts` subtract: even ones of VFMADDSUB.
template <class F, unsigned Form, unsigned Subtracts>
void fused_alternating(VectorOperation& o) {
  Environment environment = environment_of(o.mxcsr);
  for (unsigned i = 0; i < 16 / sizeof(F); ++i) {
    const softfloat::FusedForm form{false, (i & 1) == Subtracts};
    o.result.set_lane(i, fused_lane<F, Form>(o, i, form, environment));
  }
  accrue(o, environment);
}

using enum VectorOpcode;
constexpr VectorRow kRows[] = {
    {kVpermilps, permute_singles},
    {kVpermilpd, permute_doubles},
    {kVpermilpsImm, permute_singles_immediate},
    {kVpermilpdImm, permute_doubles_immediate},
    {kVtestps, test_signs<int32_t>},
    {kVtestpd, test_signs<int64_t>},
    {kVperm2f128, permute_lanes},
    {kVperm2i128, permute_lanes},
    {kVinsertf128, insert_lane},
    {kVinserti128, insert_lane},
    {kVextractf128, extract_lane},
    {kVbroadcastf128, broadcast_lane},
    {kVbroadcastss, broadcast<uint32_t>},
    {kVbroadcastsd, broadcast<uint64_t>},
    {kVpbroadcastb, broadcast<uint8_t>},
    {kVpbroadcastw, broadcast<uint16_t>},
    {kVpbroadcastd, broadcast<uint32_t>},
    {kVpbroadcastq, broadcast<uint64_t>},
    {kVpermd, permute_by_register},
    {kVpermps, permute_by_register},
    {kVpermq, permute_quadwords},
    {kVpermpd, permute_quadwords},
    {kVpblendd, blend_doublewords},
    {kVpsllvd, shift_left_each<uint32_t>},
    {kVpsllvq, shift_left_each<uint64_t>},
    {kVpsrlvd, shift_right_each<uint32_t>},
    {kVpsrlvq, shift_right_each<uint64_t>},
    {kVpsravd, shift_right_each_signed},
    {kVfmadd132ps, fused<Float32, 132, false, false, 4>},
    {kVfmadd132pd, fused<Float64, 132, false, false, 2>},
    {kVfmadd132ss, fused<Float32, 132, false, false, 1>},
    {kVfmadd132sd, fused<Float64, 132, false, false, 1>},
    {kVfmsub132ps, fused<Float32, 132, false, true, 4>},
    {kVfmsub132pd, fused<Float64, 132, false, true, 2>},
    {kVfmsub132ss, fused<Float32, 132, false, true, 1>},
    {kVfmsub132sd, fused<Float64, 132, false, true, 1>},
    {kVfnmadd132ps, fused<Float32, 132, true, false, 4>},
    {kVfnmadd132pd, fused<Float64, 132, true, false, 2>},
    {kVfnmadd132ss, fused<Float32, 132, true, false, 1>},
    {kVfnmadd132sd, fused<Float64, 132, true, false, 1>},
    {kVfnmsub132ps, fused<Float32, 132, true, true, 4>},
    {kVfnmsub132pd, fused<Float64, 132, true, true, 2>},
    {kVfnmsub132ss, fused<Float32, 132, true, true, 1>},
    {kVfnmsub132sd, fused<Float64, 132, true, true, 1>},
    {kVfmaddsub132ps, fused_alternating<Float32, 132, 0>},
    {kVfmaddsub132pd, fused_alternating<Float64, 132, 0>},
    {kVfmsubadd132ps, fused_alternating<Float32, 132, 1>},
    {kVfmsubadd132pd, fused_alternating<Float64, 132, 1>},
    {kVfmadd213ps, fused<Float32, 213, false, false, 4>},
    {kVfmadd213pd, fused<Float64, 213, false, false, 2>},
    {kVfmadd213ss, fused<Float32, 213, false, false, 1>},
    {kVfmadd213sd, fused<Float64, 213, false, false, 1>},
    {kVfmsub213ps, fused<Float32, 213, false, true, 4>},
    {kVfmsub213pd, fused<Float64, 213, false, true, 2>},
    {kVfmsub213ss, fused<Float32, 213, false, true, 1>},
    {kVfmsub213sd, fused<Float64, 213, false, true, 1>},
    {kVfnmadd213ps, fused<Float32, 213, true, false, 4>},
    {kVfnmadd213pd, fused<Float64, 213, true, false, 2>},
    {kVfnmadd213ss, fused<Float32, 213, true, false, 1>},
    {kVfnmadd213sd, fused<Float64, 213, true, false, 1>},
    {kVfnmsub213ps, fused<Float32, 213, true, true, 4>},
    {kVfnmsub213pd, fused<Float64, 213, true, true, 2>},
    {kVfnmsub213ss, fused<Float32, 213, true, true, 1>},
    {kVfnmsub213sd, fused<Float64, 213, true, true, 1>},
    {kVfmaddsub213ps, fused_alternating<Float32, 213, 0>},
    {kVfmaddsub213pd, fused_alternating<Float64, 213, 0>},
    {kVfmsubadd213ps, fused_alternating<Float32, 213, 1>},
    {kVfmsubadd213pd, fused_alternating<Float64, 213, 1>},
    {kVfmadd231ps, fused<Float32, 231, false, false, 4>},
    {kVfmadd231pd, fused<Float64, 231, false, false, 2>},
    {kVfmadd231ss, fused<Float32, 231, false, false, 1>},
    {kVfmadd231sd, fused<Float64, 231, false, false, 1>},
    {kVfmsub231ps, fused<Float32, 231, false, true, 4>},
    {kVfmsub231pd, fused<Float64, 231, false, true, 2>},
    {kVfmsub231ss, fused<Float32, 231, false, true, 1>},
    {kVfmsub231sd, fused<Float64, 231, false, true, 1>},
    {kVfnmadd231ps, fused<Float32, 231, true, false, 4>},
    {kVfnmadd231pd, fused<Float64, 231, true, false, 2>},
    {kVfnmadd231ss, fused<Float32, 231, true, false, 1>},
    {kVfnmadd231sd, fused<Float64, 231, true, false, 1>},
    {kVfnmsub231ps, fused<Float32, 231, true, true, 4>},
    {kVfnmsub231pd, fused<Float64, 231, true, true, 2>},
    {kVfnmsub231ss, fused<Float32, 231, true, true, 1>},
    {kVfnmsub231sd, fused<Float64, 231, true, true, 1>},
    {kVfmaddsub231ps, fused_alternating<Float32, 231, 0>},
    {kVfmaddsub231pd, fused_alternating<Float64, 231, 0>},
    {kVfmsubadd231ps, fused_alternating<Float32, 231, 1>},
    {kVfmsubadd231pd, fused_alternating<Float64, 231, 1>},
};

}  // namespace

std::span<const VectorRow> vector_avx_rows() { return kRows; }

}  // namespace vireo::tcg
