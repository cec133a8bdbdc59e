#pragma once

// Random blocks for the tests of passes and backends.

#include <random>
#include <vector>

#include "tcg/ir/builder.h"

namespace vireo::tcg {

/// Makes verified blocks of random arithmetic on registers, flags, vectors and memory at `memory`
/// (guest-virtual, 4 KiB), with side exits. Division and unmasked exceptions do
/// not occur, and what the SDM leaves undefined does not show, so that all backends must agree.
class BlockGenerator {
 public:
  BlockGenerator(uint32_t seed, uint64_t memory) : random_(seed), memory_(memory) {}

  void generate(Block* block, unsigned instructions);

 private:
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  Type integer_type() { return static_cast<Type>(1 + below(4)); }
  FlagMask some_flags() { return below(2) ? kAllFlags : kNoFlags; }
  Condition condition() { return static_cast<Condition>(below(16)); }
  Value operand(Builder& builder, Type type);
  Value compute(Builder& builder, Type type);
  Value compute_shift(Builder& builder, Type type);
  Value compute_other(Builder& builder, Type type);
  VectorOpcode any_vector_opcode();
  VectorOpcode vector_opcode();
  void compare_text(Builder& builder, VectorOpcode op, Value a, Value b);
  void vector_instruction(Builder& builder);
  Value wide_operand(Builder& builder, Type type);
  void wide_vector_instruction(Builder& builder);
  void memory_instruction(Builder& builder);
  void instruction(Builder& builder);

  std::mt19937 random_;
  uint64_t memory_;
};

}  // namespace vireo::tcg
