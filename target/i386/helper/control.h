#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// CR0 bits that exist.
constexpr uint64_t kCr0Bits = kCr0Pe | kCr0Mp | kCr0Em | kCr0Ts | kCr0Et | kCr0Ne | kCr0Wp |
                              kCr0Am | kCr0Nw | kCr0Cd | kCr0Pg;

/// MOV to CR0, CR3, CR4 and WRMSR EFER with all checks and side effects (SDM volume 3, 2.5); raise
/// #GP(0).
void write_cr0(CpuState& state, uint64_t value);
void write_cr3(CpuState& state, uint64_t value);
void write_cr4(CpuState& state, uint64_t value);
/// PKRU (SDM volume 3, 4.6.2), by WRPKRU or XRSTOR.
void set_pkru(CpuState& state, uint32_t value);
void write_efer(CpuState& state, uint64_t value);

/// Loads CR3 without the checks of MOV: reads the PAE pointers (#GP if they are bad) and forgets
/// what is cached of the address space unless `keep`.
void load_cr3(CpuState& state, uint64_t value, bool keep = false);

/// The same for a value that has become CR3 together with CR0, CR4 and EFER; all that was cached is
/// forgotten already.
void follow_paging(CpuState& state);

/// CR4 bits that the model allows; those of EFER, with LMA.
uint64_t supported_cr4(const CpuState& state);
uint64_t supported_efer(const CpuState& state);

/// The guest's time-stamp counter now.
uint64_t guest_tsc(const CpuState& state);

/// RDMSR and WRMSR of one MSR; false: #GP.
bool read_msr(CpuState& state, uint32_t index, uint64_t& value);
bool write_msr(CpuState& state, uint32_t index, uint64_t value);

}  // namespace vireo::i386
