#pragma once

#include <cstdint>

#include "target/i386/cpu/mode.h"
#include "target/i386/cpu/state.h"
#include "target/i386/cpu/xsave_layout.h"

namespace vireo::i386 {

/// The 512 bytes of FXSAVE (SDM volume 2, tables 3-43 to 3-46). `wide`: REX.W, 64-bit pointers.
void pack_legacy_area(const CpuState& state, bool wide, uint8_t* area);
/// Components of FXRSTOR and XRSTOR.
void unpack_x87(CpuState& state, bool wide, const uint8_t* area);
void unpack_vectors(CpuState& state, const uint8_t* area);

/// XMM registers in the legacy area: XMM8 to XMM15 exist in 64-bit mode only.
constexpr uint32_t kXsaveVectorOffset = 160;
inline unsigned vector_count(const CpuState& state) { return in_64bit_mode(state) ? 16 : 8; }

/// XSAVE components that are not in their initial configuration (XINUSE, SDM volume 1, 13.6).
uint64_t components_in_use(const CpuState& state);

/// The x87 tag word's abridged form (bit i: register i is not empty).
uint8_t abridged_tags(const X87State& x87);

/// Whether MXCSR may hold `value`.
constexpr uint32_t kMxcsrMask = 0xffff;

}  // namespace vireo::i386
