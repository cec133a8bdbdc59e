// Gates of the IDT in protected, VM86 and long mode (SDM volume 3, 6.10 to 6.14).

#include "target/i386/helper/enter_handler.h"

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/segmentation.h"
#include "target/i386/helper/task_switch.h"

namespace vireo::i386 {
namespace {

/// The gate's code segment, present and of fitting privilege: #GP, #NP.
struct HandlerTarget {
  Descriptor descriptor;
  uint8_t cpl;  ///< That of the handler.
};

struct Gate {
  Descriptor descriptor;
  bool is_task = false;
  bool is_32bit = false;  ///< 32-bit or 64-bit: not one of the 80286.
  bool masks_interrupts = false;
};

Gate read_gate(CpuState& state, const Event& event) {
  const bool wide = in_long_mode(state);
  const uint32_t size = wide ? 16 : 8;
  const uint32_t offset = event.vector * size;
  const uint32_t error = event.vector * 8u + 2 + state.external_event;
  if (offset + size - 1 > state.idtr.limit) raise_gp(state, error);

  Gate gate;
  Descriptor& descriptor = gate.descriptor;
  descriptor.linear = state.idtr.base + offset;
  const auto raw = read<uint64_t>(state, descriptor.linear, Privilege::kSystem);
  descriptor.low = static_cast<uint32_t>(raw);
  descriptor.high = static_cast<uint32_t>(raw >> 32);
  if (wide)
    descriptor.upper_base = read<uint32_t>(state, descriptor.linear + 8, Privilege::kSystem);

  const uint8_t type = descriptor.type();
  gate.is_task = type == kTaskGate;
  gate.is_32bit = type & 8;
  gate.masks_interrupts = !(type & 1);
  const bool is_handler = (type & 7) == kInterruptGate16 || (type & 7) == kTrapGate16;
  const bool fits = wide ? is_handler && gate.is_32bit : is_handler || gate.is_task;
  if (descriptor.is_memory() || !fits) raise_gp(state, error);
  if (event.is_software && descriptor.dpl() < state.cpl) raise_gp(state, error);
  if (!descriptor.present()) raise_exception(state, kNp, error);
  return gate;
}

HandlerTarget read_target(CpuState& state, const Gate& gate) {
  const uint16_t selector = gate.descriptor.gate_selector();
  if (is_null(selector)) raise_gp(state, state.external_event);
  HandlerTarget target{read_descriptor(state, selector), state.cpl};
  const Descriptor& code = target.descriptor;
  const uint32_t error = selector_error(state, selector);
  if (!code.is_code() || code.dpl() > state.cpl) raise_gp(state, error);
  if (in_long_mode(state) && (!code.is_long() || code.is_big())) raise_gp(state, error);
  if (!code.is_conforming()) target.cpl = code.dpl();
  if (in_vm86(state) && target.cpl != 0) raise_gp(state, error);
  if (!code.present()) raise_exception(state, kNp, error);
  return target;
}

// RF is set in the image for faults, so that an instruction breakpoint does not hit again
// (SDM volume 3, 17.3.1.1).
uint32_t pushed_flags(const CpuState& state, const Event& event) {
  const bool is_fault = event.is_exception && event.vector != kDb && event.vector != kBp &&
                        event.vector != kOf && event.vector != kDfault && event.vector != kMc;
  return full_eflags(state) | (is_fault ? static_cast<uint32_t>(kRf) : 0u);
}

void clear_flags(CpuState& state, bool masks_interrupts) {
  uint32_t cleared = kTf | kNt | kRf | kVm;
  if (masks_interrupts) cleared |= kIf;
  set_eflags(state, full_eflags(state) & ~cleared);
}

Privilege stack_privilege(uint8_t cpl) { return cpl == 3 ? Privilege::kUser : Privilege::kSystem; }

void enter_task(CpuState& state, const Gate& gate, const Event& event) {
  switch_task(state, gate.descriptor.gate_selector(), TaskSwitchCause::kCall, event.return_ip);
  if (!event.has_error_code) return;
  Stack stack(state);
  stack.push(event.error_code, state.tr.attributes & 8 ? 4 : 2);
  stack.store_sp();
}

void push_frame(CpuState& state, Stack& stack, const Event& event, unsigned size) {
  stack.push(pushed_flags(state, event), size);
  stack.push(state.segments[kCs].selector, size);
  stack.push(event.return_ip, size);
  if (event.has_error_code) stack.push(event.error_code, size);
}

// To an inner level: the old stack (and from VM86 the data segments) go on the new one.
void enter_inner(CpuState& state, const Event& event, const Gate& gate, HandlerTarget& target) {
  const unsigned size = gate.is_32bit ? 4 : 2;
  const TssStack pointer = read_tss_stack(state, target.cpl);
  const Segment segment = check_stack_segment(state, pointer.selector, target.cpl);
  Stack stack(state, segment, pointer.sp, stack_privilege(target.cpl), false, true);
  const bool from_vm86 = in_vm86(state);
  if (from_vm86) {
    for (const SegmentRegister index : {kGs, kFs, kDs, kEs})
      stack.push(state.segments[index].selector, size);
  }
  stack.push(state.segments[kSs].selector, size);
  stack.push(state.frame.general[kRsp], size);
  push_frame(state, stack, event, size);
  commit_code_segment(state, gate.descriptor.gate_selector(), target.descriptor, target.cpl);
  if (from_vm86) {
    for (const SegmentRegister index : {kGs, kFs, kDs, kEs}) state.segments[index] = Segment{};
  }
  state.segments[kSs] = segment;
  stack.store_sp();
}

void enter_same(CpuState& state, const Event& event, const Gate& gate, HandlerTarget& target) {
  Stack stack(state, state.segments[kSs], state.frame.general[kRsp], stack_privilege(state.cpl),
              false);
  push_frame(state, stack, event, gate.is_32bit ? 4 : 2);
  commit_code_segment(state, gate.descriptor.gate_selector(), target.descriptor, target.cpl);
  stack.store_sp();
}

}  // namespace

void enter_protected_mode_handler(CpuState& state, const Event& event) {
  const Gate gate = read_gate(state, event);
  if (gate.is_task) return enter_task(state, gate, event);
  HandlerTarget target = read_target(state, gate);
  const uint64_t ip = gate.is_32bit ? gate.descriptor.gate_offset() & 0xffffffff
                                    : gate.descriptor.gate_offset() & 0xffff;
  check_code_target(state, target.descriptor, gate.descriptor.gate_selector(), ip);
  if (target.cpl < state.cpl) {
    enter_inner(state, event, gate, target);
  } else {
    enter_same(state, event, gate, target);
  }
  state.frame.guest_ip = ip;
  clear_flags(state, gate.masks_interrupts);
  update_mode(state);
}

void enter_long_mode_handler(CpuState& state, const Event& event) {
  const Gate gate = read_gate(state, event);
  HandlerTarget target = read_target(state, gate);
  const uint64_t ip = gate.descriptor.gate_offset();
  if (!is_canonical(state, ip)) raise_gp(state, state.external_event);

  const bool inner = target.cpl < state.cpl;
  uint64_t rsp = state.frame.general[kRsp];
  if (gate.descriptor.ist() != 0) {
    rsp = read_interrupt_stack(state, gate.descriptor.ist());
  } else if (inner) {
    rsp = read_tss_stack(state, target.cpl).sp;
  }
  Stack stack(state, Segment{}, rsp & ~uint64_t{15}, stack_privilege(target.cpl), true);
  stack.push(state.segments[kSs].selector, 8);
  stack.push(state.frame.general[kRsp], 8);
  push_frame(state, stack, event, 8);

  commit_code_segment(state, gate.descriptor.gate_selector(), target.descriptor, target.cpl);
  if (inner) {
    Segment& ss = state.segments[kSs];
    ss = Segment{};
    ss.selector = target.cpl;
    ss.attributes = static_cast<uint16_t>(target.cpl << 5);
  }
  stack.store_sp();
  state.frame.guest_ip = ip;
  clear_flags(state, gate.masks_interrupts);
  update_mode(state);
}

}  // namespace vireo::i386
