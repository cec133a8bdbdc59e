#pragma once

#include "tcg/ir/block.h"
#include "util/result.h"

namespace vireo::tcg {

/// Checks everything that passes and backends rely on: operands defined before use and of the types
/// that opcodes.inc asks for, Second directly behind what it belongs to, one ending operation as
/// the last, InsnStart first, register numbers and link slots in range, and no SetReg before the
/// last operation of its instruction that may fault. The error names the first offence.
util::Status verify(const Block& block);

}  // namespace vireo::tcg
