// CPUID, time stamps, HLT, MWAIT, random numbers, XCR0 and RDMSR/WRMSR as instructions.

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/helper/control.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/xsave.h"
#include "tcg/ir/block.h"
#include "util/log.h"

namespace vireo::i386 {
namespace {

void put_pair(CpuState& state, uint64_t value) {
  state.frame.general[kRax] = static_cast<uint32_t>(value);
  state.frame.general[kRdx] = value >> 32;
}

uint64_t get_pair(const CpuState& state) {
  return (state.frame.general[kRax] & 0xffffffff) | state.frame.general[kRdx] << 32;
}

void require_privilege_zero(CpuState& state) {
  if (state.cpl != 0) raise_gp(state, 0);
}

void check_time_stamp_access(CpuState& state) {
  if ((state.cr4 & kCr4Tsd) && state.cpl != 0) raise_gp(state, 0);
}

[[noreturn]] void halt(CpuState& state, uint64_t next_ip) {
  state.frame.guest_ip = next_ip;
  state.halted = 1;
  state.interrupt_shadow = kNoShadow;
  update_mode(state);
  tcg::leave(&state.frame, static_cast<uint16_t>(tcg::ExitReason::kHalt));
}

}  // namespace

uint64_t guest_tsc(const CpuState& state) {
  return state.machine->tsc_now() + state.tsc_offset + state.tsc_adjust;
}

uint64_t helper_rdtsc(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  check_time_stamp_access(state);
  put_pair(state, guest_tsc(state));
  return 0;
}

uint64_t helper_rdtscp(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!state.config->has(Feature::kRdtscp)) raise_exception(state, kUd);
  check_time_stamp_access(state);
  put_pair(state, guest_tsc(state));
  state.frame.general[kRcx] = static_cast<uint32_t>(state.tsc_aux);
  return 0;
}

// There are no performance counters.
uint64_t helper_rdpmc(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  raise_gp(cpu_state(frame), 0);
}

uint64_t helper_cpuid(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  uint64_t* general = state.frame.general;
  LocalApic* apic = state.machine->apic();
  const CpuidDynamic dynamic{.os_xsave = (state.cr4 & kCr4Osxsave) != 0,
                             .apic_enabled = apic && (apic->read_base() >> 11 & 1),
                             .protection_keys = (state.cr4 & kCr4Pke) != 0,
                             .in_64bit_mode = in_64bit_mode(state),
                             .xcr0 = state.xcr0};
  const CpuidResult result = cpuid(*state.config, static_cast<uint32_t>(general[kRax]),
                                   static_cast<uint32_t>(general[kRcx]), dynamic);
  general[kRax] = result.eax;
  general[kRbx] = result.ebx;
  general[kRcx] = result.ecx;
  general[kRdx] = result.edx;
  return 0;
}

uint64_t helper_rdmsr(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_privilege_zero(state);
  const auto index = static_cast<uint32_t>(frame->general[kRcx]);
  uint64_t value = 0;
  if (!read_msr(state, index, value)) {
    util::log(util::kLogGuestErrors, "RDMSR of unknown MSR {:#x} at {:#x}\n", index,
              frame->guest_ip);
    raise_gp(state, 0);
  }
  put_pair(state, value);
  return 0;
}

uint64_t helper_wrmsr(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_privilege_zero(state);
  const auto index = static_cast<uint32_t>(frame->general[kRcx]);
  if (!write_msr(state, index, get_pair(state))) {
    util::log(util::kLogGuestErrors, "WRMSR of MSR {:#x}, value {:#x}, refused at {:#x}\n", index,
              get_pair(state), frame->guest_ip);
    raise_gp(state, 0);
  }
  return 0;
}

uint64_t helper_hlt(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_privilege_zero(state);
  if (!trap_follows(state)) halt(state, a);
  return 0;
}

uint64_t helper_monitor(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!state.config->has(Feature::kMonitor) || state.cpl != 0) raise_exception(state, kUd);
  if (frame->general[kRcx] & 0xffffffff) raise_gp(state, 0);
  return 0;
}

// Waking for no reason is allowed, so MWAIT is a pause: nothing watches the monitored line.
uint64_t helper_mwait(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!state.config->has(Feature::kMonitor) || state.cpl != 0) raise_exception(state, kUd);
  return 0;
}

uint64_t helper_xgetbv(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!(state.cr4 & kCr4Osxsave)) raise_exception(state, kUd);
  const auto index = static_cast<uint32_t>(frame->general[kRcx]);
  const bool in_use = index == 1 && state.config->has(Feature::kXgetbv1);
  if (index != 0 && !in_use) raise_gp(state, 0);
  put_pair(state, in_use ? state.xcr0 & components_in_use(state) : state.xcr0);
  return 0;
}

uint64_t helper_xsetbv(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!(state.cr4 & kCr4Osxsave)) raise_exception(state, kUd);
  require_privilege_zero(state);
  const uint64_t value = get_pair(state);
  const bool is_consistent = (value & 1) && !((value & 4) && !(value & 2));
  if (static_cast<uint32_t>(frame->general[kRcx]) != 0 || !is_consistent ||
      (value & ~supported_xcr0(*state.config)))
    raise_gp(state, 0);
  state.xcr0 = value;
  update_mode(state);
  return 0;
}

uint64_t helper_rdpkru(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!(state.cr4 & kCr4Pke)) raise_exception(state, kUd);
  if (static_cast<uint32_t>(frame->general[kRcx]) != 0) raise_gp(state, 0);
  put_pair(state, state.pkru);
  return 0;
}

uint64_t helper_wrpkru(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!(state.cr4 & kCr4Pke)) raise_exception(state, kUd);
  const bool is_valid = static_cast<uint32_t>(frame->general[kRcx]) == 0 &&
                        static_cast<uint32_t>(frame->general[kRdx]) == 0;
  if (!is_valid) raise_gp(state, 0);
  set_pkru(state, static_cast<uint32_t>(frame->general[kRax]));
  return 0;
}

uint64_t helper_rdrand(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  set_arithmetic_flags(state, tcg::kFlagC);
  const uint64_t value = state.machine->random();
  return a == 8 ? value : value & ((uint64_t{1} << a * 8) - 1);
}

}  // namespace vireo::i386
