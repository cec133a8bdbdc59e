// Liveness of the arithmetic flags, backward: an instruction keeps in Inst::flags what is read
// before it is overwritten. Whatever may fault, leave or call shows all flags to the guest.

#include "tcg/opt/pipeline.h"

namespace vireo::tcg {
namespace {

/// Whether `inst` writes all flags in Inst::flags whatever its operands are.
bool always_writes(const Block& block, const Inst& inst) {
  const bool rotates_through = inst.op == Opcode::kRcl || inst.op == Opcode::kRcr;
  const bool double_shift = inst.op == Opcode::kShld || inst.op == Opcode::kShrd;
  const bool shifts = inst.op >= Opcode::kShl && inst.op <= Opcode::kRor;
  if (rotates_through) return false;
  if (!shifts && !double_shift) return true;
  const Inst& count = block.insts[double_shift ? inst.c : inst.b];
  const uint64_t mask = inst.type == Type::kI64 ? 63 : 31;
  return count.op == Opcode::kConstant && (count.imm & mask) != 0;
}

/// Flags that `inst` reads, apart from those that it may leave as they were.
FlagMask reads(const Inst& inst) {
  switch (inst.op) {
    case Opcode::kSetcc:
    case Opcode::kSelect:
      return flags_read_by(static_cast<Condition>(inst.aux));
    case Opcode::kAdc:
    case Opcode::kSbb:
    case Opcode::kRcl:
    case Opcode::kRcr:
      return kFlagC;
    case Opcode::kAdox:
      return kFlagO;
    case Opcode::kGetFlags:
      return kAllFlags;
    default:
      return kNoFlags;
  }
}

}  // namespace

void narrow_flags(Block& block, PassScratch&) {
  constexpr uint16_t kShowsAll = kMayFault | kSyncs | kLeavesBlock | kEndsBlock;
  FlagMask live = kAllFlags;
  for (size_t id = block.insts.size(); id-- > 0;) {
    Inst& inst = block.insts[id];
    if (inst.flags) {
      inst.flags &= live;
      if (inst.flags && always_writes(block, inst)) live &= static_cast<FlagMask>(~inst.flags);
    }
    live |= effects(inst) & kShowsAll ? FlagMask{kAllFlags} : reads(inst);
  }
}

}  // namespace vireo::tcg
