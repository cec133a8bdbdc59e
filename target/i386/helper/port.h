#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// Raises #GP(0) unless IN or OUT of `width` bytes at `port` is allowed: CPL and IOPL, then the I/O
/// permission bitmap of the TSS (SDM volume 1, 18.5). Notes breakpoints.
void check_port(CpuState& state, uint16_t port, unsigned width);

/// OUT of a checked port. An SMI that it raises finds the instruction in CpuState::smm.io. `how`
/// are the bits of IoTrap::info for string instructions.
void write_port(CpuState& state, uint16_t port, unsigned width, uint32_t value, uint32_t how = 0);

constexpr uint32_t kIoTrapString = 1u << 2;
constexpr uint32_t kIoTrapRepeat = 1u << 3;

}  // namespace vireo::i386
