#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// Modes in which an instruction, or an iteration of a repeated one, is followed by a look for
/// traps.
constexpr uint64_t kTracedModes = kModeTrap | kModeBreakpoints;

/// How an instruction ended, for finish_traced.
enum TracedEnd : uint64_t {
  kWentOn,
  kBranched,
  kIterated,  ///< Not the last iteration of a repeated instruction.
};

/// Notes the data breakpoints that an access hits, for the trap behind the instruction (SDM volume
/// 3, 17.2.4).
void watch_access(CpuState& state, uint64_t linear, uint64_t size, bool is_write);
/// The same for port breakpoints.
void watch_port(CpuState& state, uint16_t port, unsigned width);
/// Behind what no trap can follow at once: a load of SS, the entry of a handler.
void hold_debug_hits(CpuState& state);
/// Whether #DB comes before the instruction at the current position, for hits that were held or for
/// a breakpoint on it; DR6 then tells which. Drops RF.
bool debug_exception_comes(CpuState& state);
/// Whether #DB for a single step or held hits comes behind the current instruction, no branch.
bool trap_follows(const CpuState& state);
/// Raises #DB behind SYSCALL or SYSENTER: for hits, and for the single step unless TF is now clear.
void trap_behind_entry(CpuState& state, uint64_t mode_before);

/// Raises #AC, for where kModeAlignmentCheck is set, if `alignment` does not divide the address,
/// unless something else is wrong with it.
void check_alignment(CpuState& state, uint64_t linear, uint64_t alignment);

}  // namespace vireo::i386
