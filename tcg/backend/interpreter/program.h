#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tcg/backend/backend.h"

namespace vireo::tcg::interpreter {

struct Machine;
struct Operation;

/// Does an operation; returns the next one, or nullptr to leave run().
using Handler = const Operation* (*)(Machine& machine, const Operation* operation);

/// An IR instruction ready to run: operands are places in the value array.
struct Operation {
  Handler handler;
  uint64_t imm;
  uint16_t result, a, b, c;
  uint16_t aux;
  FlagMask flags;
  uint8_t extra;
  Type type;
  Type source;  ///< The type of operand a (of b for kVector and kStore).
  Opcode op;
};

/// Value places are 64-bit words. Absent operands read kZeroPlace, absent results go to kSink.
/// A vector takes four words and is kept zero-extended.
constexpr unsigned kZeroPlace = 0;
constexpr unsigned kSinkPlace = 4;
constexpr unsigned kFirstPlace = 8;
constexpr unsigned kMaximumPlaces = 1u << 14;

/// A translation. `links` are the blocks that its direct exits go to, read without a lock.
struct Program {
  TranslatedBlock block;
  std::vector<Operation> operations;
  std::array<TranslatedBlock*, 2> links = {};
};

inline Program* program_of(const TranslatedBlock* block) {
  return static_cast<Program*>(block->backend_data);
}

/// The handler of `inst`; nullptr if it breaks the rules of the IR (see verify()).
Handler handler_of(const Inst& inst);
Handler pure_handler(const Inst& inst);     ///< Integer arithmetic; nullptr for other opcodes.
Handler memory_handler(const Inst& inst);   ///< Guest memory; nullptr for other opcodes.
Handler control_handler(const Inst& inst);  ///< Exits, branches and calls; nullptr for others.

}  // namespace vireo::tcg::interpreter
