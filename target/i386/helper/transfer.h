#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// The end of a helper that has set the IP, and perhaps the mode: the IP, for translated code to go
/// on there; leaves for the execution loop if an interrupt waits. `mode_before`: CpuState::mode.
uint64_t resume_at_new_ip(CpuState& state, uint64_t mode_before);

}  // namespace vireo::i386
