#pragma once

#include <string>

#include "tcg/ir/block.h"

namespace vireo::tcg {

/// One line, without a line break: "v3 = add.i32 v1, v2 {czso}".
std::string to_string(const Block& block, ValueId index);

/// A block as `-d op` shows it, a line an instruction.
std::string to_string(const Block& block);

}  // namespace vireo::tcg
