// Instructions on EFLAGS with privilege rules: CLI, STI, PUSHF, POPF (SDM volume 2; VME and PVI:
// volume 3, 20.3 and 20.4), and interrupt shadows.

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/exception.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/raise.h"
#include "tcg/ir/block.h"

namespace vireo::i386 {
namespace {

void change_flags(CpuState& state, uint32_t image, uint32_t mask) {
  set_eflags(state, (full_eflags(state) & ~mask) | (image & mask));
  update_mode(state);
}

// Whether CLI and STI work on VIF: VM86 with VME, or CPL 3 with PVI, below IOPL 3.
bool uses_virtual_interrupts(const CpuState& state) {
  if (in_vm86(state)) return state.cr4 & kCr4Vme;
  return state.cpl == 3 && (state.cr4 & kCr4Pvi);
}

bool may_change_interrupt_flag(const CpuState& state) {
  return !(state.cr0 & kCr0Pe) || state.cpl <= iopl(state);
}

void pop_flags_vme(CpuState& state, uint32_t image) {
  if ((image & kTf) || ((image & kIf) && (state.eflags & kVip))) raise_gp(state, 0);
  constexpr uint32_t kMask = tcg::kAllFlags | kTf | kDf | kNt | kVif;
  change_flags(state, (image & ~kVif) | (image & kIf ? kVif : 0u), kMask);
}

}  // namespace

uint64_t helper_cli(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (may_change_interrupt_flag(state)) {
    change_flags(state, 0, kIf);
  } else if (uses_virtual_interrupts(state)) {
    change_flags(state, 0, kVif);
  } else {
    raise_gp(state, 0);
  }
  return 0;
}

uint64_t helper_sti(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (may_change_interrupt_flag(state)) {
    if (!(state.eflags & kIf)) state.interrupt_shadow = kStiShadow;
    change_flags(state, kIf, kIf);
  } else if (uses_virtual_interrupts(state) && !(state.eflags & kVip)) {
    change_flags(state, kVif, kVif);
  } else {
    raise_gp(state, 0);
  }
  return 0;
}

uint64_t helper_begin_shadow(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  state.interrupt_shadow = static_cast<InterruptShadow>(a);
  hold_debug_hits(state);
  update_mode(state);
  return 0;
}

uint64_t helper_pushf_value(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  uint32_t flags = full_eflags(state) & ~static_cast<uint32_t>(kRf | kVm);
  if (!in_vm86(state) || iopl(state) == 3) return flags;
  if (!(state.cr4 & kCr4Vme) || a != 2) raise_gp(state, 0);
  flags = (flags & ~static_cast<uint32_t>(kIf)) | (flags & kVif ? kIf : 0u);
  return flags | kIopl;
}

uint64_t helper_popf(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  const auto image = static_cast<uint32_t>(a);
  const uint64_t mode_before = state.mode;
  uint32_t mask = tcg::kAllFlags | kTf | kDf | kNt;
  if (b != 2) mask |= kAc | kId | kRf;
  if (in_vm86(state)) {
    if (iopl(state) < 3) {
      if (!(state.cr4 & kCr4Vme) || b != 2) raise_gp(state, 0);
      pop_flags_vme(state, image);
      return state.mode != mode_before;
    }
    mask |= kIf;
  } else {
    if (may_change_interrupt_flag(state)) mask |= kIf;
    if (state.cpl == 0) mask |= kIopl;
  }
  // POPF clears RF whatever the image holds.
  change_flags(state, image & ~static_cast<uint32_t>(kRf), mask);
  return state.mode != mode_before || interrupts_wait(state);
}

uint64_t helper_clear_shadow(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  frame->guest_ip = a;
  state.interrupt_shadow = kNoShadow;
  update_mode(state);
  tcg::leave(frame, static_cast<uint16_t>(tcg::ExitReason::kInterruptWindow));
}

uint64_t helper_raise_exception(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  raise_exception(cpu_state(frame), static_cast<uint8_t>(a));
}

uint64_t helper_raise_exception_error(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  raise_exception(cpu_state(frame), static_cast<uint8_t>(a), static_cast<uint32_t>(b));
}

uint64_t helper_software_interrupt(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  const auto vector = static_cast<uint8_t>(a);
  const bool is_int_n = !(a & 0x100);
  state.interrupt_shadow = kNoShadow;
  if (in_vm86(state) && is_int_n) {
    if ((state.cr4 & kCr4Vme) && enter_virtual_handler(state, vector, b)) return 0;
    if (iopl(state) < 3) raise_gp(state, 0);
  }
  // INT1 is a trap of the CPU: no check of the gate's privilege.
  const bool is_int1 = a == (0x100 | kDb);
  enter_handler(state, {.vector = vector, .is_software = !is_int1, .return_ip = b});
  return 0;
}

uint64_t helper_into(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  if (!frame->flag_overflow) return 0;
  helper_software_interrupt(frame, kOf | 0x100, a, 0);
  tcg::leave(frame, static_cast<uint16_t>(tcg::ExitReason::kException));
}

}  // namespace vireo::i386
