// Control transfers within a segment, software interrupts and what does nothing (SDM volume
// 1, 7.3.8).

#include "target/i386/cpu/mode.h"
#include "target/i386/translate/translator.h"

namespace vireo::i386 {

using tcg::Condition;
using tcg::ExitReason;

/// A transfer beyond CS's limit, or to an address that is not canonical, faults before anything is
/// done. In 64-bit mode refuse_branch() does that, but for what leaves the block in other ways.
void Translator::check_target(Value target) {
  const bool is_short = target.type == Type::kI16 && code_limit(mode_) >= 0xffff;
  const bool is_safe = is_64() ? !leaves_through_loop() : code_limit(mode_) == 0xffffffff;
  if (is_short || is_safe) return;
  call_helper(HelperId::check_code_target, ir_.zero_extend(Type::kI64, target));
}

void Translator::check_target(uint64_t target) {
  if (needs_check(target)) call_helper(HelperId::check_code_target, ip_value(target));
}

bool Translator::needs_check(uint64_t target) const {
  return is_64() ? leaves_through_loop() : !is_relocatable() && target > code_limit(mode_);
}

void Translator::jump(const Insn& in) {
  if (truncates_ip(in)) return go_indirect(truncated_target(in));
  check_target(branch_target(in));
  go(branch_target(in));
}

void Translator::jump_if(const Insn& in) {
  const auto condition = static_cast<Condition>(in.row->variant);
  if (truncates_ip(in)) return go_truncated_if(ir_.select(condition, number(1), number(0)), in);
  if (needs_check(branch_target(in)))
    call_helper(HelperId::check_code_target,
                ir_.select(condition, ip_value(branch_target(in)), number(0)));
  go_if(condition, branch_target(in), next_ip(in));
}

void Translator::jump_indirect(const Insn& in) {
  const Value target = read(in, 0);
  check_target(target);
  go_indirect(target);
}

void Translator::check_target_if_nonzero(Value value, uint64_t target) {
  // What a count in ECX does to RCX cannot be taken back.
  const bool clears_upper = is_64() && value.type == Type::kI32;
  if (!needs_check(target) && !clears_upper) return;
  call_helper(HelperId::check_code_target, ir_.select_nonzero(ip_value(target), number(0), value));
}

void Translator::jump_if_counter_zero(const Insn& in) {
  const Value counter = ir_.get_reg(integer_type(in.address_size), kRcx);
  const Value is_zero = ir_.select_nonzero(number(0), number(1), counter);
  if (truncates_ip(in)) return go_truncated_if(is_zero, in);
  check_target_if_nonzero(is_zero, branch_target(in));
  go_if_nonzero(is_zero, branch_target(in), next_ip(in));
}

void Translator::loop(const Insn& in) {
  const Type type = integer_type(in.address_size);
  const Value counter = ir_.address(type, ir_.get_reg(type, kRcx), {}, 0, -1);
  check_target_if_nonzero(counter, branch_target(in));
  ir_.set_reg(kRcx, counter);
  if (truncates_ip(in)) return go_truncated_if(counter, in);
  go_if_nonzero(counter, branch_target(in), next_ip(in));
}

void Translator::loop_if(const Insn& in) {
  const Type type = integer_type(in.address_size);
  const Value counter = ir_.address(type, ir_.get_reg(type, kRcx), {}, 0, -1);
  const auto condition = static_cast<Condition>(in.row->variant);
  const Value taken = ir_.select(condition, counter, constant(type, 0));
  check_target_if_nonzero(taken, branch_target(in));
  ir_.set_reg(kRcx, counter);
  if (truncates_ip(in)) return go_truncated_if(taken, in);
  go_if_nonzero(taken, branch_target(in), next_ip(in));
}

void Translator::call(const Insn& in) {
  check_target(branch_target(in));
  push_value(ir_.truncate(integer_type(in.operand_size), ip_value(next_ip(in))));
  ir_.push_return(next_ip(in));
  if (truncates_ip(in)) return go_indirect(truncated_target(in));
  go(branch_target(in));
}

void Translator::call_indirect(const Insn& in) {
  const Value target = read(in, 0);
  check_target(target);
  push_value(ir_.truncate(integer_type(in.operand_size), ip_value(next_ip(in))));
  ir_.push_return(next_ip(in));
  go_indirect(target);
}

void Translator::near_return(const Insn& in) {
  const Value target = load_stack(integer_type(in.operand_size));
  check_target(target);
  adjust_stack(in.operand_size + static_cast<int64_t>(in.immediate));
  go_indirect(target, /*is_return=*/true);
}

void Translator::interrupt(const Insn& in) {
  // INT3 is not subject to VM86's rules for INT n.
  const uint64_t vector = in.row->variant ? in.row->variant | 0x100 : in.immediate;
  call_helper(HelperId::software_interrupt, number(vector), ip_value(next_ip(in)));
  leave_block_there(ExitReason::kException);
}

void Translator::interrupt_on_overflow(const Insn& in) {
  call_helper(HelperId::into, ip_value(next_ip(in)));
}

void Translator::interrupt_return(const Insn& in) {
  go_indirect(call_helper(HelperId::interrupt_return, Type::kI64, number(in.operand_size),
                          ip_value(next_ip(in))));
}

void Translator::undefined(const Insn&) { raise(kUd); }

void Translator::no_operation(const Insn&) {}

// Whatever the hint asks for. Outside of 64-bit mode an address may have to be checked, which may
// fault.
void Translator::prefetch(const Insn& in) {
  if (!is_64()) return;
  ir_.prefetch(linear_unwatched(in.memory.segment, effective_address(in), 1, false),
               memory_flags());
}

}  // namespace vireo::i386
