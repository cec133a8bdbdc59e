// Delivery of exceptions and interrupts: what may follow what (SDM volume 3, 6.15, interrupt 8),
// and the handlers of real mode.

#include "target/i386/helper/exception.h"

#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/enter_handler.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/segmentation.h"
#include "util/log.h"

namespace vireo::i386 {
namespace {

bool is_contributory(uint8_t vector) { return vector == kDe || (vector >= kTs && vector <= kGp); }

// SDM volume 3, table 6-5.
bool makes_double_fault(const Event& first, uint8_t second) {
  if (!first.is_exception) return false;
  if (first.vector == kPf) return second == kPf || is_contributory(second);
  return is_contributory(first.vector) && is_contributory(second);
}

// The fields are spelled as QEMU spells them.
void log_event(const CpuState& state, const Event& event) {
  util::log(util::kLogInt,
            "{}: v={:02x} e={:04x} i={} cpl={} IP={:04x}:{:016x} SP={:04x}:{:016x} CR2={:016x}\n",
            event.is_software    ? "software interrupt"
            : event.is_exception ? "exception"
                                 : "interrupt",
            event.vector, event.error_code, event.is_software ? 1 : 0, state.cpl,
            state.segments[kCs].selector, event.return_ip, state.segments[kSs].selector,
            state.frame.general[kRsp], state.cr2);
}

Event event_of(const CpuState& state) {
  const PendingException& pending = state.pending;
  return {.vector = pending.vector,
          .is_software = pending.is_software,
          .is_exception = !pending.is_software,
          .has_error_code = pending.has_error_code,
          .error_code = pending.error_code,
          .return_ip = pending.is_software ? pending.next_ip : state.frame.guest_ip};
}

void deliver(CpuState& state, Event event) {
  state.interrupt_shadow = kNoShadow;
  state.halted = 0;
  state.smm.io.info = 0;  // An SMI that comes now finds another instruction to return to.
  state.pending = PendingException{};
  for (;;) {
    state.external_event = event.is_software ? 0 : 1;
    state.debug_hits = 0;
    const bool delivered = guarded(state, [&] { enter_handler(state, event); });
    state.external_event = 0;
    if (delivered) return;
    if (event.is_exception && event.vector == kDfault) return shut_down(state);
    const bool double_fault = makes_double_fault(event, state.pending.vector);
    event = event_of(state);
    if (double_fault) {
      event.vector = kDfault;
      event.has_error_code = true;
      event.error_code = 0;
    }
    state.pending = PendingException{};
  }
}

// Real mode, and VM86 mode through the program's own table: 16-bit frame, vector table of far
// pointers.
void enter_far_pointer(CpuState& state, uint64_t table_entry, uint32_t pushed_flags,
                       uint64_t return_ip) {
  const auto target = read<uint32_t>(state, table_entry, Privilege::kSystem);
  Stack stack(state);
  stack.push(pushed_flags, 2);
  stack.push(state.segments[kCs].selector, 2);
  stack.push(return_ip, 2);
  stack.store_sp();
  load_real_segment(state, kCs, static_cast<uint16_t>(target >> 16));
  state.frame.guest_ip = target & 0xffff;
}

void enter_real_mode(CpuState& state, const Event& event) {
  const uint32_t offset = event.vector * 4u;
  if (offset + 3 > state.idtr.limit) raise_gp(state, offset + 2);
  enter_far_pointer(state, state.idtr.base + offset, full_eflags(state), event.return_ip);
  set_eflags(state, full_eflags(state) & ~(kIf | kTf | kAc | kRf));
  update_mode(state);
}

}  // namespace

void enter_handler(CpuState& state, const Event& event) {
  log_event(state, event);
  if (event.is_exception && event.vector == kDb) {  // SDM volume 3, 17.2.4, 17.4.2 and 17.4.3
    state.dr[7] &= ~uint64_t{1 << 13};
    state.debug_control &= ~uint64_t{kLastBranchRecord | kBranchStep};
  }
  if (in_long_mode(state)) {
    enter_long_mode_handler(state, event);
  } else if (state.cr0 & kCr0Pe) {
    enter_protected_mode_handler(state, event);
  } else {
    enter_real_mode(state, event);
  }
  hold_debug_hits(state);
}

bool enter_virtual_handler(CpuState& state, uint8_t vector, uint64_t next_ip) {
  // The redirection bitmap is the 32 bytes below the I/O bitmap (SDM volume 3, 20.3.3).
  const auto io_map = read<uint16_t>(state, state.tr.base + 0x66, Privilege::kSystem);
  const uint32_t byte = io_map - 32u + vector / 8u;
  if (io_map < 32 || byte > state.tr.limit) return false;
  if (read<uint8_t>(state, state.tr.base + byte, Privilege::kSystem) >> (vector % 8) & 1)
    return false;
  uint32_t flags = full_eflags(state);
  const bool is_virtual = iopl(state) < 3;
  if (is_virtual)
    flags = (flags & ~(kIf | kIopl)) | (flags & kVif ? kIf : 0u) | static_cast<uint32_t>(kIopl);
  enter_far_pointer(state, vector * 4u, flags, next_ip);
  set_eflags(state, full_eflags(state) & ~(kTf | (is_virtual ? kVif : kIf)));
  hold_debug_hits(state);
  update_mode(state);
  return true;
}

void shut_down(CpuState& state) {
  util::log(util::kLogGuestErrors | util::kLogCpuReset, "shutdown at {:04x}:{:#x}\n",
            state.segments[kCs].selector, state.frame.guest_ip);
  state.pending = PendingException{};
  state.halted = 1;
  state.machine->triple_fault();
}

void deliver_pending(CpuState& state) { deliver(state, event_of(state)); }

void deliver_interrupt(CpuState& state, uint8_t vector) {
  deliver(state, {.vector = vector, .return_ip = state.frame.guest_ip});
}

void deliver_nmi(CpuState& state) {
  state.nmi_blocked = 1;
  deliver(state, {.vector = kNmi, .return_ip = state.frame.guest_ip});
}

void deliver_machine_check(CpuState& state) {
  deliver(state, {.vector = kMc, .is_exception = true, .return_ip = state.frame.guest_ip});
}

}  // namespace vireo::i386
