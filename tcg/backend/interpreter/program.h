#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tcg/backend/backend.h"

namespace vireo::tcg::interpreter {

struct Machine;
struct Operation;

/// Does an operation; returns the next one, or nullptr to leave run(). `values` are the words of
/// the Frame.
using Handler = const Operation* (*)(Machine& machine, uint64_t* values, const Operation* o);

/// An IR instruction ready to run: operands are places.
struct Operation {
  Handler handler;
  uint64_t imm;
  uint16_t code;  ///< code_of() what the loop does itself; anything else goes to `handler`.
  uint16_t result, a, b, c;
  uint16_t aux;
  FlagMask flags;
  Opcode op;
  uint8_t extra;
  Type type;
  Type source;  ///< The type of operand a (of b for kVector and kStore).
};

/// Forms of an operation that the loop knows.
enum Form : unsigned {
  kFlagless = 1,   ///< Leaves the flags alone.
  kUser = 1,       ///< Of Load and Store: with user privilege.
  kImmediate = 2,  ///< Operand b is `imm`; of Address: there is none.
  kIndexed = 2,    ///< Of Load and Store: the address has an index (b; c of Store), shifted by aux.
};

constexpr uint16_t kByHandler = 0;
/// `width` is that of the type (0 for i8, up to 3 for i64).
constexpr uint16_t code_of(Opcode op, unsigned width, unsigned form) {
  return static_cast<uint16_t>((static_cast<unsigned>(op) + 1) << 4 | width << 2 | form);
}
/// Of operations that depend on a condition.
constexpr uint16_t code_of(Opcode op, Condition condition) {
  return code_of(op, static_cast<unsigned>(condition) >> 2, static_cast<unsigned>(condition) & 3);
}

/// Of Sub or And with the BranchFlags that is the next operation; `form` is 0 or kImmediate.
constexpr uint16_t code_of_test(Opcode op, unsigned width, unsigned form, Condition condition) {
  const unsigned which = (op == Opcode::kAnd ? 8 : 0) | width << 1 | (form & kImmediate ? 1 : 0);
  return static_cast<uint16_t>((static_cast<unsigned>(Opcode::kCount) + 1 + which) << 4 |
                               static_cast<unsigned>(condition));
}

/// Places are 64-bit words of the Frame: the guest's registers where they are, and values in the
/// spill area. A vector takes four words and is kept zero-extended; an integer is read at its
/// width. Absent operands read kZeroPlace, absent results go to kSinkPlace.
constexpr unsigned kRegisterPlace = offsetof(Frame, general) / 8;
constexpr unsigned kZeroPlace = offsetof(Frame, spill) / 8;
constexpr unsigned kSinkPlace = kZeroPlace + 4;
constexpr unsigned kFirstPlace = kSinkPlace + 4;
constexpr unsigned kEndPlace = kZeroPlace + sizeof(Frame::spill) / 8;

/// A translation. `links` are the blocks that its direct exits go to, read without a lock.
struct Program : TranslatedBlock {
  std::vector<Operation> operations;
  std::vector<uint64_t> ips;  ///< The guest IP of each operation.
  std::array<TranslatedBlock*, 2> links = {};
  const CodePage* second = nullptr;  ///< See Backend::compile().
};

inline Program* program_of(TranslatedBlock* block) { return static_cast<Program*>(block); }
inline const Program* program_of(const TranslatedBlock* block) {
  return static_cast<const Program*>(block);
}

/// The handler of an operation that the loop has no code for; nullptr for the others.
Handler handler_of(const Inst& inst);
Handler pure_handler(const Inst& inst);     ///< Integer arithmetic; nullptr for other opcodes.
Handler memory_handler(const Inst& inst);   ///< Guest memory; nullptr for other opcodes.
Handler control_handler(const Inst& inst);  ///< Exits, branches and calls; nullptr for others.

/// Runs from the operation until a handler leaves.
void interpret(Machine& machine, const Operation* o);

}  // namespace vireo::tcg::interpreter
