#pragma once

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// Takes an SMI (SDM volume 3, 31.3; AMD64 APM volume 2, 10.3): saves the state in SMRAM and begins
/// the handler. Not for use inside translated code, nor in system-management mode.
void enter_system_management(CpuState& state);

/// Goes back to the saved state (RSM). False if the CPU shuts down, since the save area holds what
/// no CPU can be in (SDM volume 3, 31.2); the state is then that of the handler.
bool leave_system_management(CpuState& state);

}  // namespace vireo::i386
