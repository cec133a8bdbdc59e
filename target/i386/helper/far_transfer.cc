// Far JMP, CALL and RET, and IRET (SDM volume 2, and volume 3, 5.8).

#include "target/i386/helper/transfer.h"

#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/page_walk.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/segmentation.h"
#include "target/i386/helper/task_switch.h"
#include "tcg/ir/block.h"
#include "tcg/runtime/hooks.h"
#include "util/log.h"

namespace vireo::i386 {
namespace {

uint64_t cut(uint64_t value, unsigned size) {
  return size == 2 ? value & 0xffff : size == 4 ? value & 0xffffffff : value;
}

bool segments_are_real(const CpuState& state) { return !in_protected_mode(state); }

void go_real(CpuState& state, uint16_t selector, uint64_t ip) {
  // Real mode takes CS.limit as it is; beyond it is #GP.
  if (ip > state.segments[kCs].limit) raise_gp(state);
  load_real_segment(state, kCs, selector);
  state.frame.guest_ip = ip;
  update_mode(state);
}

void check_code_privilege(CpuState& state, uint16_t selector, const Descriptor& descriptor) {
  const uint32_t error = selector_error(state, selector);
  const bool allowed = descriptor.is_conforming()
                           ? descriptor.dpl() <= state.cpl
                           : (selector & 3) <= state.cpl && descriptor.dpl() == state.cpl;
  if (!allowed) raise_gp(state, error);
  if (!descriptor.present()) raise_exception(state, kNp, error);
}

// A call gate's target, checked (SDM volume 3, 5.8.4).
struct GateTarget {
  uint16_t selector;
  Descriptor code;
  uint64_t ip;
  bool inner;
  unsigned size;
  unsigned parameters;
};

void check_gate(CpuState& state, uint16_t selector, const Descriptor& gate) {
  const uint32_t error = selector_error(state, selector);
  if (gate.dpl() < state.cpl || gate.dpl() < (selector & 3)) raise_gp(state, error);
  if (!gate.present()) raise_exception(state, kNp, error);
}

GateTarget read_call_gate(CpuState& state, uint16_t selector, Descriptor gate, bool is_jump) {
  const bool wide = in_long_mode(state);
  if (wide && gate.type() != kCallGate32) raise_gp(state, selector_error(state, selector));
  check_gate(state, selector, gate);
  if (wide) read_upper_half(state, selector, gate);

  GateTarget target{};
  target.selector = gate.gate_selector();
  if (is_null(target.selector)) raise_gp(state, 0);
  target.code = read_descriptor(state, target.selector);
  const Descriptor& code = target.code;
  const uint32_t error = selector_error(state, target.selector);
  if (!code.is_code() || code.dpl() > state.cpl) raise_gp(state, error);
  if (wide && (!code.is_long() || code.is_big())) raise_gp(state, error);
  if (is_jump && !code.is_conforming() && code.dpl() != state.cpl) raise_gp(state, error);
  if (!code.present()) raise_exception(state, kNp, error);
  target.inner = !code.is_conforming() && code.dpl() < state.cpl;
  target.size = wide ? 8 : gate.type() == kCallGate32 ? 4 : 2;
  target.parameters = wide ? 0 : gate.parameter_count();
  target.ip = cut(gate.gate_offset(), target.size);
  check_code_target(state, code, target.selector, target.ip);
  return target;
}

bool is_call_gate(const Descriptor& descriptor) {
  return descriptor.is_system(kCallGate16) || descriptor.is_system(kCallGate32);
}

bool is_available_tss(const Descriptor& descriptor) {
  return descriptor.is_system(kTss16) || descriptor.is_system(kTss32);
}

// JMP or CALL to a task gate or TSS.
void go_to_task(CpuState& state, uint16_t selector, const Descriptor& descriptor,
                TaskSwitchCause cause, uint64_t next_ip) {
  if (in_long_mode(state)) raise_gp(state, selector_error(state, selector));
  if (!descriptor.is_system(kTaskGate) && !is_available_tss(descriptor))
    raise_gp(state, selector_error(state, selector));
  check_gate(state, selector, descriptor);
  const uint16_t tss = is_available_tss(descriptor) ? selector : descriptor.gate_selector();
  switch_task(state, tss, cause, next_ip);
}

void jump_protected(CpuState& state, uint16_t selector, uint64_t ip, uint64_t next_ip) {
  if (is_null(selector)) raise_gp(state, 0);
  Descriptor descriptor = read_descriptor(state, selector);
  if (descriptor.is_code()) {
    check_code_privilege(state, selector, descriptor);
    check_code_target(state, descriptor, selector, ip);
    commit_code_segment(state, selector, descriptor, state.cpl);
    state.frame.guest_ip = ip;
  } else if (is_call_gate(descriptor)) {
    GateTarget target = read_call_gate(state, selector, descriptor, true);
    commit_code_segment(state, target.selector, target.code, state.cpl);
    state.frame.guest_ip = target.ip;
  } else {
    go_to_task(state, selector, descriptor, TaskSwitchCause::kJump, next_ip);
  }
  update_mode(state);
}

void push_return(CpuState& state, Stack& stack, uint64_t next_ip, unsigned size) {
  stack.push(state.segments[kCs].selector, size);
  stack.push(next_ip, size);
}

// The new stack of a call to an inner level gets the old stack pointer and the parameters.
void call_inner(CpuState& state, GateTarget& target, uint64_t next_ip) {
  const uint8_t cpl = target.code.dpl();
  const bool wide = in_long_mode(state);
  const TssStack pointer = read_tss_stack(state, cpl);
  Segment segment;
  if (wide) {
    segment.selector = cpl;
    segment.attributes = static_cast<uint16_t>(cpl << 5);
  } else {
    segment = check_stack_segment(state, pointer.selector, cpl);
  }
  const Stack old(state);
  Stack stack(state, segment, pointer.sp, Privilege::kSupervisor, wide, true);
  stack.push(state.segments[kSs].selector, target.size);
  stack.push(state.frame.general[kRsp], target.size);
  for (unsigned i = target.parameters; i-- > 0;)
    stack.push(old.peek(uint64_t{i} * target.size, target.size), target.size);
  push_return(state, stack, next_ip, target.size);
  commit_code_segment(state, target.selector, target.code, cpl);
  state.segments[kSs] = segment;
  stack.store_sp();
}

void call_through_gate(CpuState& state, uint16_t selector, const Descriptor& gate,
                       uint64_t next_ip) {
  GateTarget target = read_call_gate(state, selector, gate, false);
  if (target.inner) {
    call_inner(state, target, next_ip);
  } else {
    Stack stack(state, state.segments[kSs], state.frame.general[kRsp], data_privilege(state),
                in_long_mode(state));
    push_return(state, stack, next_ip, target.size);
    commit_code_segment(state, target.selector, target.code, state.cpl);
    stack.store_sp();
  }
  state.frame.guest_ip = target.ip;
}

void call_protected(CpuState& state, uint16_t selector, uint64_t ip, unsigned size,
                    uint64_t next_ip) {
  if (is_null(selector)) raise_gp(state, 0);
  Descriptor descriptor = read_descriptor(state, selector);
  if (descriptor.is_code()) {
    check_code_privilege(state, selector, descriptor);
    check_code_target(state, descriptor, selector, ip);
    Stack stack(state);
    push_return(state, stack, next_ip, size);
    commit_code_segment(state, selector, descriptor, state.cpl);
    stack.store_sp();
    state.frame.guest_ip = ip;
  } else if (is_call_gate(descriptor)) {
    call_through_gate(state, selector, descriptor, next_ip);
  } else {
    go_to_task(state, selector, descriptor, TaskSwitchCause::kCall, next_ip);
  }
  update_mode(state);
}

// The code segment that RET or IRET goes to.
Descriptor read_return_target(CpuState& state, uint16_t selector, uint64_t ip) {
  if (is_null(selector)) raise_gp(state, 0);
  Descriptor code = read_descriptor(state, selector);
  const uint32_t error = selector_error(state, selector);
  const unsigned rpl = selector & 3;
  if (!code.is_code() || rpl < state.cpl) raise_gp(state, error);
  if (code.is_conforming() ? code.dpl() > rpl : code.dpl() != rpl) raise_gp(state, error);
  if (!code.present()) raise_exception(state, kNp, error);
  check_code_target(state, code, selector, ip);
  return code;
}

// SS of an outer level; a null one is allowed for 64-bit code above level 3.
Segment read_return_stack(CpuState& state, uint16_t selector, const Descriptor& code, uint8_t cpl) {
  if (is_null(selector)) {
    const bool allowed = in_long_mode(state) && code.is_long() && cpl != 3 && (selector & 3) == cpl;
    if (!allowed) raise_gp(state, 0);
    return {0, 0, selector, static_cast<uint16_t>(cpl << 5)};
  }
  return check_stack_segment(state, selector, cpl, kGp);
}

void set_stack(CpuState& state, const Segment& segment, uint64_t sp, bool flat, uint64_t release) {
  state.segments[kSs] = segment;
  Stack stack(state, segment, sp, Privilege::kUser, flat);
  stack.release(release);
  stack.store_sp();
}

void return_protected(CpuState& state, unsigned size, uint64_t release) {
  Stack stack(state);
  const uint64_t ip = stack.pop(size);
  const auto selector = static_cast<uint16_t>(stack.pop(size));
  Descriptor code = read_return_target(state, selector, ip);
  const auto cpl = static_cast<uint8_t>(selector & 3);
  stack.release(release);
  if (cpl == state.cpl) {
    commit_code_segment(state, selector, code, cpl);
    stack.store_sp();
  } else {
    const uint64_t sp = stack.pop(size);
    const auto stack_selector = static_cast<uint16_t>(stack.pop(size));
    const Segment segment = read_return_stack(state, stack_selector, code, cpl);
    commit_code_segment(state, selector, code, cpl);
    set_stack(state, segment, sp, in_long_mode(state) && code.is_long(), release);
    drop_inner_segments(state);
  }
  state.frame.guest_ip = ip;
  update_mode(state);
}

// Flags that IRET and POPF may change at this privilege (SDM volume 2, IRET).
uint32_t changeable_flags(const CpuState& state, unsigned size) {
  uint32_t mask = tcg::kAllFlags | kTf | kDf | kNt;
  if (size != 2) mask |= kRf | kAc | kId;
  if (state.cpl <= iopl(state)) mask |= kIf;
  if (state.cpl == 0) mask |= kIopl | (size != 2 ? kVif | kVip : 0);
  return mask;
}

void merge_flags(CpuState& state, uint64_t image, uint32_t mask) {
  set_eflags(state, (full_eflags(state) & ~mask) | (static_cast<uint32_t>(image) & mask));
}

void return_to_vm86(CpuState& state, Stack& stack, uint64_t ip, uint16_t selector, uint32_t flags) {
  const uint64_t sp = stack.pop(4);
  uint16_t selectors[5];  // SS ES DS FS GS
  for (uint16_t& value : selectors) value = static_cast<uint16_t>(stack.pop(4));
  set_eflags(state, flags);
  constexpr SegmentRegister kOrder[] = {kSs, kEs, kDs, kFs, kGs};
  for (unsigned i = 0; i < 5; ++i) state.segments[kOrder[i]] = vm86_segment(selectors[i]);
  state.segments[kCs] = vm86_segment(selector);
  state.cpl = 3;
  state.frame.general[kRsp] = sp;
  state.frame.guest_ip = ip & 0xffff;
  update_mode(state);
}

void iret_protected(CpuState& state, unsigned size) {
  const bool wide = in_long_mode(state);
  Stack stack(state);
  const uint64_t ip = stack.pop(size);
  const auto selector = static_cast<uint16_t>(stack.pop(size));
  const uint64_t flags = stack.pop(size);
  if (!wide && size == 4 && (flags & kVm) && state.cpl == 0)
    return return_to_vm86(state, stack, ip, selector, static_cast<uint32_t>(flags));

  Descriptor code = read_return_target(state, selector, ip);
  const auto cpl = static_cast<uint8_t>(selector & 3);
  const uint32_t mask = changeable_flags(state, size);
  const bool outer = cpl != state.cpl;
  if (outer || in_64bit_mode(state)) {
    const uint64_t sp = stack.pop(size);
    const auto stack_selector = static_cast<uint16_t>(stack.pop(size));
    const Segment segment = read_return_stack(state, stack_selector, code, cpl);
    commit_code_segment(state, selector, code, cpl);
    set_stack(state, segment, sp, wide && code.is_long(), 0);
    if (outer) drop_inner_segments(state);
  } else {
    commit_code_segment(state, selector, code, cpl);
    stack.store_sp();
  }
  merge_flags(state, flags, mask);
  state.frame.guest_ip = ip;
  update_mode(state);
}

void iret_real(CpuState& state, unsigned size) {
  Stack stack(state);
  const uint64_t ip = stack.pop(size);
  const auto selector = static_cast<uint16_t>(stack.pop(size));
  const uint64_t flags = stack.pop(size);
  if (ip > state.segments[kCs].limit) raise_gp(state);
  load_real_segment(state, kCs, selector);
  stack.store_sp();
  uint32_t mask = changeable_flags(state, size);
  mask &= ~(kVif | kVip);
  if (in_vm86(state)) mask &= ~static_cast<uint32_t>(kIopl);
  merge_flags(state, flags, mask);
  state.frame.guest_ip = ip;
  update_mode(state);
}

// IRET of VM86 mode below IOPL 3: with VME a 16-bit one works on VIF (SDM volume 3, 20.3.3).
void iret_vm86(CpuState& state, unsigned size) {
  if (iopl(state) == 3) return iret_real(state, size);
  if (!(state.cr4 & kCr4Vme) || size != 2) raise_gp(state, 0);
  Stack stack(state);
  const auto flags = static_cast<uint32_t>(stack.peek(4, 2));
  if (((flags & kIf) && (state.eflags & kVip)) || (flags & kTf)) raise_gp(state, 0);
  iret_real(state, 2);
  state.eflags = (state.eflags & ~kVif) | (flags & kIf ? kVif : 0u);
  update_mode(state);
}

/// Tells under `-d pcall` of a transfer that went well: a fault abandons it.
class TransferLog {
 public:
  TransferLog(const CpuState& state, const char* what)
      : state_(state),
        what_(what),
        selector_(state.segments[kCs].selector),
        ip_(state.frame.guest_ip) {}
  ~TransferLog() {
    util::log(util::kLogPcall, "{} at {:04x}:{:#x} to {:04x}:{:#x}, cpl {}\n", what_, selector_,
              ip_, state_.segments[kCs].selector, state_.frame.guest_ip, state_.cpl);
  }
  TransferLog(const TransferLog&) = delete;
  TransferLog& operator=(const TransferLog&) = delete;

