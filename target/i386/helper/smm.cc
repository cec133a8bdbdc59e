// System-management mode: taking an SMI, and RSM (SDM volume 3, chapter 31; AMD64 APM volume 2,
// chapter 10).

#include "target/i386/helper/smm.h"

#include <algorithm>

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/helper/control.h"
#include "target/i386/helper/descriptor.h"
#include "target/i386/helper/exception.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/smm_save_area.h"
#include "tcg/ir/block.h"
#include "tcg/runtime/hooks.h"
#include "util/log.h"

namespace vireo::i386 {
namespace {

constexpr uint64_t kHandlerIp = 0x8000;
constexpr uint16_t kDataAttributes = 0x93 | kAttributeGranularity;
constexpr uint16_t kSegmentAttributes = 0xf0ff;

SmmSaveArea saved_state(const CpuState& state) {
  SmmSaveArea area{.rip = state.frame.guest_ip,
                   .rflags = full_eflags(state),
                   .cr0 = state.cr0,
                   .cr3 = state.cr3,
                   .cr4 = state.cr4,
                   .efer = state.efer,
                   .dr6 = state.dr[6],
                   .dr7 = state.dr[7],
                   .ldtr = state.ldtr,
                   .tr = state.tr,
                   .gdtr = state.gdtr,
                   .idtr = state.idtr,
                   .base = state.smm.base,
                   .auto_halt = state.halted,
                   .io = state.smm.io};
  std::copy(std::begin(state.frame.general), std::end(state.frame.general), area.general);
  std::copy(std::begin(state.segments), std::end(state.segments), area.segments);
  return area;
}

// SDM volume 3, table 31-4.
void begin_handler(CpuState& state) {
  const auto selector = static_cast<uint16_t>(state.smm.base >> 4);
  for (Segment& segment : state.segments) segment = {0, 0xffffffff, 0, kDataAttributes};
  state.segments[kCs].base = state.smm.base;
  state.segments[kCs].selector = selector;
  state.frame.guest_ip = kHandlerIp;
  set_eflags(state, 0);
  state.cr0 &= ~uint64_t{kCr0Pe | kCr0Em | kCr0Ts | kCr0Pg};
  state.cr4 = 0;
  state.efer = 0;
  state.dr[7] = 0x400;
  state.cpl = state.halted = state.debug_hits = state.held_debug_hits = 0;
  state.nmi_blocked = 1;
  follow_paging(state);
  update_mode(state);
}

bool becomes_long(const SmmSaveArea& area) { return (area.efer & kEferLme) && (area.cr0 & kCr0Pg); }

// What makes RSM shut the CPU down: SDM volume 3, 31.2.2, and for long mode APM volume 2, 10.3.5.
bool is_possible(const CpuState& state, const SmmSaveArea& area) {
  const bool paging = area.cr0 & kCr0Pg;
  const bool is_long = becomes_long(area);
  const uint16_t code = area.segments[kCs].attributes;
  if (area.cr0 >> 32 || area.dr6 >> 32 || area.dr7 >> 32) return false;
  if (paging && !(area.cr0 & kCr0Pe)) return false;
  if ((area.cr0 & kCr0Nw) && !(area.cr0 & kCr0Cd)) return false;
  if (area.cr4 & ~supported_cr4(state)) return false;
  if (area.efer & ~supported_efer(state)) return false;
  if (is_long && !(area.cr4 & kCr4Pae)) return false;
  if (is_long && (area.rflags & kVm)) return false;
  if (is_long && (code & kAttributeLong) && (code & kAttributeBig)) return false;
  if (is_long && area.cr3 >> state.config->physical_bits) return false;
  return is_long || !(area.cr4 & kCr4Pcide);
}

void restore_registers(CpuState& state, const SmmSaveArea& area) {
  std::copy(std::begin(area.general), std::end(area.general), state.frame.general);
  std::copy(std::begin(area.segments), std::end(area.segments), state.segments);
  for (Segment& segment : state.segments) segment.attributes &= kSegmentAttributes;
  state.ldtr = area.ldtr;
  state.tr = area.tr;
  state.gdtr = area.gdtr;
  state.idtr = area.idtr;
  state.frame.guest_ip = area.rip;
  set_eflags(state, static_cast<uint32_t>(area.rflags));
  state.dr[6] = (area.dr6 & 0xe00f) | 0xffff0ff0;
  state.dr[7] = (area.dr7 & 0xffff2bff) | 0x400;
  if (area.io_restart == 0 || area.io.info == 0) return;
  state.frame.guest_ip = area.io.ip;
  state.frame.general[kRcx] = area.io.rcx;
  state.frame.general[kRsi] = area.io.rsi;
  state.frame.general[kRdi] = area.io.rdi;
}

void restore_mode(CpuState& state, const SmmSaveArea& area) {
  state.cr0 = (area.cr0 & kCr0Bits) | kCr0Et;
  state.cr3 = area.cr3;
  state.cr4 = area.cr4;
  state.efer = area.efer & ~uint64_t{kEferLma};
  if (becomes_long(area)) state.efer |= kEferLma;
  // CPL is the DPL of SS, where there are privileges (APM volume 2, 10.2.3).
  const bool is_protected = state.cr0 & kCr0Pe;
  const bool is_vm86 = is_protected && (state.eflags & kVm);
  state.cpl = is_vm86 ? 3 : is_protected ? state.segments[kSs].attributes >> 5 & 3 : 0;
}

}  // namespace

void enter_system_management(CpuState& state) {
  util::log(util::kLogInt, "SMI: IP={:04x}:{:016x} SMBASE={:08x} halted={}\n",
            state.segments[kCs].selector, state.frame.guest_ip, state.smm.base, state.halted);
  state.smm.active = 1;
  state.smm.nmi_was_blocked = state.nmi_blocked;
  const SmmSaveArea area = saved_state(state);
  state.smm.io = IoTrap{};
  state.machine->set_system_management(true);
  write_save_area(state, area);
  begin_handler(state);
}

bool leave_system_management(CpuState& state) {
  const SmmSaveArea area = read_save_area(state);
  if (!is_possible(state, area)) return false;
  restore_registers(state, area);
  restore_mode(state, area);
  state.halted = area.auto_halt != 0;
  state.nmi_blocked = state.smm.nmi_was_blocked;
  state.interrupt_shadow = state.debug_hits = state.held_debug_hits = 0;
  state.smm.base = area.base;
  state.smm.active = 0;
  state.smm.io = IoTrap{};
  state.machine->set_system_management(false);
  const bool has_page_tables = guarded(state, [&] { follow_paging(state); });
  update_mode(state);
  util::log(util::kLogInt, "RSM: IP={:04x}:{:016x} SMBASE={:08x}\n", state.segments[kCs].selector,
            state.frame.guest_ip, state.smm.base);
  return has_page_tables;
}

uint64_t helper_rsm(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!state.smm.active) raise_exception(state, kUd);
  if (!leave_system_management(state)) shut_down(state);
  tcg::leave(frame, static_cast<uint16_t>(tcg::ExitReason::kModeChange));
}

}  // namespace vireo::i386
