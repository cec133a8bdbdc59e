// The opcode tables, made from opcodes.inc and vector_opcodes.inc.

#include "tcg/ir/instruction.h"

#include <string_view>

#include "tcg/ir/vector_info.h"

namespace vireo::tcg {
namespace {

using enum OpcodeInfo::ResultKind;
constexpr OpcodeInfo kOpcodes[] = {
#define OP(name, text, operands, result, effects, meaning) {text, operands, result},
#include "tcg/ir/opcodes.inc"
#undef OP
    {"vector", 2, kTyped},  // Its rows are kVectorOpcodes.
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

uint16_t effects(VectorOpcode op) { return info(op).effects; }

CryptoExtension crypto_extension(const VectorOpcodeInfo& row) {
  const unsigned opcode = row.opcode;
  if ((opcode >= 0x38db && opcode <= 0x38df) || opcode == 0x3adf) return CryptoExtension::kAes;
  if (opcode == 0x3a44) return CryptoExtension::kPclmulqdq;
  const bool is_sha = (opcode >= 0x38c8 && opcode <= 0x38cd) || opcode == 0x3acc;
  return is_sha ? CryptoExtension::kSha : CryptoExtension::kNone;
}

VexExtension vex_extension(const VectorOpcodeInfo& row, bool wide) {
  const std::string_view text = row.text;
  const CryptoExtension crypto = crypto_extension(row);
  if (crypto == CryptoExtension::kAes) return wide ? VexExtension::kVaes : VexExtension::kAes;
  if (crypto == CryptoExtension::kPclmulqdq) {
    return wide ? VexExtension::kVpclmulqdq : VexExtension::kPclmulqdq;
  }
  if (row.shape == VectorShape::kFused) return VexExtension::kFma;
  if (!(row.forms & kVexOnly)) {
    // Integer operations got their 256-bit forms with AVX2.
    const bool integer = text[0] == 'p' && text != "ptest";
    return wide && integer ? VexExtension::kAvx2 : VexExtension::kAvx;
  }
  if (text.starts_with("vcvt")) return VexExtension::kF16c;
  const bool with_avx = text.starts_with("vpermil") || text.ends_with("f128") ||
                        text.starts_with("vtest") || text.starts_with("vblendv") ||
                        (text == "vpblendvb" && !wide);
  return with_avx ? VexExtension::kAvx : VexExtension::kAvx2;
}

}  // namespace vireo::tcg
