// Loads, stores and moves of MMX and SSE (SDM volume 2, tables ); operations stand in
// tables_vector.cc.

#include "target/i386/decode/tables.h"
#include "target/i386/translate/helper_id.h"
#include "target/i386/translate/translator.h"

namespace vireo::i386 {
namespace {

using tcg::Condition;
using tcg::Opcode;
using tcg::RmwKind;
using tcg::VectorOpcode;
using T = Translator;

template <class Enum>
constexpr uint16_t as(Enum value) {
  return static_cast<uint16_t>(value);
}

constexpr Attributes mmx = needs(Feature::kMmx) | uses_mmx;
constexpr Attributes mmx_sse = needs(Feature::kSse) | or_mmxext | uses_mmx;
constexpr Attributes mmx_sse2 = needs(Feature::kSse2) | uses_mmx;
constexpr Attributes sse = needs(Feature::kSse) | uses_sse;
constexpr Attributes sse2 = needs(Feature::kSse2) | uses_sse;
constexpr Attributes sse3 = needs(Feature::kSse3) | uses_sse;
constexpr Attributes sse42 = needs(Feature::kSse42) | uses_sse;
constexpr Attributes sse41 = needs(Feature::kSse41) | uses_sse;

constexpr Attributes avx = vex | uses_avx | needs(Feature::kAvx);
constexpr Attributes avx2 = vex | uses_avx | needs(Feature::kAvx2);

// clang-format off
constexpr Row kTwoByteRows[] = {
    {0x10, "vmovups", operands("Vx,Wx"), prefix_none | avx | unaligned, &T::move_vector},
    {0x10, "vmovupd", operands("Vx,Wx"), prefix_66 | avx | unaligned, &T::move_vector},
    {0x11, "vmovups", operands("Wx,Vx"), prefix_none | avx | unaligned, &T::move_vector},
    {0x11, "vmovupd", operands("Wx,Vx"), prefix_66 | avx | unaligned, &T::move_vector},
    {0x10, "vmovss", operands("Vd,Md"), prefix_f3 | memory_only | avx, &T::load_scalar},
    {0x10, "vmovsd", operands("Vq,Mq"), prefix_f2 | memory_only | avx, &T::load_scalar},
    {0x11, "vmovss", operands("Md,Vd"), prefix_f3 | memory_only | avx, &T::move_vector},
    {0x11, "vmovsd", operands("Mq,Vq"), prefix_f2 | memory_only | avx, &T::move_vector},
    {0x11, "vmovss", operands("Udq,Hdq,Vdq"), prefix_f3 | register_only | avx, &T::vector_operation, as(VectorOpcode::kMovss)},
    {0x11, "vmovsd", operands("Udq,Hdq,Vdq"), prefix_f2 | register_only | avx, &T::vector_operation, as(VectorOpcode::kMovsd)},
    {0x12, "vmovlps", operands("Vdq,Hdq,Mq"), prefix_none | memory_only | avx | vex_l0, &T::vector_operation, as(VectorOpcode::kMovsd)},
    {0x12, "vmovlpd", operands("Vdq,Hdq,Mq"), prefix_66 | memory_only | avx | vex_l0, &T::vector_operation, as(VectorOpcode::kMovsd)},
    {0x13, "vmovlps", operands("Mq,Vq"), prefix_none | memory_only | avx | vex_l0, &T::move_vector},
    {0x13, "vmovlpd", operands("Mq,Vq"), prefix_66 | memory_only | avx | vex_l0, &T::move_vector},
    {0x16, "vmovhps", operands("Vdq,Hdq,Mq"), prefix_none | memory_only | avx | vex_l0, &T::vector_operation, as(VectorOpcode::kMovlhps)},
    {0x16, "vmovhpd", operands("Vdq,Hdq,Mq"), prefix_66 | memory_only | avx | vex_l0, &T::vector_operation, as(VectorOpcode::kMovlhps)},
    {0x17, "vmovhps", operands("Mq,Vdq"), prefix_none | memory_only | avx | vex_l0, &T::store_high},
    {0x17, "vmovhpd", operands("Mq,Vdq"), prefix_66 | memory_only | avx | vex_l0, &T::store_high},
    {0x28, "vmovaps", operands("Vx,Wx"), prefix_none | avx, &T::move_vector},
    {0x28, "vmovapd", operands("Vx,Wx"), prefix_66 | avx, &T::move_vector},
    {0x29, "vmovaps", operands("Wx,Vx"), prefix_none | avx, &T::move_vector},
    {0x29, "vmovapd", operands("Wx,Vx"), prefix_66 | avx, &T::move_vector},
    {0x2b, "vmovntps", operands("Mx,Vx"), prefix_none | memory_only | non_temporal | avx, &T::move_vector},
    {0x2b, "vmovntpd", operands("Mx,Vx"), prefix_66 | memory_only | non_temporal | avx, &T::move_vector},
    {0x6e, "vmovd", operands("Vy,Ey"), prefix_66 | avx | vex_l0, &T::move_integer_to_vector},
    {0x7e, "vmovd", operands("Ey,Vy"), prefix_66 | avx | vex_l0, &T::move_vector_to_integer},
    {0x7e, "vmovq", operands("Vq,Wq"), prefix_f3 | avx | vex_l0, &T::load_scalar},
    {0xd6, "vmovq", operands("Wq,Vq"), prefix_66 | avx | vex_l0, &T::move_low_quadword},
    {0x6f, "vmovdqa", operands("Vx,Wx"), prefix_66 | avx, &T::move_vector},
    {0x6f, "vmovdqu", operands("Vx,Wx"), prefix_f3 | avx | unaligned, &T::move_vector},
    {0x7f, "vmovdqa", operands("Wx,Vx"), prefix_66 | avx, &T::move_vector},
    {0x7f, "vmovdqu", operands("Wx,Vx"), prefix_f3 | avx | unaligned, &T::move_vector},
    {0x77, "vzeroupper", operands(""), prefix_none | avx | vex_l0, &T::zero_upper},
    {0x77, "vzeroall", operands(""), prefix_none | avx | vex_l1, &T::zero_all},
    {0xae, "vldmxcsr", operands("Md"), reg(2) | prefix_none | memory_only | avx | vex_l0, &T::load_mxcsr},
    {0xae, "vstmxcsr", operands("Md"), reg(3) | prefix_none | memory_only | avx | vex_l0, &T::store_mxcsr},
    {0xe7, "vmovntdq", operands("Mx,Vx"), prefix_66 | memory_only | non_temporal | avx, &T::move_vector},
    {0xf0, "vlddqu", operands("Vx,Mx"), prefix_f2 | memory_only | avx | unaligned, &T::move_vector},
    {0xf7, "vmaskmovdqu", operands("Vdq,Udq"), prefix_66 | register_only | avx | vex_l0, &T::masked_move},
    {0x10, "movups", operands("Vdq,Wdq"), prefix_none | sse | unaligned, &T::move_vector},
    {0x10, "movupd", operands("Vdq,Wdq"), prefix_66 | sse2 | unaligned, &T::move_vector},
    {0x11, "movups", operands("Wdq,Vdq"), prefix_none | sse | unaligned, &T::move_vector},
    {0x11, "movupd", operands("Wdq,Vdq"), prefix_66 | sse2 | unaligned, &T::move_vector},
    {0x10, "movss", operands("Vd,Md"), prefix_f3 | memory_only | sse, &T::load_scalar},
    {0x10, "movsd", operands("Vq,Mq"), prefix_f2 | memory_only | sse2, &T::load_scalar},
    {0x11, "movss", operands("Wd,Vd"), prefix_f3 | sse, &T::move_vector},
    {0x11, "movsd", operands("Wq,Vq"), prefix_f2 | sse2, &T::move_vector},
    {0x12, "movlps", operands("Vq,Mq"), prefix_none | memory_only | sse, &T::move_vector},
    {0x12, "movlpd", operands("Vq,Mq"), prefix_66 | memory_only | sse2, &T::move_vector},
    {0x13, "movlps", operands("Mq,Vq"), prefix_none | memory_only | sse, &T::move_vector},
    {0x13, "movlpd", operands("Mq,Vq"), prefix_66 | memory_only | sse2, &T::move_vector},
    {0x16, "movhps", operands("Vdq,Mq"), prefix_none | memory_only | sse, &T::load_high},
    {0x16, "movhpd", operands("Vdq,Mq"), prefix_66 | memory_only | sse2, &T::load_high},
    {0x17, "movhps", operands("Mq,Vdq"), prefix_none | memory_only | sse, &T::store_high},
    {0x17, "movhpd", operands("Mq,Vdq"), prefix_66 | memory_only | sse2, &T::store_high},
    {0x28, "movaps", operands("Vdq,Wdq"), prefix_none | sse, &T::move_vector},
    {0x28, "movapd", operands("Vdq,Wdq"), prefix_66 | sse2, &T::move_vector},
    {0x29, "movaps", operands("Wdq,Vdq"), prefix_none | sse, &T::move_vector},
    {0x29, "movapd", operands("Wdq,Vdq"), prefix_66 | sse2, &T::move_vector},
    {0x2b, "movntps", operands("Mdq,Vdq"), prefix_none | memory_only | non_temporal | sse, &T::move_vector},
    {0x2b, "movntpd", operands("Mdq,Vdq"), prefix_66 | memory_only | non_temporal | sse2, &T::move_vector},
    {0x6e, "movd", operands("Py,Ey"), prefix_none | mmx, &T::move_integer_to_vector},
    {0x6e, "movd", operands("Vy,Ey"), prefix_66 | sse2, &T::move_integer_to_vector},
    {0x7e, "movd", operands("Ey,Py"), prefix_none | mmx, &T::move_vector_to_integer},
    {0x7e, "movd", operands("Ey,Vy"), prefix_66 | sse2, &T::move_vector_to_integer},
    {0x7e, "movq", operands("Vq,Wq"), prefix_f3 | sse2, &T::load_scalar},
    {0xd6, "movq", operands("Wq,Vq"), prefix_66 | sse2, &T::move_low_quadword},
    {0x6f, "movq", operands("Pq,Qq"), prefix_none | mmx, &T::move_vector},
    {0x6f, "movdqa", operands("Vdq,Wdq"), prefix_66 | sse2, &T::move_vector},
    {0x6f, "movdqu", operands("Vdq,Wdq"), prefix_f3 | sse2 | unaligned, &T::move_vector},
    {0x7f, "movq", operands("Qq,Pq"), prefix_none | mmx, &T::move_vector},
    {0x7f, "movdqa", operands("Wdq,Vdq"), prefix_66 | sse2, &T::move_vector},
    {0x7f, "movdqu", operands("Wdq,Vdq"), prefix_f3 | sse2 | unaligned, &T::move_vector},
    {0x77, "emms", operands(""), prefix_none | needs(Feature::kMmx) | uses_fpu, &T::empty_mmx},
    {0xd6, "movq2dq", operands("Vq,Nq"), prefix_f3 | register_only | mmx_sse2, &T::load_scalar},
    {0xd6, "movdq2q", operands("Pq,Uq"), prefix_f2 | register_only | mmx_sse2, &T::move_vector},
    {0xe7, "movntq", operands("Mq,Pq"), prefix_none | memory_only | mmx_sse, &T::move_vector},
    {0xe7, "movntdq", operands("Mdq,Vdq"), prefix_66 | memory_only | non_temporal | sse2, &T::move_vector},
    {0xf0, "lddqu", operands("Vdq,Mdq"), prefix_f2 | memory_only | sse3 | unaligned, &T::move_vector},
    {0xf7, "maskmovq", operands("Pq,Nq"), prefix_none | register_only | mmx_sse, &T::masked_move},
    {0xf7, "maskmovdqu", operands("Vdq,Udq"), prefix_66 | register_only | sse2, &T::masked_move},
};

constexpr Row k0f38Rows[] = {
    {0x2c, "vmaskmovps", operands("Vx,Hx,Mx"), prefix_66 | memory_only | avx | vex_w0, &T::masked_vector_load, 4},
    {0x2e, "vmaskmovps", operands("Mx,Hx,Vx"), prefix_66 | memory_only | avx | vex_w0, &T::masked_vector_store, 4},
    {0x2d, "vmaskmovpd", operands("Vx,Hx,Mx"), prefix_66 | memory_only | avx | vex_w0, &T::masked_vector_load, 8},
    {0x2f, "vmaskmovpd", operands("Mx,Hx,Vx"), prefix_66 | memory_only | avx | vex_w0, &T::masked_vector_store, 8},
    {0x8c, "vpmaskmovd", operands("Vx,Hx,Mx"), prefix_66 | memory_only | avx2 | vex_w0, &T::masked_vector_load, 4},
    {0x8e, "vpmaskmovd", operands("Mx,Hx,Vx"), prefix_66 | memory_only | avx2 | vex_w0, &T::masked_vector_store, 4},
    {0x8c, "vpmaskmovq", operands("Vx,Hx,Mx"), prefix_66 | memory_only | avx2 | vex_w1, &T::masked_vector_load, 8},
    {0x8e, "vpmaskmovq", operands("Mx,Hx,Vx"), prefix_66 | memory_only | avx2 | vex_w1, &T::masked_vector_store, 8},
    {0x90, "vpgatherdd", operands("Vx,M,Hx"), prefix_66 | memory_only | vsib | avx2 | vex_w0, &T::gather},
    {0x90, "vpgatherdq", operands("Vx,M,Hx"), prefix_66 | memory_only | vsib | avx2 | vex_w1, &T::gather},
    {0x91, "vpgatherqd", operands("Vdq,M,Hdq"), prefix_66 | memory_only | vsib | avx2 | vex_w0, &T::gather},
    {0x91, "vpgatherqq", operands("Vx,M,Hx"), prefix_66 | memory_only | vsib | avx2 | vex_w1, &T::gather},
    {0x92, "vgatherdps", operands("Vx,M,Hx"), prefix_66 | memory_only | vsib | avx2 | vex_w0, &T::gather},
    {0x92, "vgatherdpd", operands("Vx,M,Hx"), prefix_66 | memory_only | vsib | avx2 | vex_w1, &T::gather},
    {0x93, "vgatherqps", operands("Vdq,M,Hdq"), prefix_66 | memory_only | vsib | avx2 | vex_w0, &T::gather},
    {0x93, "vgatherqpd", operands("Vx,M,Hx"), prefix_66 | memory_only | vsib | avx2 | vex_w1, &T::gather},
    {0x18, "vbroadcastss", operands("Vx,Md"), prefix_66 | memory_only | avx | vex_w0, &T::vector_operation, as(VectorOpcode::kVbroadcastss)},
    {0x18, "vbroadcastss", operands("Vx,Udq"), prefix_66 | register_only | avx2 | vex_w0, &T::vector_operation, as(VectorOpcode::kVbroadcastss)},
    {0x19, "vbroadcastsd", operands("Vx,Mq"), prefix_66 | memory_only | avx | vex_w0 | vex_l1, &T::vector_operation, as(VectorOpcode::kVbroadcastsd)},
    {0x19, "vbroadcastsd", operands("Vx,Udq"), prefix_66 | register_only | avx2 | vex_w0 | vex_l1, &T::vector_operation, as(VectorOpcode::kVbroadcastsd)},
    {0x1a, "vbroadcastf128", operands("Vqq,Mdq"), prefix_66 | memory_only | avx | unaligned | vex_w0 | vex_l1, &T::broadcast_lane},
    {0x5a, "vbroadcasti128", operands("Vqq,Mdq"), prefix_66 | memory_only | avx2 | unaligned | vex_w0 | vex_l1, &T::broadcast_lane},
    {0x58, "vpbroadcastd", operands("Vx,Udq/Md"), prefix_66 | avx2 | vex_w0, &T::vector_operation, as(VectorOpcode::kVpbroadcastd)},
    {0x59, "vpbroadcastq", operands("Vx,Udq/Mq"), prefix_66 | avx2 | vex_w0, &T::vector_operation, as(VectorOpcode::kVpbroadcastq)},
    {0x78, "vpbroadcastb", operands("Vx,Udq"), prefix_66 | register_only | avx2 | vex_w0, &T::vector_operation, as(VectorOpcode::kVpbroadcastb)},
    {0x78, "vpbroadcastb", operands("Vx,Mb"), prefix_66 | memory_only | avx2 | vex_w0, &T::widen_word, as(VectorOpcode::kVpbroadcastb)},
    {0x79, "vpbroadcastw", operands("Vx,Udq"), prefix_66 | register_only | avx2 | vex_w0, &T::vector_operation, as(VectorOpcode::kVpbroadcastw)},
    {0x79, "vpbroadcastw", operands("Vx,Mw"), prefix_66 | memory_only | avx2 | vex_w0, &T::widen_word, as(VectorOpcode::kVpbroadcastw)},
    {0x2a, "vmovntdqa", operands("Vx,Mx"), prefix_66 | memory_only | avx | vex_l0, &T::move_vector},
    {0x2a, "vmovntdqa", operands("Vx,Mx"), prefix_66 | memory_only | avx2 | vex_l1, &T::move_vector},
    {0x22, "vpmovsxbq", operands("Vdq,Mw"), prefix_66 | memory_only | avx | vex_l0, &T::widen_word, as(VectorOpcode::kPmovsxbq)},
    {0x32, "vpmovzxbq", operands("Vdq,Mw"), prefix_66 | memory_only | avx | vex_l0, &T::widen_word, as(VectorOpcode::kPmovzxbq)},
    {0x22, "vpmovsxbq", operands("Vx,Md"), prefix_66 | memory_only | avx2 | vex_l1, &T::vector_operation, as(VectorOpcode::kPmovsxbq)},
    {0x32, "vpmovzxbq", operands("Vx,Md"), prefix_66 | memory_only | avx2 | vex_l1, &T::vector_operation, as(VectorOpcode::kPmovzxbq)},
    {0x2a, "movntdqa", operands("Vdq,Mdq"), prefix_66 | memory_only | sse41, &T::move_vector},
    {0x22, "pmovsxbq", operands("Vdq,Mw"), prefix_66 | memory_only | sse41, &T::widen_word, as(VectorOpcode::kPmovsxbq)},
    {0x32, "pmovzxbq", operands("Vdq,Mw"), prefix_66 | memory_only | sse41, &T::widen_word, as(VectorOpcode::kPmovzxbq)},
};

constexpr Row k0f3aRows[] = {
    {0x1d, "vcvtps2ph", operands("Udq/Mxh,Vx,Ib"), prefix_66 | vex | uses_avx | needs(Feature::kF16c) | unaligned | vex_w0, &T::narrow_to_halves},
    {0x19, "vextractf128", operands("Wdq,Vqq,Ib"), prefix_66 | avx | unaligned | vex_w0 | vex_l1, &T::extract_half},
    {0x39, "vextracti128", operands("Wdq,Vqq,Ib"), prefix_66 | avx2 | unaligned | vex_w0 | vex_l1, &T::extract_half},
    {0x17, "vextractps", operands("Rd/Md,Vdq,Ib"), prefix_66 | avx | vex_l0, &T::extract_lane, as(VectorOpcode::kPextrd)},
    {0x14, "vpextrb", operands("Rd/Mb,Vdq,Ib"), prefix_66 | avx | vex_l0, &T::extract_lane, as(VectorOpcode::kPextrb)},
    {0x15, "vpextrw", operands("Rd/Mw,Vdq,Ib"), prefix_66 | avx | vex_l0, &T::extract_lane, as(VectorOpcode::kPextrw)},
    {0x16, "vpextrd", operands("Ey,Vdq,Ib"), prefix_66 | avx | vex_l0 | vex_w0, &T::extract_lane, as(VectorOpcode::kPextrd)},
    {0x16, "vpextrd", operands("Ey,Vdq,Ib"), prefix_66 | avx | vex_l0 | vex_w1 | only64, &T::extract_lane, as(VectorOpcode::kPextrd)},
    {0x20, "vpinsrb", operands("Vdq,Hdq,Rd/Mb,Ib"), prefix_66 | avx | vex_l0, &T::insert_lane, as(VectorOpcode::kPinsrb)},
    {0x22, "vpinsrd", operands("Vdq,Hdq,Ey,Ib"), prefix_66 | avx | vex_l0 | vex_w0, &T::insert_lane, as(VectorOpcode::kPinsrd)},
    {0x22, "vpinsrd", operands("Vdq,Hdq,Ey,Ib"), prefix_66 | avx | vex_l0 | vex_w1 | only64, &T::insert_lane, as(VectorOpcode::kPinsrd)},
    {0x21, "vinsertps", operands("Vdq,Hdq,Ud/Md,Ib"), prefix_66 | avx | vex_l0, &T::insert_single},
    {0x17, "extractps", operands("Rd/Md,Vdq,Ib"), prefix_66 | sse41, &T::extract_lane, as(VectorOpcode::kPextrd)},
    {0x14, "pextrb", operands("Rd/Mb,Vdq,Ib"), prefix_66 | sse41, &T::extract_lane, as(VectorOpcode::kPextrb)},
    {0x15, "pextrw", operands("Rd/Mw,Vdq,Ib"), prefix_66 | sse41, &T::extract_lane, as(VectorOpcode::kPextrw)},
    {0x16, "pextrd", operands("Ey,Vdq,Ib"), prefix_66 | sse41, &T::extract_lane, as(VectorOpcode::kPextrd)},
    {0x20, "pinsrb", operands("Vdq,Rd/Mb,Ib"), prefix_66 | sse41, &T::insert_lane, as(VectorOpcode::kPinsrb)},
    {0x22, "pinsrd", operands("Vdq,Ey,Ib"), prefix_66 | sse41, &T::insert_lane, as(VectorOpcode::kPinsrd)},
    {0x21, "insertps", operands("Vdq,Ud/Md,Ib"), prefix_66 | sse41, &T::insert_single},
};
// clang-format on

}  // namespace

std::span<const Row> simd_move_rows(Map map) {
  if (map == Map::k0f) return kTwoByteRows;
  if (map == Map::k0f38) return k0f38Rows;
  return k0f3aRows;
}

}  // namespace vireo::i386