 private:
  const CpuState& state_;
  const char* what_;
  uint16_t selector_;
  uint64_t ip_;
};

}  // namespace

uint64_t resume_at_new_ip(CpuState& state, uint64_t mode_before) {
  // Blocks of one instruction end with a look for traps, and leave for interrupts then.
  const bool leaves_later = mode_before & (kTracedModes | kModeInterruptShadow);
  const bool leaves = !leaves_later && interrupts_wait(state);
  if (!leaves_later && !leaves && (state.eflags & kRf)) {  // The instruction that it is for comes.
    state.eflags &= ~static_cast<uint32_t>(kRf);
    update_mode(state);
  }
  state.machine->mode_changed();
  if (leaves) {
    tcg::leave(&state.frame, static_cast<uint16_t>(tcg::ExitReason::kInterruptWindow));
  }
  return state.frame.guest_ip;
}

uint64_t helper_resume(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  frame->guest_ip = a;
  CpuState& state = cpu_state(frame);
  return resume_at_new_ip(state, state.mode);
}

uint64_t helper_check_code_target(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  const bool reachable =
      in_64bit_mode(state) ? is_canonical(state, a) : a <= state.segments[kCs].limit;
  if (!reachable) raise_gp(state, 0);
  return 0;
}

uint64_t helper_far_jump(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const TransferLog log(state, "far jump");
  const auto selector = static_cast<uint16_t>(a);
  const uint64_t ip = cut(b, c & 0xff);
  if (segments_are_real(state)) {
    go_real(state, selector, ip);
  } else {
    jump_protected(state, selector, ip, c >> 8);
  }
  return 0;
}

uint64_t helper_far_call(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const TransferLog log(state, "far call");
  const auto selector = static_cast<uint16_t>(a);
  const unsigned size = c & 0xff;
  // The next IP has 56 bits here: a canonical address is restored from them.
  const auto next_ip = static_cast<uint64_t>(static_cast<int64_t>(c) >> 8);
  const uint64_t ip = cut(b, size);
  if (!segments_are_real(state)) {
    call_protected(state, selector, ip, size, next_ip);
    return 0;
  }
  if (ip > state.segments[kCs].limit) raise_gp(state);
  Stack stack(state);
  push_return(state, stack, next_ip, size);
  stack.store_sp();
  go_real(state, selector, ip);
  return 0;
}

uint64_t helper_far_return(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  const TransferLog log(state, "far return");
  const auto size = static_cast<unsigned>(a);
  if (!segments_are_real(state)) {
    return_protected(state, size, b);
    return 0;
  }
  Stack stack(state);
  const uint64_t ip = stack.pop(size);
  const auto selector = static_cast<uint16_t>(stack.pop(size));
  stack.release(b);
  if (ip > state.segments[kCs].limit) raise_gp(state);
  stack.store_sp();
  go_real(state, selector, ip);
  return 0;
}

uint64_t helper_interrupt_return(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  const TransferLog log(state, "interrupt return");
  const uint64_t mode_before = state.mode;
  state.nmi_blocked = 0;  // even if what follows faults (SDM volume 3, 6.7.1)
  const auto size = static_cast<unsigned>(a);
  if (in_vm86(state)) {
    iret_vm86(state, size);
  } else if (segments_are_real(state)) {
    iret_real(state, size);
  } else if (state.eflags & kNt) {
    if (in_long_mode(state)) raise_gp(state, 0);
    return_to_previous_task(state, b);
  } else {
    iret_protected(state, size);
  }
  return resume_at_new_ip(state, mode_before);
}

}  // namespace vireo::i386
