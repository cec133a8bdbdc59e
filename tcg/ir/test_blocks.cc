// Random blocks for the tests of passes and backends.

#include "tcg/ir/test_blocks.h"

#include "tcg/ir/vector_info.h"

namespace vireo::tcg {
namespace {

constexpr uint64_t kConstants[] = {0, 1, 2, 7, 31, 64, 0x7f, 0x80, 0xff, 0x8000, 0x80000000, ~0ull};
constexpr uint64_t kCodeStart = 0x1000;

}  // namespace

Value BlockGenerator::operand(Builder& builder, Type type) {
  if (below(3) == 0) {
    uint64_t imm = kConstants[below(std::size(kConstants))];
    if (type != Type::kI64) imm &= (uint64_t{1} << bits_of(type)) - 1;
    return builder.constant(type, imm);
  }
  return builder.get_reg(type, below(6));
}

Value BlockGenerator::compute_shift(Builder& builder, Type type) {
  const auto op = static_cast<Opcode>(static_cast<unsigned>(Opcode::kShl) + below(7));
  const Value a = operand(builder, type);
  const Value count = operand(builder, Type::kI8);
  const bool rotates = op >= Opcode::kRol;
  const FlagMask flags = some_flags() & (rotates ? FlagMask{kFlagC | kFlagO} : kAllFlags);
  const Value result = builder.shift(op, a, count, flags);
  if (flags) {
    const FlagMask undefined = kFlagA | kFlagO | (type < Type::kI32 ? FlagMask{kFlagC} : kNoFlags);
    builder.set_flags(builder.constant(Type::kI32, 0), undefined);
  }
  return result;
}

Value BlockGenerator::compute_other(Builder& builder, Type type) {
  const Value a = operand(builder, type);
  const Value b = operand(builder, type);
  switch (below(13)) {
    case 0:
      return builder.address(type, a, b, below(4), below(64));
    case 8:
      return type < Type::kI32 ? builder.tzcnt(a) : builder.pdep(a, b);
    case 9:
      return type < Type::kI32 ? builder.lzcnt(a) : builder.pext(a, b);
    case 1:
      return builder.address(type, a, {}, 0, below(64));
    case 2:
      return builder.select(condition(), a, b);
    case 3:
      return builder.select_nonzero(a, b, operand(builder, Type::kI8));
    case 4:
      return builder.zero_extend(type, builder.setcc(condition()));
    case 5:
      return builder.truncate(type, builder.sign_extend(Type::kI64, a));
    case 6:
      return builder.bts(a, b, some_flags() & kFlagC);
    case 7: {
      const ValuePair product = builder.mul_wide_u(a, b, some_flags() & (kFlagC | kFlagO));
      if (below(2) == 0) builder.set_reg(below(4), product.first);
      return product.second;
    }
    case 10:
      return builder.popcnt(a, some_flags());
    case 11:
      if (type == Type::kI64) return builder.crc32c(a, b, 1u << below(4));
      return builder.not_(a);
    default:
      return builder.neg(builder.not_(a), some_flags());
  }
}

Value BlockGenerator::compute(Builder& builder, Type type) {
  const unsigned kind = below(4);
  if (kind == 0) return compute_shift(builder, type);
  if (kind == 1) return compute_other(builder, type);
  const Value a = operand(builder, type);
  const Value b = below(8) == 0 ? a : operand(builder, type);
  const FlagMask flags = some_flags();
  switch (below(9)) {
    case 0:
      return builder.add(a, b, flags);
    case 1:
      return builder.adc(a, b, below(2) == 0 ? flags : FlagMask{kFlagC});
    case 7:
      return type < Type::kI32 ? builder.or_(a, a, flags) : builder.adox(a, b, flags & kFlagO);
    case 2:
      return builder.sub(a, b, flags);
    case 3:
      return builder.sbb(a, b, flags);
    case 4:
      return builder.and_(a, b, flags);
    case 5:
      return builder.or_(a, b, flags);
    case 6:
      return builder.xor_(a, b, flags);
    default:
      return builder.mul(a, b, flags & (kFlagC | kFlagO));
  }
}

VectorOpcode BlockGenerator::any_vector_opcode() {
  return static_cast<VectorOpcode>(below(static_cast<unsigned>(VectorOpcode::kCount)));
}

VectorOpcode BlockGenerator::vector_opcode() {
  while (true) {
    const VectorOpcode op = any_vector_opcode();
    const VectorOpcodeInfo& row = info(op);
    const bool mmx_only = (row.prefix == 0 && (row.forms & kMmxOwn)) || (row.forms & kVexOnly);
    if (!(row.forms & (kApproximate | kMmxOperand)) && !mmx_only) return op;
  }
}

/// Mostly to where the encoding has the result.
void BlockGenerator::compare_text(Builder& builder, VectorOpcode op, Value a, Value b) {
  constexpr unsigned kRcx = 1, kXmm0 = 0;
  const Value lengths = below(2)
                            ? operand(builder, Type::kI64)
                            : builder.constant(Type::kI64, uint64_t{below(20)} << 32 | below(20));
  const Value result = builder.compare_text(op, a, b, lengths, static_cast<uint8_t>(below(128)));
  const unsigned usual = is_integer(result.type) ? kRcx : kXmm0;
  builder.set_reg(below(4) ? usual : below(4), result);
}

void BlockGenerator::vector_instruction(Builder& builder) {
  const VectorOpcode op = vector_opcode();
  const VectorOpcodeInfo& row = info(op);
  Value a, b;
  if (has_first_operand(row.shape)) a = builder.get_reg(Type::kV128, below(4));
  if (takes_integer(row.shape)) {
    b = operand(builder, Type::kI32);
  } else if (row.shape != VectorShape::kShiftImm) {
    b = builder.get_reg(Type::kV128, below(4));
  }
  // Predicates and rounding modes have few defined values.
  const bool reads_mxcsr = row.effects & kMayFault;
  const auto imm =
      static_cast<uint8_t>(has_immediate(row.shape) ? below(reads_mxcsr ? 8 : 256) : 0);
  if (row.shape == VectorShape::kCompareFlags) {
    builder.vector(op, Type::kVoid, a, b, imm, kAllFlags);
    return;
  }
  if (compares_text(row.shape)) return compare_text(builder, op, a, b);
  if (row.shape == VectorShape::kWithXmm0) {
    const Value c = builder.get_reg(Type::kV128, below(2));
    return builder.set_reg(below(4), builder.vector(op, a, b, c));
  }
  const bool to_integer = gives_integer(row.shape);
  const Value result = builder.vector(op, to_integer ? Type::kI32 : Type::kV128, a, b, imm);
  if (!to_integer && below(4) == 0) {
    return builder.set_reg(below(4), builder.truncate(Type::kV64, result));
  }
  builder.set_reg(below(to_integer ? 6 : 4), result);
}

Value BlockGenerator::wide_operand(Builder& builder, Type type) {
  if (below(4) != 0) return builder.get_reg(type, below(4));
  const Value offset = builder.zero_extend(
      Type::kI64,
      builder.and_(builder.get_reg(Type::kI32, below(6)), builder.constant(Type::kI32, 0xfc0)));
  const Value address = builder.address(Type::kI64, offset, {}, 0, static_cast<int64_t>(memory_));
  return builder.load(type, address, 0, 0);
}

/// As VEX encodings are translated: with 128 or 256 bits, and the whole register is written.
void BlockGenerator::wide_vector_instruction(Builder& builder) {
  if (below(16) == 0) return builder.zero_upper(below(2) ? 16 : 8);
  VectorOpcode op = vector_opcode();
  while (below(2) && !(info(op).forms & kVexOnly)) op = any_vector_opcode();
  const VectorOpcodeInfo& row = info(op);
  if (takes_integer(row.shape) || (row.forms & (kApproximate | kMmxOperand | kLegacyOnly)) ||
      (row.prefix == 0 && (row.forms & kMmxOwn))) {
    return;
  }
  const bool wide = (row.forms & kCrossLane) || ((row.forms & kWideForms) && below(2));
  const Type type = wide && !(row.forms & kNarrows) ? Type::kV256 : Type::kV128;
  const bool narrow_b = (row.forms & (kWideShared | kWidens)) ||
                        ((row.forms & kCrossLane) && row.operand != Type::kV256);
  const Type b_type = wide && !narrow_b ? Type::kV256 : Type::kV128;
  const Value a =
      has_first_operand(row.shape)
          ? builder.get_reg(row.shape == VectorShape::kCompareFlags ? b_type : type, below(4))
          : Value{};
  constexpr uint8_t kComparePredicate = 0xc2;
  const unsigned limit = row.opcode == kComparePredicate ? 32 : row.effects & kMayFault ? 8 : 256;
  const auto imm = static_cast<uint8_t>(has_immediate(row.shape) ? below(limit) : 0);
  if (row.shape == VectorShape::kFused) {
    const Value b = builder.get_reg(type, below(4));
    const Value result = builder.vector(op, a, b, wide_operand(builder, type));
    return builder.set_reg(below(4), builder.zero_extend(Type::kV256, result));
  }
  const bool to_integer = gives_integer(row.shape);
  const Value b = row.shape == VectorShape::kShiftImm ? Value{} : wide_operand(builder, b_type);
  if (row.shape == VectorShape::kWithFourth) {
    const Value result = builder.vector(op, a, b, builder.get_reg(type, below(4)));
    return builder.set_reg(below(4), builder.zero_extend(Type::kV256, result));
  }
  if (compares_text(row.shape)) return compare_text(builder, op, a, b);
  if (row.shape == VectorShape::kCompareFlags) {
    builder.vector(op, Type::kVoid, a, b, imm, kAllFlags);
  } else if (to_integer) {
    builder.set_reg(below(6), builder.vector(op, Type::kI32, a, b, imm));
  } else {
    const Value result = builder.vector(op, type, a, b, imm);
    builder.set_reg(below(4), builder.zero_extend(Type::kV256, result));
  }
}

void BlockGenerator::memory_instruction(Builder& builder) {
  const Type type = integer_type();
  const Value offset = builder.zero_extend(
      Type::kI64,
      builder.and_(builder.get_reg(Type::kI32, below(6)), builder.constant(Type::kI32, 0xff8)));
  const Value address = builder.address(Type::kI64, offset, {}, 0, static_cast<int64_t>(memory_));
  const uint8_t memory_flags = below(2) ? kMemoryUser : 0;
  switch (below(4)) {
    case 0:
      return builder.store(address, 0, operand(builder, type), memory_flags);
    case 1:
      return builder.set_reg(below(6), builder.rmw(static_cast<RmwKind>(below(8)), type, address, 0,
                                                   operand(builder, type),
                                                   memory_flags | kMemoryLocked, some_flags()));
    case 2:
      return builder.set_reg(
          below(6), builder.compare_exchange(address, 0, operand(builder, type),
                                             operand(builder, type), memory_flags, some_flags()));
    default:
      return builder.set_reg(below(6), builder.load(type, address, 0, memory_flags));
  }
}

void BlockGenerator::instruction(Builder& builder) {
  switch (below(8)) {
    case 0:
      return below(2) ? vector_instruction(builder) : wide_vector_instruction(builder);
    case 1:
      return memory_instruction(builder);
    case 2:
      return builder.set_reg_high8(below(4), compute(builder, Type::kI8));
    case 3:
      builder.sub(operand(builder, Type::kI32), operand(builder, Type::kI32), kAllFlags);
      return builder.branch_if(condition(), 0x4000, 1);
    default:
      return builder.set_reg(below(6), compute(builder, integer_type()));
  }
}

void BlockGenerator::generate(Block* block, unsigned instructions) {
  block->clear();
  block->guest_ip = kCodeStart;
  Builder builder(block);
  for (unsigned i = 0; i < instructions; ++i) {
    builder.insn_start(kCodeStart + 4 * i);
    instruction(builder);
  }
  block->guest_insns = instructions;
  block->guest_size = 4 * instructions;
  builder.exit_direct(kCodeStart + 4 * instructions, 0);
}

}  // namespace vireo::tcg
