// Integer arithmetic, logic, shifts and bit instructions (SDM volume 1, 7.3.2 to 7.3.6).

#include "target/i386/translate/translator.h"

namespace vireo::i386 {

using tcg::FlagMask;
using tcg::kAllFlags;
using tcg::kFlagC;
using tcg::kFlagO;
using tcg::Opcode;
using tcg::RmwKind;

namespace {

constexpr FlagMask kAllButCarry = kAllFlags & ~kFlagC;

RmwKind kind_of(const Insn& in) { return static_cast<RmwKind>(in.row->variant); }
Opcode opcode_of(const Insn& in) { return static_cast<Opcode>(in.row->variant); }

bool is_rotate(RmwKind kind) { return kind >= RmwKind::kRol && kind <= RmwKind::kRcr; }

}  // namespace

Translator::Value Translator::combine(RmwKind kind, Value a, Value b, FlagMask flags) {
  switch (kind) {
    case RmwKind::kExchange:
      return b;
    case RmwKind::kAdd:
      return ir_.add(a, b, flags);
    case RmwKind::kAdc:
      return ir_.adc(a, b, flags);
    case RmwKind::kSub:
      return ir_.sub(a, b, flags);
    case RmwKind::kSbb:
      return ir_.sbb(a, b, flags);
    case RmwKind::kAnd:
      return ir_.and_(a, b, flags);
    case RmwKind::kOr:
      return ir_.or_(a, b, flags);
    case RmwKind::kXor:
      return ir_.xor_(a, b, flags);
    case RmwKind::kNeg:
      return ir_.neg(a, flags);
    case RmwKind::kNot:
      return ir_.not_(a);
    case RmwKind::kShl:
      return ir_.shl(a, b, flags);
    case RmwKind::kShr:
      return ir_.shr(a, b, flags);
    case RmwKind::kSar:
      return ir_.sar(a, b, flags);
    case RmwKind::kRol:
      return ir_.rol(a, b, flags);
    case RmwKind::kRor:
      return ir_.ror(a, b, flags);
    case RmwKind::kRcl:
      return ir_.rcl(a, b, flags);
    case RmwKind::kRcr:
      return ir_.rcr(a, b, flags);
    case RmwKind::kBts:
      return ir_.bts(a, b, flags);
    case RmwKind::kBtr:
      return ir_.btr(a, b, flags);
    case RmwKind::kBtc:
      return ir_.btc(a, b, flags);
  }
  return a;
}

void Translator::update(const Insn& in, RmwKind kind, Value b, FlagMask flags) {
  const Operand& target = in.operands[0];
  if (target.is_memory()) {
    ir_.rmw(kind, integer_type(target.size), memory_address(in, target.size, true), 0, b,
            memory_flags(in), flags);
  } else {
    write(in, 0, combine(kind, read(in, 0), b, flags));
  }
}

void Translator::arithmetic(const Insn& in) { update(in, kind_of(in), read(in, 1), kAllFlags); }

void Translator::compare(const Insn& in) {
  const Value a = read(in, 0);
  ir_.sub(a, read(in, 1), kAllFlags);
}

void Translator::test(const Insn& in) {
  const Value a = read(in, 0);
  ir_.and_(a, read(in, 1), kAllFlags);
}

void Translator::increment(const Insn& in) {
  update(in, kind_of(in), constant(integer_type(in.operands[0].size), 1), kAllButCarry);
}

void Translator::unary(const Insn& in) {
  const FlagMask flags = kind_of(in) == RmwKind::kNeg ? kAllFlags : tcg::kNoFlags;
  update(in, kind_of(in), constant(integer_type(in.operands[0].size), 0), flags);
}

void Translator::multiply(const Insn& in) {
  const bool three = in.operands[2].kind != Operand::Kind::kNone;
  const Value a = read(in, three ? 1 : 0);
  write(in, 0, ir_.mul(a, read(in, three ? 2 : 1), kAllFlags));
}

void Translator::multiply_wide(const Insn& in) {
  const Value b = read(in, 0);
  const Value a = ir_.get_reg(b.type, kRax);
  const auto [low, high] = opcode_of(in) == Opcode::kMulWideU ? ir_.mul_wide_u(a, b, kAllFlags)
                                                              : ir_.mul_wide_s(a, b, kAllFlags);
  ir_.set_reg(kRax, low);
  if (b.type == Type::kI8) {
    ir_.set_reg_high8(kRax, high);
  } else {
    ir_.set_reg(kRdx, high);
  }
}

void Translator::divide(const Insn& in) {
  const Value divisor = read(in, 0);
  const bool is_byte = divisor.type == Type::kI8;
  const Value low = ir_.get_reg(divisor.type, kRax);
  const Value high = is_byte ? ir_.get_reg_high8(kRax) : ir_.get_reg(divisor.type, kRdx);
  const auto [quotient, remainder] = opcode_of(in) == Opcode::kDivU ? ir_.div_u(low, high, divisor)
                                                                    : ir_.div_s(low, high, divisor);
  ir_.set_reg(kRax, quotient);
  if (is_byte) {
    ir_.set_reg_high8(kRax, remainder);
  } else {
    ir_.set_reg(kRdx, remainder);
  }
}

void Translator::shift(const Insn& in) {
  const Operand& count = in.operands[1];
  const unsigned mask = in.operands[0].size == 8 ? 63 : 31;
  const bool no_shift = count.kind == Operand::Kind::kImmediate && (in.immediate & mask) == 0;
  const FlagMask flags = is_rotate(kind_of(in)) ? FlagMask{kFlagC | kFlagO} : kAllFlags;
  update(in, kind_of(in), read(in, 1), no_shift ? tcg::kNoFlags : flags);
}

void Translator::double_shift(const Insn& in) {
  const Operand& target = in.operands[0];
  const Type type = integer_type(target.size);
  Value address;
  if (target.is_memory()) {
    // Found writable before the flags change.
    address = memory_address(in, target.size, true);
    ir_.probe(type, address, 0, memory_flags());
  }
  const Value a = address ? ir_.load(type, address, 0, memory_flags()) : read(in, 0);
  const Value b = read(in, 1), count = read(in, 2);
  const Value result = opcode_of(in) == Opcode::kShld ? ir_.shld(a, b, count, kAllFlags)
                                                      : ir_.shrd(a, b, count, kAllFlags);
  if (address) {
    ir_.store(address, 0, result, memory_flags());
  } else {
    write(in, 0, result);
  }
}

void Translator::exchange_add(const Insn& in) {
  const Value addend = read(in, 1);
  if (in.operands[0].is_memory()) {
    const Value address = memory_address(in, in.operands[0].size, true);
    write(in, 1,
          ir_.rmw(RmwKind::kAdd, addend.type, address, 0, addend, memory_flags(in), kAllFlags));
    return;
  }
  const Value before = read(in, 0);
  const Value sum = ir_.add(before, addend, kAllFlags);
  write(in, 1, before);
  write(in, 0, sum);
}

/// Sets `reg` if `condition` holds, else leaves all of it.
void Translator::set_reg_if(tcg::Condition condition, unsigned reg, Value value) {
  const bool wide = value.type == Type::kI32 && is_64();
  const Type type = wide ? Type::kI64 : value.type;
  ir_.set_reg(reg, ir_.select(condition, ir_.zero_extend(type, value), ir_.get_reg(type, reg)));
}

void Translator::compare_exchange(const Insn& in) {
  const Value replacement = read(in, 1);
  const Type type = replacement.type;
  const Value expected = ir_.get_reg(type, kRax);
  const bool is_memory = in.operands[0].is_memory();
  Value before;
  if (is_memory) {
    before = ir_.compare_exchange(memory_address(in, in.operands[0].size, true), 0, expected,
                                  replacement, memory_flags(in), kAllFlags);
  } else {
    before = read(in, 0);
    ir_.sub(expected, before, kAllFlags);
  }
  // Of RAX and the destination one changes and one does not; for 32 bits their upper halves show
  // it.
  set_reg_if(tcg::Condition::kNe, kRax, before);
  if (is_memory) return;
  if (in.operands[0].kind == Operand::Kind::kHigh8) {
    write(in, 0, ir_.select(tcg::Condition::kE, replacement, before));
  } else {
    set_reg_if(tcg::Condition::kE, in.operands[0].reg, replacement);
  }
}

/// PairFlags, if nothing but memory's own checks stands in the instruction's way.
uint8_t Translator::pair_flags(const Insn& in) const {
  const bool is_16 = in.operand_size == 8;
  if ((is_16 && !features_.has(Feature::kCx16)) || accesses_are_watched()) return 0;
  return static_cast<uint8_t>(tcg::kPairCall | (is_16 ? tcg::kPairWide : 0) |
                              (in.lock ? tcg::kPairLocked : 0) | (cpl() == 3 ? tcg::kCallUser : 0));
}

void Translator::compare_exchange_wide(const Insn& in) {
  const bool is_16 = in.operand_size == 8;
  const HelperId helper = is_16 ? HelperId::cmpxchg16b : HelperId::cmpxchg8b;
  const Value address = memory_address(in, is_16 ? 16 : 8, true);
  ir_.call(static_cast<unsigned>(helper), Type::kVoid, address, save_flags(in), {}, pair_flags(in));
}

/// With a register index the bit string extends beyond the operand, in both directions.
Translator::Value Translator::bit_operand_address(const Insn& in, bool is_write) {
  const unsigned size = in.operands[0].size;
  Value offset = effective_address(in);
  if (in.operands[1].is_register()) {
    const Value index = read(in, 1);
    const Value bytes = ir_.sar(index, constant(Type::kI8, 3));
    const Value aligned = ir_.and_(
        bytes, constant(index.type, ~uint64_t{size - 1} & (~uint64_t{0} >> (64 - size * 8))));
    offset = ir_.add(offset, ir_.sign_extend(offset.type, aligned));
  }
  return linear(in.memory.segment, offset, size, is_write);
}

Translator::Value Translator::bit_index(const Insn& in) {
  const unsigned size = in.operands[0].size;
  const Type type = integer_type(size);
  if (!in.operands[1].is_register()) return constant(type, in.immediate & (size * 8 - 1));
  return ir_.and_(read(in, 1), constant(type, size * 8 - 1));
}

void Translator::bit_test(const Insn& in) {
  if (!in.operands[0].is_memory()) {
    const Value a = read(in, 0);
    return ir_.bt(a, bit_index(in));
  }
  const Value address = bit_operand_address(in, false);
  const Value a = ir_.load(integer_type(in.operands[0].size), address, 0, memory_flags());
  ir_.bt(a, bit_index(in));
}

void Translator::bit_update(const Insn& in) {
  if (!in.operands[0].is_memory()) return update(in, kind_of(in), bit_index(in), kFlagC);
  const Value address = bit_operand_address(in, true);
  ir_.rmw(kind_of(in), integer_type(in.operands[0].size), address, 0, bit_index(in),
          memory_flags(in), kFlagC);
}

/// Of 0 there is no result: processors leave the destination, all of it, as it is.
void Translator::bit_scan(const Insn& in) {
  const Value source = read(in, 1), before = read(in, 0);
  const Value index = opcode_of(in) == Opcode::kBsf ? ir_.bsf(source, before, tcg::kFlagZ)
                                                    : ir_.bsr(source, before, tcg::kFlagZ);
  if (index.type != Type::kI32 || !is_64()) return write(in, 0, index);
  const uint8_t target = in.operands[0].reg;
  ir_.set_reg(target, ir_.select_nonzero(ir_.zero_extend(Type::kI64, index),
                                         ir_.get_reg(Type::kI64, target), source));
}

void Translator::count_bits(const Insn& in) {
  const Value source = read(in, 1);
  switch (opcode_of(in)) {
    case Opcode::kPopcnt:
      return write(in, 0, ir_.popcnt(source, kAllFlags));
    case Opcode::kTzcnt:
      return write(in, 0, ir_.tzcnt(source, kFlagC | tcg::kFlagZ));
    default:
      return write(in, 0, ir_.lzcnt(source, kFlagC | tcg::kFlagZ));
  }
}

/// Of 16 bits the result is undefined; processors give 0.
void Translator::byte_swap(const Insn& in) {
  const Value before = read(in, 0);
  write(in, 0, before.type == Type::kI16 ? constant(before.type, 0) : ir_.byte_swap(before));
}

void Translator::checksum(const Insn& in) {
  const Value data = ir_.zero_extend(Type::kI64, read(in, 1));
  const Value before = ir_.zero_extend(Type::kI64, ir_.get_reg(Type::kI32, in.operands[0].reg));
  const Value after = ir_.crc32c(before, data, in.operands[1].size);
  ir_.set_reg(in.operands[0].reg, ir_.truncate(Type::kI32, after));
}

void Translator::set_carry(const Insn& in) {
  ir_.set_flags(constant(Type::kI32, in.row->variant ? kFlagC : 0), kFlagC);
}

void Translator::complement_carry(const Insn&) {
  ir_.set_flags(ir_.xor_(ir_.get_flags(), constant(Type::kI32, kFlagC)), kFlagC);
}

void Translator::set_al_from_carry(const Insn&) {
  ir_.set_reg(kRax, ir_.neg(ir_.setcc(tcg::Condition::kB)));
}

}  // namespace vireo::i386
