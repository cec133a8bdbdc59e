// Power-up and INIT state (SDM volume 3, table 9-1).

#include "target/i386/cpu/reset.h"

#include <cstring>

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/mode.h"

namespace vireo::i386 {
namespace {

constexpr uint16_t kDataAttributes = 0x93;
constexpr uint16_t kCodeAttributes = 0x9b;

void reset_segments(CpuState& state) {
  for (Segment& segment : state.segments) segment = {0, 0xffff, 0, kDataAttributes};
  state.segments[kCs] = {0xffff0000, 0xffff, 0xf000, kCodeAttributes};
  state.ldtr = {0, 0xffff, 0, 0x82};
  state.tr = {0, 0xffff, 0, 0x8b};
  state.gdtr = {0, 0xffff};
  state.idtr = {0, 0xffff};
}

// What the banks logged stays, for software to find behind a reset (SDM volume 3, 15.5).
void stop_machine_check_reports(CpuState& state) {
  state.mcg_status = state.mcg_ctl = 0;
  for (unsigned bank = 0; bank < kMachineCheckBanks; ++bank) state.machine_check[bank * 4] = 0;
}

// EDX holds the processor's signature after a reset.
uint64_t processor_signature(const CpuState& state) {
  return state.config ? cpuid(*state.config, 1, 0, CpuidDynamic{}).eax : 0;
}

}  // namespace

void init(CpuState& state) {
  std::memset(state.frame.general, 0, sizeof state.frame.general);
  state.frame.general[kRdx] = processor_signature(state);
  state.frame.guest_ip = 0xfff0;
  set_arithmetic_flags(state, 0);
  state.eflags = 0;
  state.cpl = state.interrupt_shadow = state.halted = state.nmi_blocked = 0;
  state.external_event = state.debug_hits = state.held_debug_hits = 0;
  reset_segments(state);
  constexpr uint64_t kCacheBits = kCr0Cd | kCr0Nw;
  state.cr0 = kCr0Et | (state.cr0 & kCacheBits);
  state.cr2 = state.cr3 = state.cr4 = 0;
  state.efer = 0;
  for (unsigned i = 0; i < 4; ++i) state.dr[i] = state.pdpte[i] = 0;
  state.dr[6] = 0xffff0ff0;
  state.dr[7] = 0x400;
  state.pending = PendingException{};
  update_mode(state);
  if (state.machine) {
    state.machine->flush_tlb();
    state.machine->set_address_space(0, true);
  }
}

void reset(CpuState& state) {
  static const CpuState fresh;
  state.x87 = fresh.x87;
  std::memset(state.frame.vector, 0, sizeof state.frame.vector);
  state.frame.mxcsr = fresh.frame.mxcsr;
  state.xcr0 = fresh.xcr0;
  state.pkru = fresh.pkru;
  state.star = state.lstar = state.cstar = state.fmask = state.kernel_gs_base = 0;
  state.sysenter_cs = state.sysenter_esp = state.sysenter_eip = 0;
  state.tsc_adjust = state.tsc_aux = 0;
  state.tsc_offset = state.machine ? -state.machine->tsc_now() : 0;
  state.pat = fresh.pat;
  state.misc_enable = fresh.misc_enable;
  state.debug_control = 0;
  state.mtrr_default_type = 0;
  std::memset(state.mtrr_fixed, 0, sizeof state.mtrr_fixed);
  std::memset(state.mtrr_base, 0, sizeof state.mtrr_base);
  std::memset(state.mtrr_mask, 0, sizeof state.mtrr_mask);
  stop_machine_check_reports(state);
  state.cr0 = kCr0Cd | kCr0Nw;
  if (state.smm.active && state.machine) state.machine->set_system_management(false);
  state.smm = fresh.smm;
  init(state);
}

void start_up(CpuState& state, uint8_t vector) {
  state.segments[kCs].selector = static_cast<uint16_t>(vector << 8);
  state.segments[kCs].base = uint64_t{vector} << 12;
  state.frame.guest_ip = 0;
  state.halted = 0;
  update_mode(state);
}

}  // namespace vireo::i386
