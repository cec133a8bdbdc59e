// Segment registers and far transfers (SDM volume 1, 7.3.15; volume 3, 5.8). Descriptor checks are
// the helpers'.

#include "target/i386/translate/translator.h"

namespace vireo::i386 {

using tcg::ExitReason;

/// Loads change bases and limits, on which the mode bits depend except in 64-bit mode.
void Translator::after_segment_load(const Insn& in) {
  if (!is_64()) resume_at(next_ip(in));
}

/// MOV and POP to SS delay interrupts and traps until the stack pointer is loaded, too (SDM volume
/// 3, 6.8.3), so the block ends without calling what ends one-instruction modes.
void Translator::after_stack_switch(const Insn& in) {
  ir_.insn_start(in.ip);  // What the instruction has done stays done.
  call_helper(HelperId::begin_shadow, number(kStackShadow));
  ir_.exit_runtime(ExitReason::kModeChange, next_ip(in));
  ended_ = true;
}

namespace {

uint64_t selector_offset(unsigned segment) {
  return VIREO_CPU_OFFSET(segments) + segment * sizeof(Segment) + offsetof(Segment, selector);
}

}  // namespace

void Translator::push_segment(const Insn& in) {
  const Value selector = ir_.load_state(Type::kI16, selector_offset(in.row->variant));
  push_value(ir_.zero_extend(integer_type(in.operand_size), selector));
}

void Translator::pop_segment(const Insn& in) {
  const Value value = load_stack(integer_type(in.operand_size));
  call_helper(HelperId::load_segment, number(in.row->variant), ir_.truncate(Type::kI16, value));
  adjust_stack(in.operand_size);
  in.row->variant == kSs ? after_stack_switch(in) : after_segment_load(in);
}

void Translator::move_from_segment(const Insn& in) {
  const Value selector = ir_.load_state(Type::kI16, selector_offset(in.operands[1].reg));
  write(in, 0, ir_.zero_extend(integer_type(in.operands[0].size), selector));
}

void Translator::move_to_segment(const Insn& in) {
  const unsigned segment = in.operands[0].reg;
  const Value selector = read(in, 1);
  call_helper(HelperId::load_segment, number(segment), selector);
  segment == kSs ? after_stack_switch(in) : after_segment_load(in);
}

void Translator::load_far_pointer(const Insn& in) {
  const unsigned size = in.operand_size;
  const Value address = memory_address(in, size + 2, false);
  const Value offset = ir_.load(integer_type(size), address, 0, memory_flags());
  const Value selector = ir_.load(Type::kI16, address, size, memory_flags());
  call_helper(HelperId::load_segment, number(in.row->variant), selector);
  write(in, 0, offset);
  after_segment_load(in);
}

void Translator::far_jump(const Insn& in) {
  const unsigned size = in.operand_size;
  Value selector = number(in.immediate2), offset = number(in.immediate);
  if (in.operands[0].is_memory()) {
    const Value address = memory_address(in, size + 2, false);
    offset = ir_.load(integer_type(size), address, 0, memory_flags());
    selector = ir_.load(Type::kI16, address, size, memory_flags());
  }
  call_helper(HelperId::far_jump, selector, offset, number(size));
  leave_block_there(ExitReason::kModeChange);
}

void Translator::far_call(const Insn& in) {
  const unsigned size = in.operand_size;
  Value selector = number(in.immediate2), offset = number(in.immediate);
  if (in.operands[0].is_memory()) {
    const Value address = memory_address(in, size + 2, false);
    offset = ir_.load(integer_type(size), address, 0, memory_flags());
    selector = ir_.load(Type::kI16, address, size, memory_flags());
  }
  call_helper(HelperId::far_call, selector, offset,
              ir_.or_(ir_.shl(ip_value(next_ip(in)), constant(Type::kI8, 8)), number(size)));
  leave_block_there(ExitReason::kModeChange);
}

void Translator::far_return(const Insn& in) {
  call_helper(HelperId::far_return, number(in.operand_size), number(in.immediate));
  leave_block_there(ExitReason::kModeChange);
}

void Translator::read_segment_base(const Insn& in) {
  const unsigned size = in.operands[0].size;
  write(
      in, 0,
      call_helper(HelperId::rdfsgsbase, integer_type(size), number(in.row->variant), number(size)));
}

void Translator::write_segment_base(const Insn& in) {
  const Value base = read(in, 0);
  call_helper(HelperId::wrfsgsbase, number(in.row->variant), number(in.operands[0].size), base);
}

}  // namespace vireo::i386
