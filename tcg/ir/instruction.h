#pragma once

#include <cstdint>

#include "tcg/ir/types.h"

namespace vireo::tcg {

enum class Opcode : uint16_t {
#define OP(name, ...) k##name,
#include "tcg/ir/opcodes.inc"
#undef OP
  kVector,  ///< An operation of vector_opcodes.inc; Inst::aux is its VectorOpcode.
  kCount,
};

/// Vector operations: each names what one x86 instruction does (see vector_opcodes.inc).
enum class VectorOpcode : uint16_t {
#define VOP(name, ...) k##name,
#include "tcg/ir/vector_opcodes.inc"
#undef VOP
  kCount,
};

/// Effects of an opcode; see opcodes.inc.
enum Effect : uint16_t {
  kReadsFlags = 1 << 0,
  kWritesFlags = 1 << 1,
  kMayFault = 1 << 2,
  kReadsState = 1 << 3,
  kWritesState = 1 << 4,
  kReadsMemory = 1 << 5,
  kWritesMemory = 1 << 6,
  kEndsBlock = 1 << 7,
  kLeavesBlock = 1 << 8,
  kSyncs = 1 << 9,  ///< The whole guest state is in memory during it (full synchronisation).
};

/// An SSA value: the index in Block::insts of the instruction that makes it.
using ValueId = uint16_t;
constexpr ValueId kNoValue = 0xffff;

/// Inst::extra of memory operations: access modes.
enum MemoryFlags : uint8_t {
  kMemoryLocked = 1 << 0,   ///< Atomic (a LOCK prefix, or XCHG).
  kMemoryAligned = 1 << 1,  ///< #GP(0) unless aligned to its 16 or 32 bytes (vector operands).
  kMemoryUser =
      1 << 2,  ///< Accessed with user privilege (else supervisor): selects the TLB context.
  kMemoryStack = 1 << 3,  ///< A stack access (its own fault where an address is impossible).
  /// A hint with stores of aligned vectors: past the caches, in no order with others until a fence.
  kMemoryNonTemporal = 1 << 4,
};
/// Those that hooks know nothing of.
constexpr uint8_t kMemoryHints = kMemoryNonTemporal;

/// Inst::extra of a call: what a backend may do itself instead (bits 7:5), and the call's own
/// flags.
enum CallKind : uint8_t {
  kPlainCall = 0,
  /// x86's REP MOVS or REP STOS with 64-bit addresses and without segment bases, as long as operand
  /// c is 0 (forward): StringFlags. Guest registers 0 (what to store), 1 (count), 6 and 7 (from,
  /// to) are as in the instruction.
  kStringCall = 1 << 5,
  /// x86's CMPXCHG8B or CMPXCHG16B at linear address a: PairFlags. Guest registers 2:0 (what is
  /// expected, and what was found) and 1:3 (the replacement) are as in the instruction.
  kPairCall = 2 << 5,
  /// x86's gathers (VPGATHERDD and its kind) with 64-bit addresses and without segment bases.
  /// Operand a is the address without index, b a constant: a Gather's bits.
  kGatherCall = 3 << 5,
  /// x86's LDMXCSR with value a, as long as a's bits 31:16 are clear.
  kMxcsrCall = 4 << 5,
  /// x86's VMASKMOVPS and its kind at linear address a: MaskedFlags. Operand b is a constant: a
  /// MaskedMove's bits.
  kMaskedCall = 5 << 5,
};
constexpr uint8_t kCallKind = 7 << 5;
constexpr uint8_t kCallUser = 1 << 3;  ///< With user privilege; of calls that access memory.

enum StringFlags : uint8_t {
  kStringScale = 3,        ///< Logarithm of the bytes of an element.
  kStringStores = 1 << 2,  ///< STOS, else MOVS.
};
constexpr unsigned kStringKinds = 1 << 4;  ///< Combinations of these with kCallUser.

enum PairFlags : uint8_t {
  kPairWide = 1 << 0,    ///< 16 bytes, which are aligned or fault, else 8.
  kPairLocked = 1 << 1,  ///< Atomic.
};

enum MaskedFlags : uint8_t {
  kMaskedStore = 1 << 0,  ///< Else a load.
};

/// What a gather works on: vector registers, sizes in bytes.
struct Gather {
  uint8_t target, mask, indexes;
  uint8_t element, index;
  uint8_t count;  ///< Of elements.
  uint8_t scale;  ///< Of indexes, as a power of two.
  uint8_t unused = 0;
};

/// What a masked move works on: vector registers, sizes in bytes.
struct MaskedMove {
  uint8_t data, mask;
  uint8_t element;
  uint8_t bytes;  ///< Of the vector.
};

/// One IR instruction; lives in Block::insts; its index is its value.
struct Inst {
  Opcode op = Opcode::kConstant;
  Type type = Type::kVoid;
  uint8_t extra = 0;  ///< MemoryFlags, or a link slot (0, 1), or as the opcode row says.
  FlagMask flags =
      kNoFlags;      ///< Arithmetic flags that this instruction must write (liveness narrows them).
  uint16_t aux = 0;  ///< Register, condition, shift, RmwKind, VectorOpcode or helper, by opcode.
  ValueId a = kNoValue;
  ValueId b = kNoValue;
  ValueId c = kNoValue;
  uint64_t imm = 0;
};
static_assert(sizeof(Inst) == 24);

/// Whether it accesses guest memory at a + imm; `extra` is MemoryFlags.
constexpr bool is_memory(Opcode op) {
  return (op >= Opcode::kLoad && op <= Opcode::kProbe) || op == Opcode::kX87Load ||
         op == Opcode::kX87Store;
}

/// What the opcode table says of an opcode.
struct OpcodeInfo {
  const char* text;
  uint8_t operands;
  enum class ResultKind : uint8_t { kNone, kTyped, kByte, kFlags32 } result;
};
const OpcodeInfo& info(Opcode op);

/// Sums of Effect, by opcode; a vector operation's come from its own row.
inline constexpr uint16_t kOpcodeEffects[] = {
#define OP(name, text, operands, result, effects, meaning) effects,
#include "tcg/ir/opcodes.inc"
#undef OP
};
uint16_t effects(VectorOpcode op);

/// Effects of this very instruction.
inline uint16_t effects(const Inst& inst) {
  if (inst.op == Opcode::kVector) return effects(static_cast<VectorOpcode>(inst.aux));
  return kOpcodeEffects[static_cast<unsigned>(inst.op)];
}

}  // namespace vireo::tcg
