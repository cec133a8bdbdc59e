#pragma once

#include "core/state/state_stream.h"
#include "target/i386/cpu/state.h"
#include "util/result.h"

namespace vireo::i386 {

/// Hardware reset (SDM volume 3, table 9-1), and with a new state power-up. Frame buffers,
/// surroundings and logged machine checks stay.
void reset(CpuState& state);
/// INIT: like reset, but x87, SSE, MSRs, caches and SMBASE keep their contents. Waits while the CPU
/// is in system-management mode, which is the caller's affair. The CPU then waits for a
/// start-up interrupt if it is not the boot processor, which is the caller's affair.
void init(CpuState& state);
/// A start-up interrupt: real mode at vector * 4096.
void start_up(CpuState& state, uint8_t vector);

void save_state(const CpuState& state, core::FieldWriter& writer);
/// Errors: fields that are missing or do not fit. On an error the state is reset.
util::Status load_state(CpuState& state, const core::FieldReader& reader);

}  // namespace vireo::i386
