// Moves between lanes of MMX to SSE4: shuffles, packs, merges, and to and from integers.

#include <algorithm>
#include <limits>

#include "tcg/ir/evaluate_vector.h"

namespace vireo::tcg {
namespace {

template <class T>
void merge_low(VectorOperation& o) {  // MOVSS, MOVSD
  o.result.set_lane<T>(0, o.b.lane<T>(0));
}
/// Half `From` of b replaces half `To` of a (MOVHLPS, MOVLHPS).
template <unsigned From, unsigned To>
void merge_half(VectorOperation& o) {
  o.result.set_lane<uint64_t>(To, o.b.lane<uint64_t>(From));
}
template <class T, unsigned Odd>
void duplicate(VectorOperation& o) {  // MOVDDUP, MOVSLDUP, MOVSHDUP
  for (unsigned i = 0; i < 16 / sizeof(T); i += 2) {
    o.result.set_lane<T>(i, o.b.lane<T>(i + Odd));
    o.result.set_lane<T>(i + 1, o.b.lane<T>(i + Odd));
  }
}
template <class T>
void sign_mask(VectorOperation& o) {  // MOVMSKPS, PMOVMSKB
  for (unsigned i = 0; i < o.bytes / sizeof(T); ++i) {
    o.integer_result |= (uint64_t{o.b.lane<T>(i)} >> (8 * sizeof(T) - 1)) << i;
  }
}

void from_integer(VectorOperation& o) { o.result.set_lane<uint64_t>(0, o.integer); }
void to_integer(VectorOperation& o) { o.integer_result = o.b.lane<uint64_t>(0); }

template <class T>
void insert(VectorOperation& o) {  // PINSRB, PINSRW
  o.result.set_lane<T>(o.imm % (o.bytes / sizeof(T)), static_cast<T>(o.integer));
}
void insert_wide(VectorOperation& o) {  // PINSRD, PINSRQ
  if (!o.wide) return insert<uint32_t>(o);
  insert<uint64_t>(o);
}
template <class T>
void extract(VectorOperation& o) {  // PEXTRB, PEXTRW
  o.integer_result = o.b.lane<T>(o.imm % (o.bytes / sizeof(T)));
}
void extract_wide(VectorOperation& o) {  // PEXTRD, PEXTRQ
  if (!o.wide) return extract<uint32_t>(o);
  extract<uint64_t>(o);
}
void insert_single(VectorOperation& o) {  // INSERTPS
  o.result = o.a;
  o.result.set_lane<uint32_t>(o.imm >> 4 & 3, o.b.lane<uint32_t>(o.imm >> 6));
  for (unsigned i = 0; i < 4; ++i) {
    if (o.imm >> i & 1) o.result.set_lane<uint32_t>(i, 0);
  }
}

/// Lanes First to First + 3 are chosen among themselves by the immediate; the others stay.
template <class T, unsigned First>
void shuffle_four(VectorOperation& o) {  // PSHUFD, PSHUFW, PSHUFLW, PSHUFHW
  o.result = o.b;
  for (unsigned i = 0; i < 4; ++i) {
    o.result.set_lane<T>(First + i, o.b.lane<T>(First + (o.imm >> (2 * i) & 3)));
  }
}
void shuffle_singles(VectorOperation& o) {  // SHUFPS
  for (unsigned i = 0; i < 4; ++i) {
    const VectorValue& source = i < 2 ? o.a : o.b;
    o.result.set_lane<uint32_t>(i, source.lane<uint32_t>(o.imm >> (2 * i) & 3));
  }
}
void shuffle_doubles(VectorOperation& o) {  // SHUFPD
  o.result.set_lane<uint64_t>(0, o.a.lane<uint64_t>(o.imm & 1));
  o.result.set_lane<uint64_t>(1, o.b.lane<uint64_t>(o.imm >> 1 & 1));
}
void shuffle_bytes(VectorOperation& o) {  // PSHUFB
  for (unsigned i = 0; i < o.bytes; ++i) {
    const uint8_t control = o.b.bytes[i];
    o.result.bytes[i] = control & 0x80 ? uint8_t{0} : o.a.bytes[control & (o.bytes - 1)];
  }
}
void align_right(VectorOperation& o) {  // PALIGNR: a:b shifted right by bytes
  for (unsigned i = 0; i < o.bytes; ++i) {
    const unsigned from = i + o.imm;
    o.result.bytes[i] = from < o.bytes       ? o.b.bytes[from]
                        : from < 2 * o.bytes ? o.a.bytes[from - o.bytes]
                                             : uint8_t{0};
  }
}
void shift_bytes_left(VectorOperation& o) {  // PSLLDQ
  for (unsigned i = o.imm; i < 16; ++i) o.result.bytes[i] = o.a.bytes[i - o.imm];
}
void shift_bytes_right(VectorOperation& o) {  // PSRLDQ
  for (unsigned i = o.imm; i < 16; ++i) o.result.bytes[i - o.imm] = o.a.bytes[i];
}

template <class T, bool High>
void interleave(VectorOperation& o) {  // PUNPCK...
  const unsigned half = half_of_lanes<T>(o);
  for (unsigned i = 0; i < half; ++i) {
    const unsigned from = High ? half + i : i;
    o.result.set_lane<T>(2 * i, o.a.lane<T>(from));
    o.result.set_lane<T>(2 * i + 1, o.b.lane<T>(from));
  }
}
template <class From, class To>
void pack(VectorOperation& o) {  // PACK...
  const unsigned count = o.bytes / sizeof(From);
  for (unsigned i = 0; i < 2 * count; ++i) {
    const From value = i < count ? o.a.lane<From>(i) : o.b.lane<From>(i - count);
    o.result.set_lane<To>(i, static_cast<To>(std::clamp<From>(value, std::numeric_limits<To>::min(),
                                                              std::numeric_limits<To>::max())));
  }
}
template <class T>
void blend(VectorOperation& o) {  // BLENDPS, BLENDPD, PBLENDW
  for (unsigned i = 0; i < 16 / sizeof(T); ++i) {
    o.result.set_lane<T>(i, (o.imm >> i & 1 ? o.b : o.a).template lane<T>(i));
  }
}
template <class T>
void blend_by_sign(VectorOperation& o) {  // BLENDVPS, BLENDVPD, PBLENDVB
  for (unsigned i = 0; i < 16 / sizeof(T); ++i) {
    o.result.set_lane<T>(i, (o.c.lane<T>(i) < 0 ? o.b : o.a).template lane<T>(i));
  }
}
template <class From, class To>
void widen(VectorOperation& o) {  // PMOVSX..., PMOVZX...
  for (unsigned i = 0; i < 16 / sizeof(To); ++i) {
    o.result.set_lane<To>(i, static_cast<To>(o.b.lane<From>(i)));
  }
}

using enum VectorOpcode;
constexpr VectorRow kRows[] = {
    {kMovss, merge_low<uint32_t>},
    {kMovsd, merge_low<uint64_t>},
    {kMovhlps, merge_half<1, 0>},
    {kMovlhps, merge_half<0, 1>},
    {kMovddup, duplicate<uint64_t, 0>},
    {kMovsldup, duplicate<uint32_t, 0>},
    {kMovshdup, duplicate<uint32_t, 1>},
    {kMovmskps, sign_mask<uint32_t>},
    {kMovmskpd, sign_mask<uint64_t>},
    {kPmovmskb, sign_mask<uint8_t>},
    {kMovFromInteger, from_integer},
    {kMovToInteger, to_integer},
    {kPinsrb, insert<uint8_t>},
    {kPinsrw, insert<uint16_t>},
    {kPinsrd, insert_wide},
    {kPextrb, extract<uint8_t>},
    {kPextrw, extract<uint16_t>},
    {kPextrd, extract_wide},
    {kInsertps, insert_single},
    {kShufps, shuffle_singles},
    {kShufpd, shuffle_doubles},
    {kUnpcklps, interleave<uint32_t, false>},
    {kUnpckhps, interleave<uint32_t, true>},
    {kUnpcklpd, interleave<uint64_t, false>},
    {kUnpckhpd, interleave<uint64_t, true>},
    {kPshufw, shuffle_four<uint16_t, 0>},
    {kPshufd, shuffle_four<uint32_t, 0>},
    {kPshufhw, shuffle_four<uint16_t, 4>},
    {kPshuflw, shuffle_four<uint16_t, 0>},
    {kPunpcklbw, interleave<uint8_t, false>},
    {kPunpcklwd, interleave<uint16_t, false>},
    {kPunpckldq, interleave<uint32_t, false>},
    {kPunpcklqdq, interleave<uint64_t, false>},
    {kPunpckhbw, interleave<uint8_t, true>},
    {kPunpckhwd, interleave<uint16_t, true>},
    {kPunpckhdq, interleave<uint32_t, true>},
    {kPunpckhqdq, interleave<uint64_t, true>},
    {kPacksswb, pack<int16_t, int8_t>},
    {kPackssdw, pack<int32_t, int16_t>},
    {kPackuswb, pack<int16_t, uint8_t>},
    {kPackusdw, pack<int32_t, uint16_t>},
    {kPshufb, shuffle_bytes},
    {kPalignr, align_right},
    {kPslldq, shift_bytes_left},
    {kPsrldq, shift_bytes_right},
    {kBlendps, blend<uint32_t>},
    {kBlendpd, blend<uint64_t>},
    {kPblendw, blend<uint16_t>},
    {kPblendvb, blend_by_sign<int8_t>},
    {kBlendvps, blend_by_sign<int32_t>},
    {kBlendvpd, blend_by_sign<int64_t>},
    {kVpblendvb, blend_by_sign<int8_t>},
    {kVblendvps, blend_by_sign<int32_t>},
    {kVblendvpd, blend_by_sign<int64_t>},
    {kPmovsxbw, widen<int8_t, int16_t>},
    {kPmovsxbd, widen<int8_t, int32_t>},
    {kPmovsxbq, widen<int8_t, int64_t>},
    {kPmovsxwd, widen<int16_t, int32_t>},
    {kPmovsxwq, widen<int16_t, int64_t>},
    {kPmovsxdq, widen<int32_t, int64_t>},
    {kPmovzxbw, widen<uint8_t, uint16_t>},
    {kPmovzxbd, widen<uint8_t, uint32_t>},
    {kPmovzxbq, widen<uint8_t, uint64_t>},
    {kPmovzxwd, widen<uint16_t, uint32_t>},
    {kPmovzxwq, widen<uint16_t, uint64_t>},
    {kPmovzxdq, widen<uint32_t, uint64_t>},
};

}  // namespace

std::span<const VectorRow> vector_shuffle_rows() { return kRows; }

}  // namespace vireo::tcg
