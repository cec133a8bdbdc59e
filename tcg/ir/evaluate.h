#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "tcg/ir/instruction.h"

namespace vireo::tcg {

/// A vector as in memory: lane 0 first, little-endian lanes.
struct alignas(32) VectorValue {
  uint8_t bytes[32] = {};

  template <class T>
  T lane(unsigned index) const {
    T value;
    std::memcpy(&value, bytes + index * sizeof(T), sizeof(T));
    return value;
  }
  template <class T>
  void set_lane(unsigned index, T value) {
    std::memcpy(bytes + index * sizeof(T), &value, sizeof(T));
  }
};

enum class EvaluationFault : uint8_t { kNone, kDivideError, kSimdException };

/// Operands and results of one vector operation.
struct VectorOperation {
  VectorValue a;
  VectorValue b;
  VectorValue c;
  uint64_t integer = 0;  ///< The integer operand.
  uint8_t imm = 0;
  bool wide = false;    ///< The integer operand or result has 64 bits.
  unsigned bytes = 16;  ///< Of the vector result: 8 for an MMX form, 32 for kCrossLane and kDpps.
  uint32_t mxcsr = 0;   ///< Before; after: with the exception flags raised.

  VectorValue result;
  uint64_t integer_result = 0;
  uint32_t flags = 0;  ///< All arithmetic flags, for what compares.
  bool fault = false;  ///< An unmasked SIMD exception: there is no result.
};
using VectorEvaluator = void (*)(VectorOperation&);

/// How many lanes half of the result has, of an operation on at most 16 bytes.
template <class T>
unsigned half_of_lanes(const VectorOperation& operation) {
  return std::min(operation.bytes, 16u) / sizeof(T) / 2;
}

/// What computes `op`. Before calling it, `result` is a copy of `a` for shapes that keep lanes of
/// it (see keeps_first_operand) and zero for the others.
VectorEvaluator vector_evaluator(VectorOpcode op);
bool keeps_first_operand(VectorOpcode op);

/// A value of any type: integers in the low bits of lane 0, zero-extended.
using Operand = VectorValue;

struct EvaluationResult {
  VectorValue value;
  uint64_t second = 0;  ///< The value of the Second that follows.
  uint32_t flags = 0;   ///< Arithmetic flags after: those of Inst::flags new, the others as before.
  uint32_t mxcsr = 0;
  EvaluationFault fault = EvaluationFault::kNone;

  uint64_t integer() const { return value.lane<uint64_t>(0); }
};

namespace internal {
/// By opcode, see is_pure().
inline constexpr auto kIsPure = [] {
  constexpr uint16_t kMore = kReadsState | kWritesState | kReadsMemory | kWritesMemory |
                             kEndsBlock | kLeavesBlock | kSyncs;
  std::array<bool, static_cast<size_t>(Opcode::kCount)> pure{};
  for (size_t op = 0; op < std::size(kOpcodeEffects); ++op) {
    pure[op] = (kOpcodeEffects[op] & kMore) == 0;
  }
  for (const Opcode op : {Opcode::kSecond, Opcode::kInsnStart, Opcode::kPushReturn}) {
    pure[static_cast<size_t>(op)] = false;
  }
  pure[static_cast<size_t>(Opcode::kVector)] = true;
  return pure;
}();
}  // namespace internal

/// Whether evaluate() can say what `op` computes: it depends on operands, flags and MXCSR alone.
constexpr bool is_pure(Opcode op) { return internal::kIsPure[static_cast<size_t>(op)]; }

/// The meaning of a pure instruction: its results for operands a, b and c (those that it has),
/// the arithmetic flags `flags` and MXCSR before. `source` is the type of operand
/// a, or of b for kVector.
EvaluationResult evaluate(const Inst& inst, Type source, const Operand operands[3], uint32_t flags,
                          uint32_t mxcsr);

/// The same for instructions with integer operands and results only, without moving vectors.
struct IntegerEvaluation {
  uint64_t value = 0;
  uint64_t second = 0;
  uint32_t flags = 0;
  EvaluationFault fault = EvaluationFault::kNone;
};
IntegerEvaluation evaluate_integer(const Inst& inst, Type source, uint64_t a, uint64_t b,
                                   uint64_t c, uint32_t flags);

/// What kRmw stores (`value`) and its flags, given what memory held before and operand b. `type` is
/// an integer type; flags not in `written` stay as in `flags`.
IntegerEvaluation evaluate_rmw(RmwKind kind, Type type, uint64_t before, uint64_t operand,
                               uint32_t flags, FlagMask written);

/// The flags of kCompareExchange: those of `expected` - `before`.
uint32_t evaluate_compare(Type type, uint64_t expected, uint64_t before, uint32_t flags,
                          FlagMask written);

/// The arithmetic flags of a Frame as one word, at their EFLAGS places.
constexpr uint32_t pack_flags(uint8_t overflow, uint8_t low) {
  return (low & (kAllFlags & 0xff)) | (overflow ? uint32_t{kFlagO} : 0);
}

/// The reverse.
constexpr void unpack_flags(uint32_t flags, uint8_t& overflow, uint8_t& low) {
  overflow = (flags & kFlagO) != 0;
  low = static_cast<uint8_t>((flags & kAllFlags & 0xff) | 2);
}

}  // namespace vireo::tcg
