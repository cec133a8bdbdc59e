#pragma once

#include <cstdint>
#include <vector>

#include "tcg/ir/block.h"

namespace vireo::tcg::lockstep {

/// What backends may do differently in a block, because the SDM leaves it undefined.
struct Freedom {
  FlagMask at_exits = kNoFlags;  ///< Arithmetic flags that may differ behind some exit,
  FlagMask anywhere = kNoFlags;  ///< and those that may at some place within.
  /// Something else depends on such a flag, or on an approximation (RCPPS): nothing can be
  /// compared.
  bool is_unpredictable = false;
  bool calls_helpers = false;
  /// A byte a CallHelper, in order: bit i says that it has operand i.
  std::vector<uint8_t> helper_operands;
};

Freedom find_freedom(const Block& block);

}  // namespace vireo::tcg::lockstep
