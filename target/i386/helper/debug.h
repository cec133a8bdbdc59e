#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// Modes in which an instruction, or an iteration of a repeated one, is followed by a look for
/// traps.
constexpr uint64_t kTracedModes = kModeTrap | kModeBreakpoints;

/// Notes the data breakpoints that an access hits, for the trap behind the instruction (SDM volume
/// 3, 17.2.4).
void watch_access(CpuState& state, uint64_t linear, uint64_t size, bool is_write);
/// The same for port breakpoints.
void watch_port(CpuState& state, uint16_t port, unsigned width);
/// Raises the single step's #DB behind SYSCALL or SYSENTER, unless it has cleared TF.
void trap_behind_entry(CpuState& state, uint64_t mode_before);

/// Raises #AC where kModeAlignmentCheck is set, unless something else is wrong with the address.
void check_alignment(CpuState& state, uint64_t linear, uint64_t size);

}  // namespace vireo::i386
