#pragma once

#include <cstdint>

#include "tcg/ir/instruction.h"

namespace vireo::tcg {

/// Operands and result of a vector operation; see vector_opcodes.inc.
enum class VectorShape : uint8_t {
  kBinary,
  kBinaryImm,
  kMerge,
  kMergeImm,
  kUnary,
  kUnaryImm,
  kExtractImm,
  kShiftImm,
  kFromInteger,
  kFromIntegerImm,
  kToInteger,
  kToIntegerImm,
  kToIntegerRm,
  kToIntegerRmImm,
  kMoveInteger,
  kCompareFlags,
  kFused,
  kWithXmm0,
  kWithFourth,
  kTextMask,
  kTextIndex,
};

/// Encoding forms of a vector operation; see vector_opcodes.inc.
enum VectorForm : uint16_t {
  kMmxDirect = 1 << 0,
  kMmxLow = 1 << 1,
  kMmxOwn = 1 << 2,
  kMmxOperand = 1 << 3,
  kRegisterOnly = 1 << 4,
  kApproximate = 1 << 5,
  kWide = 1 << 6,
  kWideShared = 1 << 7,
  kWidens = 1 << 8,
  kNarrows = 1 << 9,
  kCrossLane = 1 << 10,
  kVexOnly = 1 << 11,
  kVexW1 = 1 << 12,
  kLegacyOnly = 1 << 13,
  kMemoryOnly = 1 << 14,
};
constexpr uint16_t kMmxForms = kMmxDirect | kMmxLow | kMmxOwn;
/// What has a form with 256-bit operands.
constexpr uint16_t kWideForms = kWide | kWidens | kNarrows | kCrossLane;

struct VectorOpcodeInfo {
  const char* text;
  VectorShape shape;
  uint8_t prefix;
  uint16_t opcode;
  Type operand;
  uint16_t forms;    ///< VectorForm.
  uint16_t effects;  ///< Effect.
};
const VectorOpcodeInfo& info(VectorOpcode op);

/// The extension that an operation came with, if it is none of MMX to SSE4 and AVX to FMA.
enum class CryptoExtension : uint8_t { kNone, kAes, kPclmulqdq, kSha };
CryptoExtension crypto_extension(const VectorOpcodeInfo& row);

/// The extension that an operation's VEX encoding came with; `wide`: with 256-bit operands. A
/// broadcast from memory came with AVX already.
enum class VexExtension : uint8_t {
  kAvx,
  kAvx2,
  kFma,
  kF16c,
  kAes,
  kVaes,
  kPclmulqdq,
  kVpclmulqdq,
};
VexExtension vex_extension(const VectorOpcodeInfo& row, bool wide);

constexpr bool compares_text(VectorShape shape) {
  return shape == VectorShape::kTextMask || shape == VectorShape::kTextIndex;
}
constexpr bool has_immediate(VectorShape shape) {
  return shape == VectorShape::kBinaryImm || shape == VectorShape::kMergeImm ||
         shape == VectorShape::kUnaryImm || shape == VectorShape::kExtractImm ||
         shape == VectorShape::kShiftImm || shape == VectorShape::kFromIntegerImm ||
         shape == VectorShape::kToIntegerImm || shape == VectorShape::kToIntegerRmImm ||
         compares_text(shape);
}
/// Whether Inst::c is an operand.
constexpr bool has_third_operand(VectorShape shape) {
  return (shape >= VectorShape::kFused && shape <= VectorShape::kWithFourth) ||
         compares_text(shape);
}
/// Whether Inst::a is an operand (the destination register before).
constexpr bool has_first_operand(VectorShape shape) {
  return shape <= VectorShape::kMergeImm || shape == VectorShape::kShiftImm ||
         shape == VectorShape::kFromInteger || shape == VectorShape::kFromIntegerImm ||
         shape == VectorShape::kCompareFlags || has_third_operand(shape);
}
/// Whether the result is an integer value.
constexpr bool gives_integer(VectorShape shape) {
  return (shape >= VectorShape::kToInteger && shape <= VectorShape::kToIntegerRmImm) ||
         shape == VectorShape::kTextIndex;
}
/// Whether Inst::b is an integer value.
constexpr bool takes_integer(VectorShape shape) {
  return shape == VectorShape::kFromInteger || shape == VectorShape::kFromIntegerImm ||
         shape == VectorShape::kMoveInteger;
}

}  // namespace vireo::tcg
