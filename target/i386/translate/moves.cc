// Moves, exchanges and widenings of integers (SDM volume 1, 7.3.1).

#include "target/i386/translate/translator.h"
#include "util/bits.h"

namespace vireo::i386 {

using tcg::Condition;
using tcg::RmwKind;

void Translator::move(const Insn& in) { write(in, 0, read(in, 1)); }

void Translator::move_if(const Insn& in) {
  const Value source = read(in, 1);
  write(in, 0, ir_.select(static_cast<Condition>(in.row->variant), source, read(in, 0)));
}

void Translator::set_if(const Insn& in) {
  write(in, 0, ir_.setcc(static_cast<Condition>(in.row->variant)));
}

void Translator::move_zero_extended(const Insn& in) {
  write(in, 0, ir_.zero_extend(integer_type(in.operands[0].size), read(in, 1)));
}

void Translator::move_sign_extended(const Insn& in) {
  write(in, 0, ir_.sign_extend(integer_type(in.operands[0].size), read(in, 1)));
}

void Translator::move_swapped(const Insn& in) {
  const Value before = read(in, 1);
  // A rotation by 8 swaps the bytes of a word.
  write(
      in, 0,
      before.type == Type::kI16 ? ir_.rol(before, constant(Type::kI8, 8)) : ir_.byte_swap(before));
}

void Translator::exchange(const Insn& in) {
  const Operand &a = in.operands[0], &b = in.operands[1];
  if (in.opcode == 0x90 && a.reg == b.reg) return;  // NOP, PAUSE: the upper half of RAX stays.
  const Value second = read(in, 1);
  if (a.is_memory()) {
    const Value address = memory_address(in, a.size, true);
    write(in, 1,
          ir_.rmw(RmwKind::kExchange, second.type, address, 0, second,
                  memory_flags() | tcg::kMemoryLocked));
    return;
  }
  const Value first = read(in, 0);
  write(in, 1, first);
  write(in, 0, second);
}

void Translator::load_address(const Insn& in) {
  write(in, 0, ir_.zero_extend(integer_type(in.operands[0].size), effective_address(in)));
}

void Translator::widen_accumulator(const Insn& in) {
  const Value half = ir_.get_reg(integer_type(in.operand_size / 2), kRax);
  ir_.set_reg(kRax, ir_.sign_extend(integer_type(in.operand_size), half));
}

void Translator::widen_into_rdx(const Insn& in) {
  const Value low = ir_.get_reg(integer_type(in.operand_size), kRax);
  ir_.set_reg(kRdx, ir_.sar(low, constant(Type::kI8, bits_of(low.type) - 1)));
}

void Translator::translate_byte(const Insn& in) {
  const Type type = integer_type(in.address_size);
  const Value index = ir_.zero_extend(type, ir_.get_reg(Type::kI8, kRax));
  const Value offset = ir_.address(type, ir_.get_reg(type, kRbx), index, 0, 0);
  const unsigned segment = segment_or(in, kDs);
  ir_.set_reg(kRax, ir_.load(Type::kI8, linear(segment, offset, 1, false), 0, memory_flags()));
}

void Translator::load_ah(const Insn&) {
  const Value flags = ir_.truncate(Type::kI8, ir_.get_flags());
  ir_.set_reg_high8(kRax, ir_.or_(flags, constant(Type::kI8, kEflagsFixed)));
}

void Translator::store_ah(const Insn&) {
  ir_.set_flags(ir_.zero_extend(Type::kI32, ir_.get_reg_high8(kRax)),
                tcg::kAllFlags & ~tcg::kFlagO);
}

}  // namespace vireo::i386
