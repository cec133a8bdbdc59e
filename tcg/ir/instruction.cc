// The opcode tables, made from opcodes.inc and vector_opcodes.inc.

#include "tcg/ir/instruction.h"

#include "tcg/ir/vector_info.h"

namespace vireo::tcg {
namespace {

using enum OpcodeInfo::ResultKind;
constexpr OpcodeInfo kOpcodes[] = {
#define OP(name, text, operands, result, effects, meaning) {text, operands, result, effects},
#include "tcg/ir/opcodes.inc"
#undef OP
    {"vector", 2, kTyped, 0},  // Its rows are kVectorOpcodes.
};
static_assert(sizeof kOpcodes / sizeof kOpcodes[0] == static_cast<unsigned>(Opcode::kCount));

using enum VectorShape;
constexpr VectorOpcodeInfo kVectorOpcodes[] = {
#define VOP(name, text, shape, prefix, opcode, operand, forms, effects) \
  {text, shape, prefix, opcode, Type::operand, forms, effects},
#include "tcg/ir/vector_opcodes.inc"
#undef VOP
};
static_assert(sizeof kVectorOpcodes / sizeof kVectorOpcodes[0] ==
              static_cast<unsigned>(VectorOpcode::kCount));

}  // namespace

const OpcodeInfo& info(Opcode op) { return kOpcodes[static_cast<unsigned>(op)]; }

const VectorOpcodeInfo& info(VectorOpcode op) { return kVectorOpcodes[static_cast<unsigned>(op)]; }

uint16_t effects(const Inst& inst) {
  if (inst.op == Opcode::kVector) return info(static_cast<VectorOpcode>(inst.aux)).effects;
  return info(inst.op).effects;
}

}  // namespace vireo::tcg
