#pragma once

#include "tcg/ir/block.h"

namespace vireo::tcg {

/// Effects that show all flags to the guest before the instruction is over.
constexpr uint16_t kShowsFlags = kMayFault | kSyncs | kLeavesBlock | kEndsBlock;

/// Flags that the instruction computes with.
FlagMask flags_used(const Inst& inst);

namespace internal {
/// The functions below, for opcodes that both read and write flags, and that read them.
bool always_writes_flags(const Block& block, const Inst& inst);
FlagMask flags_read(const Block& block, const Inst& inst);
}  // namespace internal

/// Whether the instruction writes all of Inst::flags whatever its operands are. Shifts may not.
inline bool always_writes_flags(const Block& block, const Inst& inst) {
  constexpr uint16_t kBoth = kReadsFlags | kWritesFlags;
  return (effects(inst) & kBoth) != kBoth || internal::always_writes_flags(block, inst);
}

/// flags_used() and those of Inst::flags that it may leave as they were; not what it may show by
/// faulting.
inline FlagMask flags_read(const Block& block, const Inst& inst) {
  return effects(inst) & kReadsFlags ? internal::flags_read(block, inst) : FlagMask{kNoFlags};
}

}  // namespace vireo::tcg
