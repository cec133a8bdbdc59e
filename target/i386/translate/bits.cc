// Bit manipulation: BMI1, BMI2 and ADX (SDM volume 1, 5.1.16 and 5.1.17).

#include "target/i386/translate/translator.h"

namespace vireo::i386 {

using tcg::Condition;
using tcg::kAllFlags;
using tcg::kFlagC;
using tcg::kFlagO;
using tcg::Opcode;

namespace {

constexpr tcg::FlagMask kAllButCarry = kAllFlags & ~kFlagC;

}  // namespace

void Translator::and_not(const Insn& in) {
  write(in, 0, ir_.and_(ir_.not_(read(in, 1)), read(in, 2), kAllFlags));
}

/// BLSR and BLSMSK: C tells of a source of 0, from which the subtraction borrows.
void Translator::lowest_set_bit(const Insn& in) {
  const Value source = read(in, 1);
  const Value below = ir_.sub(source, constant(source.type, 1), kFlagC);
  const bool clears = static_cast<Opcode>(in.row->variant) == Opcode::kAnd;
  write(in, 0,
        clears ? ir_.and_(source, below, kAllButCarry) : ir_.xor_(source, below, kAllButCarry));
}

void Translator::isolate_set_bit(const Insn& in) {
  const Value source = read(in, 1);
  write(in, 0, ir_.and_(source, ir_.neg(source, kFlagC), kAllButCarry));
}

/// The low `count` (i8) bits of `value`; all, if it has not more.
Translator::Value Translator::low_bits(Value value, Value count) {
  const Value one = constant(value.type, 1);
  const Value mask = ir_.sub(ir_.shl(one, count), one);
  return ir_.select_nonzero(value, ir_.and_(value, mask), beyond_width(value.type, count));
}

/// Nonzero if `count` (i8) is not below the width of `type`.
Translator::Value Translator::beyond_width(Type type, Value count) {
  return ir_.and_(count, constant(Type::kI8, 0x100 - tcg::bits_of(type)));
}

void Translator::zero_high_bits(const Insn& in) {
  const Value source = read(in, 1);
  const Value count = ir_.truncate(Type::kI8, read(in, 2));
  const Value result = low_bits(source, count);
  ir_.neg(beyond_width(source.type, count), kFlagC);
  ir_.and_(result, result, kAllButCarry);
  write(in, 0, result);
}

void Translator::extract_bits(const Insn& in) {
  const Value source = read(in, 1), control = read(in, 2);
  const Value start = ir_.truncate(Type::kI8, control);
  const Value length = ir_.truncate(Type::kI8, ir_.shr(control, constant(Type::kI8, 8)));
  const Value shifted = ir_.select_nonzero(constant(source.type, 0), ir_.shr(source, start),
                                           beyond_width(source.type, start));
  const Value result = low_bits(shifted, length);
  ir_.and_(result, result, kAllFlags);
  write(in, 0, result);
}

void Translator::gather_bits(const Insn& in) {
  const Value source = read(in, 1), mask = read(in, 2);
  const bool deposits = static_cast<Opcode>(in.row->variant) == Opcode::kPdep;
  write(in, 0, deposits ? ir_.pdep(source, mask) : ir_.pext(source, mask));
}

/// MULX: if both halves go to one register, it gets the high one.
void Translator::multiply_flagless(const Insn& in) {
  const Value source = read(in, 2);
  const tcg::ValuePair product = ir_.mul_wide_u(ir_.get_reg(source.type, kRdx), source);
  write(in, 1, product.first);
  write(in, 0, product.second);
}

/// SHLX, SHRX, SARX and RORX.
void Translator::shift_flagless(const Insn& in) {
  const Value count = ir_.truncate(Type::kI8, read(in, 2));
  write(in, 0, ir_.shift(static_cast<Opcode>(in.row->variant), read(in, 1), count));
}

/// ADCX adds and leaves its carry in C, ADOX in O; nothing else changes.
void Translator::add_with_flag(const Insn& in) {
  const Value a = read(in, 0), b = read(in, 1);
  const bool by_carry = in.row->variant == kFlagC;
  write(in, 0, by_carry ? ir_.adc(a, b, kFlagC) : ir_.adox(a, b));
}

}  // namespace vireo::i386
