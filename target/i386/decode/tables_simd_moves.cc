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
using T = Translator;

template <class Enum>
constexpr uint16_t as(Enum value) {
  return static_cast<uint16_t>(value);
}

constexpr Attributes mmx = needs(Feature::kMmx) | uses_mmx;
constexpr Attributes mmx_sse = needs(Feature::kSse) | uses_mmx;
constexpr Attributes mmx_sse2 = needs(Feature::kSse2) | uses_mmx;
constexpr Attributes sse = needs(Feature::kSse) | uses_sse;
constexpr Attributes sse2 = needs(Feature::kSse2) | uses_sse;
constexpr Attributes sse3 = needs(Feature::kSse3) | uses_sse;
constexpr Attributes sse42 = needs(Feature::kSse42) | uses_sse;
constexpr Attributes sse41 = needs(Feature::kSse41) | uses_sse;

// clang-format off
constexpr Row kTwoByteRows[] = {
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
    {0x2b, "movntps", operands("Mdq,Vdq"), prefix_none | memory_only | sse, &T::move_vector},
    {0x2b, "movntpd", operands("Mdq,Vdq"), prefix_66 | memory_only | sse2, &T::move_vector},
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
    {0xe7, "movntdq", operands("Mdq,Vdq"), prefix_66 | memory_only | sse2, &T::move_vector},
    {0xf0, "lddqu", operands("Vdq,Mdq"), prefix_f2 | memory_only | sse3 | unaligned, &T::move_vector},
    {0xf7, "maskmovq", operands("Pq,Nq"), prefix_none | register_only | mmx_sse, &T::masked_move},
    {0xf7, "maskmovdqu", operands("Vdq,Udq"), prefix_66 | register_only | sse2, &T::masked_move},
};

constexpr Row k0f38Rows[] = {
    {0x10, "pblendvb", operands("Vdq,Wdq"), prefix_66 | sse41, &T::blend_variable, as(tcg::VectorOpcode::kPcmpgtb)},
    {0x14, "blendvps", operands("Vdq,Wdq"), prefix_66 | sse41, &T::blend_variable, as(tcg::VectorOpcode::kPcmpgtd)},
    {0x15, "blendvpd", operands("Vdq,Wdq"), prefix_66 | sse41, &T::blend_variable, as(tcg::VectorOpcode::kPcmpgtq)},
    {0x2a, "movntdqa", operands("Vdq,Mdq"), prefix_66 | memory_only | sse41, &T::move_vector},
    {0x22, "pmovsxbq", operands("Vdq,Mw"), prefix_66 | memory_only | sse41, &T::widen_word, as(tcg::VectorOpcode::kPmovsxbq)},
    {0x32, "pmovzxbq", operands("Vdq,Mw"), prefix_66 | memory_only | sse41, &T::widen_word, as(tcg::VectorOpcode::kPmovzxbq)},
};

constexpr Row k0f3aRows[] = {
    {0x60, "pcmpestrm", operands("Vdq,Wdq,Ib"), prefix_66 | sse42 | unaligned, &T::compare_text},
    {0x61, "pcmpestri", operands("Vdq,Wdq,Ib"), prefix_66 | sse42 | unaligned, &T::compare_text},
    {0x62, "pcmpistrm", operands("Vdq,Wdq,Ib"), prefix_66 | sse42 | unaligned, &T::compare_text},
    {0x63, "pcmpistri", operands("Vdq,Wdq,Ib"), prefix_66 | sse42 | unaligned, &T::compare_text},
    {0x17, "extractps", operands("Rd/Md,Vdq,Ib"), prefix_66 | sse41, &T::extract_lane, as(tcg::VectorOpcode::kPextrd)},
    {0x14, "pextrb", operands("Rd/Mb,Vdq,Ib"), prefix_66 | sse41, &T::extract_lane, as(tcg::VectorOpcode::kPextrb)},
    {0x15, "pextrw", operands("Rd/Mw,Vdq,Ib"), prefix_66 | sse41, &T::extract_lane, as(tcg::VectorOpcode::kPextrw)},
    {0x16, "pextrd", operands("Ey,Vdq,Ib"), prefix_66 | sse41, &T::extract_lane, as(tcg::VectorOpcode::kPextrd)},
    {0x20, "pinsrb", operands("Vdq,Rd/Mb,Ib"), prefix_66 | sse41, &T::insert_lane, as(tcg::VectorOpcode::kPinsrb)},
    {0x22, "pinsrd", operands("Vdq,Ey,Ib"), prefix_66 | sse41, &T::insert_lane, as(tcg::VectorOpcode::kPinsrd)},
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
