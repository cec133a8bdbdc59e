// What a vCPU's state stream holds.

#include <span>
#include <string>

#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/cpu/reset.h"

namespace vireo::i386 {
namespace {

// Visits every saved member by name, for saving and loading alike.
template <class State, class Visit>
void visit_segment(std::string_view name, State& segment, Visit& visit) {
  const std::string prefix(name);
  visit(prefix + ".base", segment.base);
  visit(prefix + ".limit", segment.limit);
  visit(prefix + ".selector", segment.selector);
  visit(prefix + ".attributes", segment.attributes);
}

template <class State, class Visit>
void visit_core(State& state, Visit& visit) {
  visit("general", state.frame.general);
  visit("ip", state.frame.guest_ip);
  visit("flag-overflow", state.frame.flag_overflow);
  visit("flags-low", state.frame.flags_low);
  visit("eflags", state.eflags);
  visit("cpl", state.cpl);
  visit("interrupt-shadow", state.interrupt_shadow);
  visit("debug-hits", state.debug_hits);
  visit("held-debug-hits", state.held_debug_hits);
  visit("halted", state.halted);
  visit("nmi-blocked", state.nmi_blocked);
  constexpr std::string_view kNames[] = {"es", "cs", "ss", "ds", "fs", "gs"};
  for (unsigned i = 0; i < kSegmentCount; ++i) visit_segment(kNames[i], state.segments[i], visit);
  visit_segment("ldtr", state.ldtr, visit);
  visit_segment("tr", state.tr, visit);
  visit("gdtr.base", state.gdtr.base);
  visit("gdtr.limit", state.gdtr.limit);
  visit("idtr.base", state.idtr.base);
  visit("idtr.limit", state.idtr.limit);
  visit("cr0", state.cr0);
  visit("cr2", state.cr2);
  visit("cr3", state.cr3);
  visit("cr4", state.cr4);
  visit("xcr0", state.xcr0);
  visit("pkru", state.pkru);
  visit("efer", state.efer);
  visit("pdpte", state.pdpte);
  visit("dr", state.dr);
}

template <class State, class Visit>
void visit_msrs(State& state, Visit& visit) {
  visit("star", state.star);
  visit("lstar", state.lstar);
  visit("cstar", state.cstar);
  visit("fmask", state.fmask);
  visit("kernel-gs-base", state.kernel_gs_base);
  visit("sysenter-cs", state.sysenter_cs);
  visit("sysenter-esp", state.sysenter_esp);
  visit("sysenter-eip", state.sysenter_eip);
  visit("tsc-adjust", state.tsc_adjust);
  visit("tsc-offset", state.tsc_offset);
  visit("tsc-aux", state.tsc_aux);
  visit("pat", state.pat);
  visit("misc-enable", state.misc_enable);
  visit("debug-control", state.debug_control);
  visit("mtrr-default-type", state.mtrr_default_type);
  visit("mtrr-fixed", state.mtrr_fixed);
  visit("mtrr-base", state.mtrr_base);
  visit("mtrr-mask", state.mtrr_mask);
  visit("mcg-status", state.mcg_status);
  visit("mcg-ctl", state.mcg_ctl);
  visit("machine-check", state.machine_check);
}

template <class State, class Visit>
void visit_units(State& state, Visit& visit) {
  auto& x87 = state.x87;
  for (unsigned i = 0; i < 8; ++i) {
    const std::string prefix = "x87.r" + std::to_string(i);
    visit(prefix + ".significand", x87.registers[i].significand);
    visit(prefix + ".sign-exponent", x87.registers[i].sign_exponent);
  }
  visit("x87.control", x87.control);
  visit("x87.status", x87.status);
  visit("x87.top", x87.top);
  visit("x87.empty", x87.empty);
  visit("x87.opcode", x87.opcode);
  visit("x87.ip", x87.instruction_pointer);
  visit("x87.cs", x87.instruction_selector);
  visit("x87.dp", x87.data_pointer);
  visit("x87.ds", x87.data_selector);
  visit("mxcsr", state.frame.mxcsr);
  for (unsigned i = 0; i < 16; ++i) visit("vector" + std::to_string(i), state.frame.vector[i]);
  visit("requests", state.requests);
  visit("smm.base", state.smm.base);
  visit("smm.active", state.smm.active);
  visit("smm.nmi-was-blocked", state.smm.nmi_was_blocked);
  visit("smm.io.info", state.smm.io.info);
  visit("smm.io.ip", state.smm.io.ip);
  visit("smm.io.rcx", state.smm.io.rcx);
  visit("smm.io.rsi", state.smm.io.rsi);
  visit("smm.io.rdi", state.smm.io.rdi);
  visit("pending.vector", state.pending.vector);
  visit("pending.has-error", state.pending.has_error_code);
  visit("pending.is-software", state.pending.is_software);
  visit("pending.error", state.pending.error_code);
  visit("pending.next-ip", state.pending.next_ip);
}

template <class State, class Visit>
void visit_all(State& state, Visit& visit) {
  visit_core(state, visit);
  visit_msrs(state, visit);
  visit_units(state, visit);
}

struct Save {
  core::FieldWriter& writer;
  template <class T>
  void operator()(std::string_view name, const T& member) {
    if constexpr (std::is_array_v<T>) {
      writer.values(name, std::span<const std::remove_extent_t<T>>(member));
    } else {
      writer.value(name, member);
    }
  }
};

struct Load {
  const core::FieldReader& reader;
  util::Status status;
  template <class T>
  void operator()(std::string_view name, T& member) {
    if (!status) return;
    if constexpr (std::is_array_v<T>) {
      status = reader.values(name, std::span<std::remove_extent_t<T>>(member));
    } else {
      status = reader.value(name, member);
    }
  }
};

// What a hostile stream could set and the helpers take for granted.
util::Status check(const CpuState& state) {
  const bool ok = state.cpl <= 3 && state.x87.top <= 7 && state.frame.flag_overflow <= 1 &&
                  !(state.frame.mxcsr & ~0xffffu) && !(state.eflags & ~kSystemFlags) &&
                  (state.xcr0 & 1) && state.smm.active <= 1;
  if (ok) return {};
  return util::Error(util::ErrorCode::kCorrupt, "CPU state holds a value that no CPU can have");
}

}  // namespace

void save_state(const CpuState& state, core::FieldWriter& writer) {
  Save save{writer};
  visit_all(state, save);
}

util::Status load_state(CpuState& state, const core::FieldReader& reader) {
  const uint8_t was_in_smm = state.smm.active;
  Load load{reader, {}};
  visit_all(state, load);
  if (load.status) load.status = check(state);
  if (!load.status) {
    state.smm.active = was_in_smm;
    reset(state);
    return load.status;
  }
  if (state.smm.active != was_in_smm && state.machine)
    state.machine->set_system_management(state.smm.active);
  update_mode(state);
  return {};
}

}  // namespace vireo::i386
