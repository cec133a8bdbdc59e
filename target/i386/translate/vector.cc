// MMX and SSE operations: operands in XMM registers, MMX registers (the x87 significands) and
// memory (SDM volume 1, chapters 9 to 12).

#include "target/i386/translate/translator.h"
#include "tcg/ir/vector_info.h"

namespace vireo::i386 {

using tcg::VectorOpcode;
using tcg::VectorShape;

namespace {

tcg::Type vector_type(unsigned size) {
  switch (size) {
    case 4:
      return tcg::Type::kV32;
    case 8:
      return tcg::Type::kV64;
    case 32:
      return tcg::Type::kV256;
    default:
      return tcg::Type::kV128;
  }
}

/// Where the first source operand is: VEX has one of its own.
unsigned first_source(const Insn& in) { return in.vex ? 1 : 0; }

VectorOpcode operation_of(const Insn& in) { return static_cast<VectorOpcode>(in.row->variant); }

/// The last opcode byte of CMPPS and its kind.
constexpr uint8_t kComparePredicate = 0xc2;

}  // namespace

unsigned Translator::mmx_offset(unsigned reg) {
  return VIREO_CPU_OFFSET(x87.registers) + reg * sizeof(X87Register) +
         offsetof(X87Register, significand);
}

uint8_t Translator::vector_memory_flags(const Insn& in, unsigned size) const {
  return memory_flags() | (size >= 16 && !in.has(unaligned) ? tcg::kMemoryAligned : 0) |
         (size >= 16 && in.has(non_temporal) ? tcg::kMemoryNonTemporal : 0);
}

Translator::Value Translator::read_vector(const Insn& in, unsigned index) {
  const Operand& operand = in.operands[index];
  const Type type = vector_type(operand.size);
  if (operand.kind == Operand::Kind::kXmm) return ir_.get_reg(type, operand.reg);
  if (operand.kind == Operand::Kind::kMmx) return ir_.load_state(type, mmx_offset(operand.reg));
  return ir_.load(type, memory_address(in, operand.size, false), 0,
                  vector_memory_flags(in, operand.size));
}

void Translator::write_vector(const Insn& in, unsigned index, Value value) {
  const Operand& operand = in.operands[index];
  if (operand.kind == Operand::Kind::kXmm) {
    // VEX encodings zero what is above their result.
    ir_.set_reg(operand.reg, in.vex ? ir_.zero_extend(Type::kV256, value) : value);
  } else if (operand.kind == Operand::Kind::kMmx) {
    ir_.store_state(mmx_offset(operand.reg), value);
    // The exponent becomes all ones (SDM volume 1, 9.2.1).
    ir_.store_state(mmx_offset(operand.reg) - offsetof(X87Register, significand) +
                        offsetof(X87Register, sign_exponent),
                    constant(Type::kI16, 0xffff));
  } else {
    ir_.store(memory_address(in, operand.size, true), 0,
              ir_.truncate(vector_type(operand.size), value),
              vector_memory_flags(in, operand.size));
  }
}

void Translator::vector_operation(const Insn& in) {
  const VectorOpcode op = operation_of(in);
  const tcg::VectorOpcodeInfo& row = info(op);
  if (compares_text(row.shape)) return compare_text(in, op);
  if (gives_integer(row.shape)) return vector_to_integer(in, op);
  if (row.shape == VectorShape::kCompareFlags) return vector_compare(in, op);
  if (has_third_operand(row.shape)) return vector_operation_of_three(in, op);
  const bool is_mmx = in.operands[0].kind == Operand::Kind::kMmx;
  const Type type = is_mmx ? Type::kV64 : vector_type(in.operands[0].size);
  const unsigned first = first_source(in);
  const unsigned second = has_first_operand(row.shape) ? first + 1 : 1;
  const Value a = has_first_operand(row.shape) ? read_vector(in, first) : Value{};
  Value b;
  auto imm = static_cast<uint8_t>(in.immediate);
  if (row.shape == VectorShape::kFromInteger) {
    b = read(in, second);
  } else if (row.shape == VectorShape::kFromIntegerImm) {
    const Type wide = in.operands[second].size == 8 ? Type::kI64 : Type::kI32;
    b = ir_.zero_extend(wide, read(in, second));
    if (is_mmx) imm &= 3;
  } else if (row.shape != VectorShape::kShiftImm) {
    b = read_vector(in, second);
    if (is_mmx && b.type == Type::kV32)
      b = ir_.truncate(Type::kV64, ir_.zero_extend(Type::kV128, b));
  }
  if (row.opcode == kComparePredicate) imm &= in.vex ? 31 : 7;
  write_vector(in, 0, ir_.vector(op, type, a, b, imm));
}

/// What may be in memory is read first.
void Translator::vector_operation_of_three(const Insn& in, VectorOpcode op) {
  Value a, b, c;
  if (info(op).shape == VectorShape::kFused) {
    c = read_vector(in, 2);
    a = read_vector(in, 0);
    b = read_vector(in, 1);
  } else {
    const bool implicit = info(op).shape == VectorShape::kWithXmm0;
    const unsigned first = first_source(in);
    b = read_vector(in, first + 1);
    a = read_vector(in, first);
    c = implicit ? ir_.get_reg(Type::kV128, 0) : read_vector(in, first + 2);
  }
  write_vector(in, 0, ir_.vector(op, a, b, c));
}

void Translator::vector_compare(const Insn& in, VectorOpcode op) {
  const bool wide = in.operands[0].size == 32;
  const Value b = read_vector(in, 1);
  const Value a = ir_.get_reg(wide ? Type::kV256 : Type::kV128, in.operands[0].reg);
  ir_.vector(op, Type::kVoid, a, b, 0, tcg::kAllFlags);
}

void Translator::vector_to_integer(const Insn& in, VectorOpcode op) {
  const Value b = read_vector(in, 1);
  const uint8_t lanes = b.type == Type::kV64 && in.operands[1].kind == Operand::Kind::kMmx ? 3 : 7;
  const bool has_lane = has_immediate(info(op).shape);
  const uint8_t imm = has_lane ? in.immediate & lanes : 0;
  ir_.set_reg(in.operands[0].reg, ir_.vector(op, integer_type(in.operands[0].size), {}, b, imm));
}

/// Bits of `if_set` where `mask` is set, else those of `if_clear`.
Translator::Value Translator::select_by_mask(Value mask, Value if_set, Value if_clear) {
  const Type type = mask.type;
  return ir_.vector(VectorOpcode::kPor, type, ir_.vector(VectorOpcode::kPand, type, mask, if_set),
                    ir_.vector(VectorOpcode::kPandn, type, mask, if_clear));
}

void Translator::widen_word(const Insn& in) {
  const Value word = ir_.zero_extend(Type::kI32, read(in, 1));
  const Value low = ir_.vector(VectorOpcode::kMovFromInteger, Type::kV128, {}, word);
  const Type type = vector_type(in.operands[0].size);
  write_vector(in, 0, ir_.vector(operation_of(in), type, {}, low));
}

void Translator::extract_lane(const Insn& in) {
  const Type type = in.operands[0].size == 8 ? Type::kI64 : Type::kI32;
  const Value lane = ir_.vector(operation_of(in), type, {}, read_vector(in, 1),
                                static_cast<uint8_t>(in.immediate));
  write(in, 0, ir_.truncate(integer_type(in.operands[0].size), lane));
}

void Translator::insert_lane(const Insn& in) {
  const unsigned first = first_source(in);
  Value lane = read(in, first + 1);
  if (in.operands[first + 1].size < 4) lane = ir_.zero_extend(Type::kI32, lane);
  write_vector(in, 0,
               ir_.vector(operation_of(in), Type::kV128, read_vector(in, first), lane,
                          static_cast<uint8_t>(in.immediate)));
}

/// The length of an operand in a register, to 32 bits, which leave it beyond any vector.
Translator::Value Translator::text_length(unsigned reg, bool wide) {
  const Value low = ir_.get_reg(Type::kI32, reg);
  if (!wide) return ir_.zero_extend(Type::kI64, low);
  const Value whole = ir_.get_reg(Type::kI64, reg);
  const Value beyond = ir_.xor_(whole, ir_.sign_extend(Type::kI64, low));
  constexpr uint64_t kLongest = 0x7fffffff;
  return ir_.select_nonzero(number(kLongest), ir_.zero_extend(Type::kI64, low), beyond);
}

/// PCMPESTRI and its kind.
void Translator::compare_text(const Insn& in, VectorOpcode op) {
  const Value b = read_vector(in, 1), a = read_vector(in, 0);
  Value lengths = number(0);
  if (op == VectorOpcode::kPcmpestri || op == VectorOpcode::kPcmpestrm) {
    const bool wide = in.rex & 8;
    const Value high = ir_.shl(text_length(kRdx, wide), constant(Type::kI8, 32));
    lengths = ir_.or_(text_length(kRax, wide), high);
  }
  const Value result = ir_.compare_text(op, a, b, lengths, static_cast<uint8_t>(in.immediate));
  if (is_integer(result.type)) return ir_.set_reg(kRcx, result);
  ir_.set_reg(0, in.vex ? ir_.zero_extend(Type::kV256, result) : result);
}

/// INSERTPS from memory takes the only lane there is, whatever the immediate selects.
void Translator::insert_single(const Insn& in) {
  const unsigned first = first_source(in);
  const Operand& source = in.operands[first + 1];
  const Value b = source.is_memory() ? ir_.zero_extend(Type::kV128, read_vector(in, first + 1))
                                     : ir_.get_reg(Type::kV128, source.reg);
  const auto imm = static_cast<uint8_t>(source.is_memory() ? in.immediate & 0x3f : in.immediate);
  const Value a = read_vector(in, first);
  write_vector(in, 0, ir_.vector(VectorOpcode::kInsertps, Type::kV128, a, b, imm));
}

}  // namespace vireo::i386
