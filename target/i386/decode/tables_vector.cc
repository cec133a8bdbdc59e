// The encodings of the vector operations, made from tcg/ir/vector_opcodes.inc: an SSE one, an MMX
// one or both (SDM volume 2, tables ).

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "target/i386/decode/tables.h"
#include "target/i386/translate/translator.h"
#include "tcg/ir/vector_info.h"

namespace vireo::i386 {
namespace {

using tcg::Type;
using tcg::VectorOpcode;
using tcg::VectorOpcodeInfo;
using tcg::VectorShape;

Width width_of(Type type) {
  switch (type) {
    case Type::kI8:
      return Width::kB;
    case Type::kI16:
      return Width::kW;
    case Type::kI32:
      return Width::kY;
    case Type::kV32:
      return Width::kD;
    case Type::kV64:
      return Width::kQ;
    default:
      return Width::kDq;
  }
}

bool is_broadcast(const VectorOpcodeInfo& op) {
  return std::string_view(op.text).find("broadcast") != std::string_view::npos;
}

/// Moves, and operations whose register and memory forms differ: they stand in
/// tables_simd_moves.cc.
bool is_written_out(const VectorOpcodeInfo& op) {
  return op.shape == VectorShape::kMoveInteger || op.shape == VectorShape::kToIntegerRm ||
         op.shape == VectorShape::kToIntegerRmImm || op.opcode == 0x3a20 || op.opcode == 0x3a21 ||
         op.opcode == 0x3a22 || op.shape == VectorShape::kExtractImm || is_broadcast(op);
}

OperandSpec integer_operand(const VectorOpcodeInfo& op) {
  if (op.shape == VectorShape::kFromIntegerImm) return {Place::kE, Width::kD, width_of(op.operand)};
  return {Place::kE, width_of(op.operand)};
}

/// Both forms differ in the letters only: V, W, U for XMM registers; P, Q, N for MMX registers.
OperandSpecs operands_of(const VectorOpcodeInfo& op, bool mmx) {
  // CVTPI2PS and its kind take an MMX register (opcode 2A) or give one (2C, 2D).
  const bool converts = op.forms & tcg::kMmxOperand;
  const bool mmx_target = mmx || (converts && op.opcode != 0x2a);
  const bool mmx_source = mmx || (converts && op.opcode == 0x2a);
  const bool register_only = op.forms & tcg::kRegisterOnly;
  const Width wide = mmx ? Width::kQ : Width::kDq;
  const OperandSpec target{mmx_target ? Place::kP : Place::kV, mmx_target ? Width::kQ : Width::kDq};
  // PUNPCKLBW, PUNPCKLWD and PUNPCKLDQ read no more than they take.
  const Width mmx_memory = op.opcode >= 0x60 && op.opcode <= 0x62 ? Width::kD : Width::kQ;
  const Width memory = mmx ? mmx_memory : width_of(op.operand);
  const Place source_place = mmx_source ? (register_only ? Place::kN : Place::kQ)
                                        : (register_only ? Place::kU : Place::kW);
  const OperandSpec source{source_place, mmx_source ? Width::kQ : wide, memory};
  const OperandSpec immediate{Place::kI, Width::kB};
  switch (op.shape) {
    case VectorShape::kShiftImm:
      return {OperandSpec{mmx ? Place::kN : Place::kU, wide}, immediate};
    case VectorShape::kFromInteger:
      return {target, integer_operand(op)};
    case VectorShape::kFromIntegerImm:
      return {target, integer_operand(op), immediate};
    case VectorShape::kToInteger:
      return {OperandSpec{Place::kG, Width::kY}, source};
    case VectorShape::kToIntegerImm:
      return {OperandSpec{Place::kG, Width::kD}, source, immediate};
    default:
      return {target, source, has_immediate(op.shape) ? immediate : OperandSpec{}};
  }
}

bool is_sse3(uint16_t opcode, uint8_t prefix) {
  return opcode == 0x7c || opcode == 0x7d || opcode == 0xd0 || (opcode == 0x12 && prefix != 0) ||
         (opcode == 0x16 && prefix == 0xf3);
}

/// The CPUID bit that an SSE encoding came with (SDM volume 1, 5.5 to 5.10).
Feature sse_feature(const VectorOpcodeInfo& op) {
  switch (crypto_extension(op)) {
    case tcg::CryptoExtension::kAes:
      return Feature::kAes;
    case tcg::CryptoExtension::kPclmulqdq:
      return Feature::kPclmulqdq;
    case tcg::CryptoExtension::kSha:
      return Feature::kShaNi;
    default:
      break;
  }
  const unsigned map = op.opcode >> 8;
  if (map == 0x38 || map == 0x3a) {
    const uint8_t low = op.opcode & 0xff;
    const bool is_ssse3 = map == 0x38 ? low <= 0x0b || (low >= 0x1c && low <= 0x1e) : low == 0x0f;
    if (is_ssse3) return Feature::kSsse3;
    const bool is_sse42 = op.opcode == 0x3837 || compares_text(op.shape);
    return is_sse42 ? Feature::kSse42 : Feature::kSse41;
  }
  if (is_sse3(op.opcode, op.prefix)) return Feature::kSse3;
  const bool converts = op.opcode == 0x5a || op.opcode == 0x5b || op.opcode == 0xe6;
  const bool is_sse = (op.prefix == 0 || op.prefix == 0xf3) && !converts && op.opcode != 0x70;
  return is_sse ? Feature::kSse : Feature::kSse2;
}

/// MMX encodings came with MMX itself, with SSE (0F70, C4, C5, D7, DA and on), SSE2 or SSSE3.
Attributes mmx_needs(const VectorOpcodeInfo& op) {
  switch (op.opcode) {
    case 0x70:
    case 0xc4:
    case 0xc5:
    case 0xd7:
    case 0xda:
    case 0xde:
    case 0xe0:
    case 0xe3:
    case 0xe4:
    case 0xea:
    case 0xee:
    case 0xf6:
      return needs(Feature::kSse) | or_mmxext;
    case 0xd4:
    case 0xfb:
    case 0xf4:
      return needs(Feature::kSse2);
    default:
      return needs(op.opcode >> 8 == 0x38 || op.opcode >> 8 == 0x3a ? Feature::kSsse3
                                                                    : Feature::kMmx);
  }
}

Attributes prefix_of(uint8_t prefix) {
  switch (prefix) {
    case 0x66:
      return prefix_66;
    case 0xf3:
      return prefix_f3;
    case 0xf2:
      return prefix_f2;
    default:
      return prefix_none;
  }
}

Row make_row(const VectorOpcodeInfo& op, VectorOpcode number, bool mmx) {
  const bool is_shift = op.shape == VectorShape::kShiftImm;
  Attributes attributes = mmx ? prefix_none | uses_mmx | mmx_needs(op)
                              : prefix_of(op.prefix) | uses_sse | needs(sse_feature(op));
  if (op.forms & tcg::kMmxOperand) attributes |= uses_mmx;
  if ((op.forms & tcg::kRegisterOnly) || is_shift) attributes |= register_only;
  if (is_shift) attributes |= reg(op.opcode & 7);
  if (compares_text(op.shape)) attributes |= unaligned;
  return {static_cast<uint8_t>(is_shift ? op.opcode >> 8 : op.opcode & 0xff),
          op.text,
          operands_of(op, mmx),
          attributes,
          &Translator::vector_operation,
          static_cast<uint16_t>(number)};
}

bool has_vex_form(const VectorOpcodeInfo& op) {
  return !(op.forms & (tcg::kMmxOperand | tcg::kLegacyOnly)) &&
         !((op.forms & tcg::kMmxOwn) && op.prefix == 0);
}

/// The CPUID bit of a VEX encoding with VEX.L as `wide` says.
Feature vex_feature(const VectorOpcodeInfo& op, bool wide) {
  switch (vex_extension(op, wide)) {
    case tcg::VexExtension::kFma:
      return Feature::kFma;
    case tcg::VexExtension::kF16c:
      return Feature::kF16c;
    case tcg::VexExtension::kAvx2:
      return Feature::kAvx2;
    case tcg::VexExtension::kAes:
      return Feature::kAes;
    case tcg::VexExtension::kVaes:
      return Feature::kVaes;
    case tcg::VexExtension::kPclmulqdq:
      return Feature::kPclmulqdq;
    case tcg::VexExtension::kVpclmulqdq:
      return Feature::kVpclmulqdq;
    default:
      return Feature::kAvx;
  }
}

/// Operands and results in one lane only, so that VEX.L does not matter.
bool is_scalar(const VectorOpcodeInfo& op) {
  const bool narrow = op.operand == Type::kV32 || op.operand == Type::kV64;
  switch (op.shape) {
    case VectorShape::kFromInteger:
      return true;
    case VectorShape::kMerge:
    case VectorShape::kMergeImm:
    case VectorShape::kToInteger:
    case VectorShape::kCompareFlags:
      return narrow && op.opcode != 0x16;
    case VectorShape::kFused:
      return narrow;
    default:
      return false;
  }
}

/// The width of operand b in a VEX encoding: in a register, and in memory.
OperandSpec vex_source(const VectorOpcodeInfo& op) {
  const Place place = op.forms & tcg::kRegisterOnly ? Place::kU : Place::kW;
  if (op.forms & tcg::kWideShared) return {place, Width::kDq, width_of(op.operand)};
  if (op.forms & tcg::kWidens) {
    const bool bytes_to_quadwords = (op.opcode & 0xff) == 0x22 || (op.opcode & 0xff) == 0x32;
    return {place, Width::kDq,
            bytes_to_quadwords         ? Width::kXe
            : op.operand == Type::kV32 ? Width::kXq
                                       : Width::kXh};
  }
  if (op.operand == Type::kV256) return {place, Width::kQq};
  const bool duplicates_low = op.operand == Type::kV64 && (op.forms & tcg::kWide);
  if (duplicates_low) return {place, Width::kX, Width::kXl};
  if (op.forms & (tcg::kWide | tcg::kNarrows)) return {place, Width::kX};
  return {place, Width::kDq, width_of(op.operand)};
}

/// Whether a VEX encoding has no operand in VEX.vvvv.
bool is_of_two(VectorShape shape) {
  return !has_first_operand(shape) || shape == VectorShape::kCompareFlags || compares_text(shape);
}

OperandSpecs vex_operands_of(const VectorOpcodeInfo& op) {
  const Width width =
      op.forms & (tcg::kWide | tcg::kWidens | tcg::kCrossLane) ? Width::kX : Width::kDq;
  const OperandSpec target{Place::kV, width}, first{Place::kH, width};
  const OperandSpec source = vex_source(op), immediate{Place::kI, Width::kB};
  const OperandSpec last = has_immediate(op.shape)                ? immediate
                           : op.shape == VectorShape::kWithFourth ? OperandSpec{Place::kL, width}
                                                                  : OperandSpec{};
  switch (op.shape) {
    case VectorShape::kShiftImm:
      return {first, OperandSpec{Place::kU, width}, immediate};
    case VectorShape::kFromInteger:
    case VectorShape::kFromIntegerImm:
      return {target, first, integer_operand(op), last};
    case VectorShape::kToInteger:
      return {OperandSpec{Place::kG, Width::kY}, source};
    case VectorShape::kToIntegerImm:
      return {OperandSpec{Place::kG, Width::kD}, source, immediate};
    default:
      if (is_of_two(op.shape)) return {target, source, last};
      return {target, first, source, last};
  }
}

/// `extra`: what is demanded of VEX.L.
Row make_vex_row(const VectorOpcodeInfo& op, VectorOpcode number, Attributes extra, bool wide) {
  static std::deque<std::string> names;  // What rows point to.
  const bool is_shift = op.shape == VectorShape::kShiftImm;
  const bool has_w = op.forms & tcg::kVexOnly;
  Attributes attributes =
      extra | vex | uses_avx | unaligned | prefix_of(op.prefix) | needs(vex_feature(op, wide));
  if (has_w) attributes |= op.forms & tcg::kVexW1 ? vex_w1 : vex_w0;
  if ((op.forms & tcg::kRegisterOnly) || is_shift) attributes |= register_only;
  if (is_shift) attributes |= reg(op.opcode & 7);
  if (!has_w) names.push_back(std::string("v") + op.text);
  return {static_cast<uint8_t>(is_shift ? op.opcode >> 8 : op.opcode & 0xff),
          has_w ? op.text : names.back().c_str(),
          vex_operands_of(op),
          attributes,
          &Translator::vector_operation,
          static_cast<uint16_t>(number)};
}

void add_vex_rows(const VectorOpcodeInfo& op, VectorOpcode number, std::vector<Row>& rows) {
  if (!has_vex_form(op)) return;
  if (is_scalar(op)) return rows.push_back(make_vex_row(op, number, 0, false));
  if (!(op.forms & tcg::kCrossLane)) rows.push_back(make_vex_row(op, number, vex_l0, false));
  if (op.forms & tcg::kWideForms) rows.push_back(make_vex_row(op, number, vex_l1, true));
}

Map map_of(const VectorOpcodeInfo& op) {
  if (op.shape == VectorShape::kShiftImm) return Map::k0f;
  return op.opcode >> 8 == 0x38 ? Map::k0f38 : op.opcode >> 8 == 0x3a ? Map::k0f3a : Map::k0f;
}

std::vector<Row> make_rows(Map map) {
  std::vector<Row> rows;
  for (unsigned i = 0; i < static_cast<unsigned>(VectorOpcode::kCount); ++i) {
    const auto number = static_cast<VectorOpcode>(i);
    const VectorOpcodeInfo& op = tcg::info(number);
    if (is_written_out(op) || map_of(op) != map) continue;
    const bool mmx_only = (op.forms & tcg::kMmxOwn) && op.prefix == 0;
    add_vex_rows(op, number, rows);
    if (op.forms & tcg::kVexOnly) continue;
    if (!mmx_only) rows.push_back(make_row(op, number, false));
    if (op.forms & tcg::kMmxForms) rows.push_back(make_row(op, number, true));
  }
  return rows;
}

}  // namespace

std::span<const Row> vector_rows(Map map) {
  static const std::vector<Row> kRows[] = {
      {}, make_rows(Map::k0f), make_rows(Map::k0f38), make_rows(Map::k0f3a)};
  return kRows[static_cast<unsigned>(map)];
}

}  // namespace vireo::i386
