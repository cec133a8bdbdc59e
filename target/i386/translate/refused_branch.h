#pragma once

#include <cstdint>

#include "accel/guest_cpu.h"
#include "target/i386/cpu/features.h"
#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// In 64-bit mode near branches to addresses that are not canonical are #GP(0) and do nothing (SDM
/// volume 2, CALL, JMP, Jcc, LOOP and RET); translations find out afterwards. If the current
/// position is not canonical, and the last of the `insns` instructions from `block_ip` on branched
/// there, takes back what it did to RSP and RCX, records the exception and returns true. (The
/// return address that a CALL has stored below its stack stays.)
bool refuse_branch(CpuState& state, const FeatureSet& features, uint64_t block_ip, unsigned insns,
                   accel::CodeReader& code);

}  // namespace vireo::i386
