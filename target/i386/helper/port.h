#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// Raises #GP(0) unless IN or OUT of `width` bytes at `port` is allowed: CPL and IOPL, then the I/O
/// permission bitmap of the TSS (SDM volume 1, 18.5). Notes breakpoints.
void check_port(CpuState& state, uint16_t port, unsigned width);

}  // namespace vireo::i386
