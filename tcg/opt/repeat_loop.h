#pragma once

#include "tcg/opt/pipeline.h"

namespace vireo::tcg {

/// A pass, to run before all others: a block that ends in a branch back into itself, but not to its
/// beginning, goes on with two more iterations.
void repeat_inner_loop(Block& block, PassScratch& scratch);

/// Whether the block is the body of a loop and nothing else, and repeat_self_loop() can repeat it.
bool is_self_loop(const Block& block);
/// Makes such a block, before or after the passes, one of up to four iterations.
void repeat_self_loop(Block& block);

}  // namespace vireo::tcg
