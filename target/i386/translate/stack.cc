// Stack instructions (SDM volume 1, 6.2 and 7.3.1.4). The stack's width is that of SS, the
// operands' their own.

#include "target/i386/translate/translator.h"

namespace vireo::i386 {

using tcg::ExitReason;

void Translator::push(const Insn& in) {
  const Operand& operand = in.operands[0];
  if (operand.kind == Operand::Kind::kImmediate) {
    const Type type = integer_type(in.operand_size);
    push_value(ir_.truncate(type, number(in.immediate)));
  } else {
    push_value(read(in, 0));
  }
}

void Translator::pop(const Insn& in) {
  const unsigned size = in.operands[0].size;
  const Value value = load_stack(integer_type(size));
  if (in.operands[0].is_memory()) {
    // An address on RSP is computed after the increment.
    const Value offset = effective_address(in, size);
    ir_.store(linear(in.memory.segment, offset, size, true), 0, value, memory_flags());
    return adjust_stack(size);
  }
  adjust_stack(size);
  write(in, 0, value);
}

void Translator::push_all(const Insn& in) {
  const int size = in.operand_size;
  const Type type = integer_type(size);
  for (int reg = 0; reg < 8; ++reg) {
    ir_.store(stack_address(-size * (reg + 1), size, true), 0, ir_.get_reg(type, reg),
              memory_flags() | tcg::kMemoryStack);
  }
  adjust_stack(-size * 8);
}

void Translator::pop_all(const Insn& in) {
  const int size = in.operand_size;
  Value values[8];
  for (int reg = 7; reg >= 0; --reg) {
    if (reg != kRsp) values[reg] = load_stack(integer_type(size), size * (7 - reg));
  }
  for (int reg = 0; reg < 8; ++reg) {
    if (reg != kRsp) ir_.set_reg(reg, values[reg]);
  }
  adjust_stack(size * 8);
}

void Translator::push_flags(const Insn& in) {
  const Type type = integer_type(in.operand_size);
  // In virtual-8086 mode the IOPL decides, which is the helper's.
  const Value image = in_mode(kModeVm86)
                          ? call_helper(HelperId::pushf_value, Type::kI32, number(in.operand_size))
                          : flags_image();
  push_value(ir_.zero_extend(type, image));
}

void Translator::pop_flags(const Insn& in) {
  const Value image = load_stack(integer_type(in.operand_size));
  const Value leaves = call_helper(HelperId::popf, Type::kI64, image, number(in.operand_size));
  adjust_stack(in.operand_size);
  if (!is_one_shot()) ir_.branch_runtime(leaves, ExitReason::kInterruptWindow, next_ip(in));
}

void Translator::enter(const Insn& in) {
  const int size = in.operand_size;
  const unsigned level = in.immediate2 & 31;
  if (level) {
    return call_helper(HelperId::enter_level, number(in.immediate), number(level), number(size));
  }
  const Value frame = ir_.get_reg(integer_type(size), kRbp);
  ir_.store(stack_address(-size, size, true), 0, frame, memory_flags() | tcg::kMemoryStack);
  const Value before = ir_.get_reg(stack_type(), kRsp);
  const Value top = ir_.address(stack_type(), before, {}, 0, -size);
  const Value bottom = ir_.address(stack_type(), top, {}, 0, -static_cast<int64_t>(in.immediate));
  // The last operation that may fault: a write at the final stack pointer has to be possible.
  ir_.probe(integer_type(size), linear(kSs, bottom, size, true), 0, memory_flags());
  ir_.set_reg(kRsp, bottom);
  ir_.set_reg(kRbp, ir_.zero_extend(integer_type(size), top));
}

void Translator::leave(const Insn& in) {
  const int size = in.operand_size;
  const Value frame = ir_.get_reg(stack_type(), kRbp);
  const Value saved = ir_.load(integer_type(size), linear(kSs, frame, size, false), 0,
                               memory_flags() | tcg::kMemoryStack);
  ir_.set_reg(kRsp, ir_.address(stack_type(), frame, {}, 0, size));
  ir_.set_reg(kRbp, saved);
}

}  // namespace vireo::i386
