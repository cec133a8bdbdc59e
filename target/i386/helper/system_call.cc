// SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS and the FS/GS base instructions (SDM volume 2; AMD
// volume 3).

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/segmentation.h"
#include "target/i386/helper/transfer.h"

namespace vireo::i386 {
namespace {

// The flat segments that these instructions load without reading a descriptor.
constexpr uint16_t kCode64 = 0xa09b, kCode32 = 0xc09b, kData = 0xc093;

Segment flat(uint16_t selector, uint16_t attributes, uint8_t dpl) {
  return {0, 0xffffffff, selector, static_cast<uint16_t>(attributes | dpl << 5)};
}

void set_flat_segments(CpuState& state, uint16_t cs, uint16_t ss, bool is_64bit, uint8_t cpl) {
  const auto rpl = [&](uint16_t selector) { return static_cast<uint16_t>((selector & ~3) | cpl); };
  state.segments[kCs] = flat(rpl(cs), is_64bit ? kCode64 : kCode32, cpl);
  state.segments[kSs] = flat(rpl(ss), kData, cpl);
  state.cpl = cpl;
}

/// Intel's CPUs have SYSCALL and SYSRET in 64-bit mode only.
void require_syscall(CpuState& state) {
  const bool exists = in_64bit_mode(state) || state.config->is_amd();
  if (!exists || !(state.efer & kEferSce)) raise_exception(state, kUd);
}

/// AMD's have no SYSENTER and SYSEXIT in long mode.
void require_sysenter(CpuState& state) {
  if (in_long_mode(state) && state.config->is_amd()) raise_exception(state, kUd);
}

}  // namespace

uint64_t helper_syscall(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  const uint64_t mode_before = state.mode;
  require_syscall(state);
  const auto selector = static_cast<uint16_t>(state.star >> 32);
  uint64_t* general = state.frame.general;
  if (in_long_mode(state)) {
    const bool from_64bit = in_64bit_mode(state);
    const uint32_t flags = full_eflags(state);
    general[kRcx] = a;
    general[kR11] = flags & ~static_cast<uint32_t>(kRf);
    set_flat_segments(state, selector, static_cast<uint16_t>(selector + 8), true, 0);
    set_eflags(state, flags & ~static_cast<uint32_t>(state.fmask) & ~static_cast<uint32_t>(kRf));
    state.frame.guest_ip = from_64bit ? state.lstar : state.cstar;
  } else {
    general[kRcx] = static_cast<uint32_t>(a);
    set_flat_segments(state, selector, static_cast<uint16_t>(selector + 8), false, 0);
    set_eflags(state, full_eflags(state) & ~(kVm | kIf | kRf));
    state.frame.guest_ip = state.star & 0xffffffff;
  }
  update_mode(state);
  trap_behind_entry(state, mode_before);
  return resume_at_new_ip(state, mode_before);
}

uint64_t helper_sysret(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  const uint64_t mode_before = state.mode;
  require_syscall(state);
  if (!in_protected_mode(state) || state.cpl != 0) raise_gp(state, 0);
  const auto base = static_cast<uint16_t>(state.star >> 48);
  const uint64_t ip = state.frame.general[kRcx];
  const bool to_64bit = in_long_mode(state) && a == 8;
  if (to_64bit && !is_canonical(state, ip)) raise_gp(state, 0);
  const auto flags = static_cast<uint32_t>(state.frame.general[kR11]);
  const bool wide = in_long_mode(state);
  set_flat_segments(state, static_cast<uint16_t>(base + (to_64bit ? 16 : 0)),
                    static_cast<uint16_t>(base + 8), to_64bit, 3);
  if (wide) {
    set_eflags(state, flags & ~static_cast<uint32_t>(kRf | kVm));
  } else {
    set_eflags(state, full_eflags(state) | kIf);
  }
  state.frame.guest_ip = to_64bit ? ip : ip & 0xffffffff;
  update_mode(state);
  return resume_at_new_ip(state, mode_before);
}

uint64_t helper_sysenter(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  const uint64_t mode_before = state.mode;
  require_sysenter(state);
  const auto selector = static_cast<uint16_t>(state.sysenter_cs & 0xfffc);
  if (!(state.cr0 & kCr0Pe) || selector == 0) raise_gp(state, 0);
  const bool wide = in_long_mode(state);
  set_eflags(state, full_eflags(state) & ~(kVm | kIf | kRf));
  set_flat_segments(state, selector, static_cast<uint16_t>(selector + 8), wide, 0);
  state.frame.general[kRsp] = wide ? state.sysenter_esp : state.sysenter_esp & 0xffffffff;
  state.frame.guest_ip = wide ? state.sysenter_eip : state.sysenter_eip & 0xffffffff;
  update_mode(state);
  trap_behind_entry(state, mode_before);
  return resume_at_new_ip(state, mode_before);
}

uint64_t helper_sysexit(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  const uint64_t mode_before = state.mode;
  require_sysenter(state);
  const auto selector = static_cast<uint16_t>(state.sysenter_cs & 0xfffc);
  if (!in_protected_mode(state) || state.cpl != 0 || selector == 0) raise_gp(state, 0);
  const bool to_64bit = a == 8 && in_long_mode(state);
  const uint64_t ip = state.frame.general[kRdx];
  const uint64_t sp = state.frame.general[kRcx];
  if (to_64bit && (!is_canonical(state, ip) || !is_canonical(state, sp))) raise_gp(state, 0);
  const auto cs = static_cast<uint16_t>(selector + (to_64bit ? 32 : 16));
  set_flat_segments(state, cs, static_cast<uint16_t>(cs + 8), to_64bit, 3);
  state.frame.general[kRsp] = to_64bit ? sp : sp & 0xffffffff;
  state.frame.guest_ip = to_64bit ? ip : ip & 0xffffffff;
  update_mode(state);
  return resume_at_new_ip(state, mode_before);
}

uint64_t helper_swapgs(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!in_64bit_mode(state)) raise_exception(state, kUd);
  if (state.cpl != 0) raise_gp(state, 0);
  std::swap(state.segments[kGs].base, state.kernel_gs_base);
  return 0;
}

uint64_t helper_rdfsgsbase(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!in_64bit_mode(state) || !(state.cr4 & kCr4Fsgsbase)) raise_exception(state, kUd);
  const uint64_t base = state.segments[a == kFs ? kFs : kGs].base;
  return b == 8 ? base : base & 0xffffffff;
}

uint64_t helper_wrfsgsbase(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  if (!in_64bit_mode(state) || !(state.cr4 & kCr4Fsgsbase)) raise_exception(state, kUd);
  const uint64_t base = b == 8 ? c : c & 0xffffffff;
  if (!is_canonical(state, base)) raise_gp(state, 0);
  state.segments[a == kFs ? kFs : kGs].base = base;
  return 0;
}

}  // namespace vireo::i386
