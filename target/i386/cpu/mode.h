#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"
#include "tcg/ir/evaluate.h"

namespace vireo::i386 {

/// Recomputes CpuState::mode; to be called after any change of what a ModeBit stands for.
void update_mode(CpuState& state);

/// CS's limit in bytes as the mode bits tell it; 4 GiB - 1 in 64-bit mode.
inline uint32_t code_limit(uint64_t mode) {
  return ~static_cast<uint32_t>(mode >> kModeCodeLimitShift);
}

/// What instruction pointers are taken modulo, less one.
inline uint64_t ip_mask(uint64_t mode) { return mode & kMode64 ? ~uint64_t{0} : 0xffffffff; }

/// Whether translations serve the page of `ip` wherever it is mapped: user code in 64-bit mode and
/// in flat 32-bit segments, where the same programs and libraries come at other addresses in each
/// process. The kernel's stay. In the last page of 4 GiB code may run over the limit.
inline bool is_relocatable(uint64_t mode, uint64_t ip) {
  if ((mode >> kModeCplShift & 3) != 3) return false;
  if (mode & kMode64) return true;
  constexpr uint64_t kFlat32 = kModeProtected | kModeCode32 | kModeFlatData;
  constexpr uint64_t kLastPage = 0xfffff000;
  return (mode & kFlat32) == kFlat32 && code_limit(mode) == 0xffffffff && ip < kLastPage;
}

inline bool in_protected_mode(const CpuState& state) { return state.mode & kModeProtected; }
inline bool in_vm86(const CpuState& state) { return state.mode & kModeVm86; }
inline bool in_64bit_mode(const CpuState& state) { return state.mode & kMode64; }
inline bool in_long_mode(const CpuState& state) { return state.mode & kModeLongActive; }

/// The six arithmetic flags at their EFLAGS places; bit 1 is set.
inline uint32_t arithmetic_flags(const CpuState& state) {
  return tcg::pack_flags(state.frame.flag_overflow, state.frame.flags_low) | kEflagsFixed;
}
inline void set_arithmetic_flags(CpuState& state, uint32_t flags) {
  tcg::unpack_flags(flags, state.frame.flag_overflow, state.frame.flags_low);
}
/// RFLAGS as PUSHF would push it, RF and VM included.
inline uint32_t full_eflags(const CpuState& state) {
  return state.eflags | arithmetic_flags(state);
}
/// All flags; those that `eflags` keeps and the arithmetic ones. update_mode is the caller's.
void set_eflags(CpuState& state, uint32_t value);

/// EFLAGS bits outside the arithmetic ones that exist.
constexpr uint32_t kSystemFlags =
    kTf | kIf | kDf | kIopl | kNt | kRf | kVm | kAc | kVif | kVip | kId;

/// Whether the execution loop would find an interrupt to deliver.
inline bool interrupts_wait(const CpuState& state) {
  constexpr uint8_t kUnmaskable = kNmiRequest | kSmiRequest | kMachineCheckRequest;
  return has_request(state, state.eflags & kIf ? kInterruptRequest | kUnmaskable : kUnmaskable);
}

inline unsigned iopl(const CpuState& state) { return (state.eflags & kIopl) >> 12; }

/// Zero flag alone, for VERR and the like.
inline void set_zero_flag(CpuState& state, bool zero) {
  state.frame.flags_low = static_cast<uint8_t>((state.frame.flags_low & ~0x40) | (zero ? 0x40 : 0));
}

}  // namespace vireo::i386
