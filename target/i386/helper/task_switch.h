#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

enum class TaskSwitchCause : uint8_t {
  kJump,
  kCall,  ///< CALL, or an event through a task gate: links back to the old task.
  kReturn
};

/// Hardware task switch to the TSS of `selector` (SDM volume 3, 7.3). `next_ip` is saved as the old
/// task's IP. Faults before the switch leave the state alone; later ones belong to the new task.
void switch_task(CpuState& state, uint16_t selector, TaskSwitchCause cause, uint64_t next_ip);
/// IRET with NT: back along the link.
void return_to_previous_task(CpuState& state, uint64_t next_ip);

}  // namespace vireo::i386
