// MMX and SSE operations: operands in XMM registers, MMX registers (the x87 significands) and
// memory (SDM volume 1, chapters 9 to 12).

#include "target/i386/translate/translator.h"
#include "tcg/ir/vector_info.h"

namespace vireo::i386 {

using tcg::VectorOpcode;
using tcg::VectorShape;

namespace {

tcg::Type vector_type(unsigned size) {
  return size == 4 ? tcg::Type::kV32 : size == 8 ? tcg::Type::kV64 : tcg::Type::kV128;
}

VectorOpcode operation_of(const Insn& in) { return static_cast<VectorOpcode>(in.row->variant); }

}  // namespace

unsigned Translator::mmx_offset(unsigned reg) {
  return VIREO_CPU_OFFSET(x87.registers) + reg * sizeof(X87Register) +
         offsetof(X87Register, significand);
}

uint8_t Translator::vector_memory_flags(const Insn& in, unsigned size) const {
  return memory_flags() | (size == 16 && !in.has(unaligned) ? tcg::kMemoryAligned16 : 0);
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
    ir_.set_reg(operand.reg, value);
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
  if (gives_integer(row.shape)) return vector_to_integer(in, op);
  const bool is_mmx = in.operands[0].kind == Operand::Kind::kMmx;
  const Type type = is_mmx ? Type::kV64 : Type::kV128;
  auto imm = static_cast<uint8_t>(in.immediate);
  if (row.shape == VectorShape::kCompareFlags) {
    const Value a = ir_.get_reg(row.operand, in.operands[0].reg);
    ir_.vector(op, Type::kVoid, a, read_vector(in, 1), 0, tcg::kAllFlags);
    return;
  }
  const Value a = has_first_operand(row.shape) ? read_vector(in, 0) : Value{};
  Value b;
  if (row.shape == VectorShape::kFromInteger) {
    b = read(in, 1);
  } else if (row.shape == VectorShape::kFromIntegerImm) {
    b = ir_.zero_extend(in.operands[1].size == 8 ? Type::kI64 : Type::kI32, read(in, 1));
    if (is_mmx) imm &= 3;
  } else if (row.shape != VectorShape::kShiftImm) {
    b = read_vector(in, 1);
  }
  write_vector(in, 0, ir_.vector(op, type, a, b, imm));
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

/// Lanes are chosen by the sign bits of XMM0's: 0 > lane gives the mask.
void Translator::blend_variable(const Insn& in) {
  const Value source = read_vector(in, 1), before = read_vector(in, 0);
  const Value control = ir_.get_reg(Type::kV128, 0);
  const Value zero = ir_.vector(VectorOpcode::kPxor, Type::kV128, control, control);
  const Value mask = ir_.vector(operation_of(in), Type::kV128, zero, control);
  write_vector(in, 0, select_by_mask(mask, source, before));
}

void Translator::widen_word(const Insn& in) {
  const Value word = ir_.zero_extend(Type::kI32, read(in, 1));
  const Value low = ir_.vector(VectorOpcode::kMovFromInteger, Type::kV128, {}, word);
  write_vector(in, 0, ir_.vector(operation_of(in), Type::kV128, {}, low));
}

void Translator::extract_lane(const Insn& in) {
  const Type type = in.operands[0].size == 8 ? Type::kI64 : Type::kI32;
  const Value lane = ir_.vector(operation_of(in), type, {}, read_vector(in, 1),
                                static_cast<uint8_t>(in.immediate));
  write(in, 0, ir_.truncate(integer_type(in.operands[0].size), lane));
}

void Translator::insert_lane(const Insn& in) {
  const VectorOpcode op = operation_of(in);
  Value lane = read(in, 1);
  if (in.operands[1].size < 4) lane = ir_.zero_extend(Type::kI32, lane);
  write_vector(
      in, 0,
      ir_.vector(op, Type::kV128, read_vector(in, 0), lane, static_cast<uint8_t>(in.immediate)));
}

/// PCMPESTRI and its kind.
void Translator::compare_text(const Insn& in) {
  const Value text = read_vector(in, 1);
  const Value low = ir_.vector(VectorOpcode::kMovToInteger, Type::kI64, {}, text);
  const Value high = ir_.vector(VectorOpcode::kPextrd, Type::kI64, {}, text, 1);
  const uint64_t what = in.opcode | (in.immediate & 0xff) << 8 |
                        uint64_t{in.operands[0].reg} << 16 | (in.rex & 8 ? 1u << 24 : 0);
  call_helper(HelperId::compare_text, number(what), low, high);
}

/// INSERTPS from memory takes the only lane there is, whatever the immediate selects.
void Translator::insert_single(const Insn& in) {
  const bool is_memory = in.operands[1].is_memory();
  const Value b = is_memory ? ir_.zero_extend(Type::kV128, read_vector(in, 1))
                            : ir_.get_reg(Type::kV128, in.operands[1].reg);
  const auto imm = static_cast<uint8_t>(is_memory ? in.immediate & 0x3f : in.immediate);
  write_vector(in, 0, ir_.vector(VectorOpcode::kInsertps, Type::kV128, read_vector(in, 0), b, imm));
}

}  // namespace vireo::i386
