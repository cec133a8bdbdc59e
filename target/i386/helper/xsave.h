#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// The 512 bytes of FXSAVE (SDM volume 2, tables 3-43 to 3-46). `wide`: REX.W, 64-bit pointers.
void pack_legacy_area(const CpuState& state, bool wide, uint8_t* area);
/// Components of FXRSTOR and XRSTOR.
void unpack_x87(CpuState& state, bool wide, const uint8_t* area);
void unpack_vectors(CpuState& state, const uint8_t* area);

/// The x87 tag word's abridged form (bit i: register i is not empty).
uint8_t abridged_tags(const X87State& x87);

/// Whether MXCSR may hold `value`.
constexpr uint32_t kMxcsrMask = 0xffff;

}  // namespace vireo::i386
