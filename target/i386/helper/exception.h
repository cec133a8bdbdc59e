#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// Delivers CpuState::pending (there is one) with the rules for faults during delivery: double
/// fault, then Machine::triple_fault. Not for use inside translated code.
void deliver_pending(CpuState& state);
/// Delivers an external interrupt, or an NMI.
void deliver_interrupt(CpuState& state, uint8_t vector);
void deliver_nmi(CpuState& state);
void deliver_machine_check(CpuState& state);

/// Stops the CPU until the machine resets it (SDM volume 3, 6.15: a triple fault; 31.2.2: RSM).
void shut_down(CpuState& state);

/// What goes through the IDT.
struct Event {
  uint8_t vector = 0;
  bool is_software = false;   ///< INT n, INT3, INTO.
  bool is_exception = false;  ///< Found by the CPU; sets RF in the pushed flags of faults.
  bool has_error_code = false;
  uint32_t error_code = 0;
  uint64_t return_ip = 0;
};
/// Enters the handler of `event`; raises faults on the way before anything of the state has
/// changed (except in a task switch).
void enter_handler(CpuState& state, const Event& event);
/// INT n of VM86 mode that the VME redirection bitmap sends to the program's own handler.
bool enter_virtual_handler(CpuState& state, uint8_t vector, uint64_t next_ip);

}  // namespace vireo::i386
