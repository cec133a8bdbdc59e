// Which arithmetic flags an instruction needs, and which it leaves as they were.

#include "tcg/ir/flag_use.h"

namespace vireo::tcg::internal {

bool always_writes_flags(const Block& block, const Inst& inst) {
  if (inst.op == Opcode::kRmw) {
    const auto kind = static_cast<RmwKind>(inst.aux);
    if (kind == RmwKind::kExchange || kind == RmwKind::kNot) return inst.flags == 0;
  }
  const bool double_shift = inst.op == Opcode::kShld || inst.op == Opcode::kShrd;
  const bool shifts = inst.op >= Opcode::kShl && inst.op <= Opcode::kRcr;
  const bool rmw_shifts = inst.op == Opcode::kRmw &&
                          inst.aux >= static_cast<uint16_t>(RmwKind::kShl) &&
                          inst.aux <= static_cast<uint16_t>(RmwKind::kRcr);
  if (!shifts && !double_shift && !rmw_shifts) return true;
  const Inst& count = block.insts[double_shift ? inst.c : inst.b];
  const uint64_t mask = inst.type == Type::kI64 ? 63 : 31;
  return count.op == Opcode::kConstant && (count.imm & mask) != 0 && inst.op != Opcode::kRcl &&
         inst.op != Opcode::kRcr;
}

FlagMask flags_read(const Block& block, const Inst& inst) {
  const bool writes = internal::always_writes_flags(block, inst);
  return flags_used(inst) | (writes ? FlagMask{kNoFlags} : inst.flags);
}

}  // namespace vireo::tcg::internal

namespace vireo::tcg {
namespace {

// FCMOVcc: DA and DB, /0 to /3.
FlagMask flags_used_by_x87(unsigned code) {
  constexpr FlagMask kUsed[] = {kFlagC, kFlagZ, kFlagC | kFlagZ, kFlagP};
  const unsigned opcode = code >> 8, modrm = code & 0xff;
  const bool moves = (opcode == 0xda || opcode == 0xdb) && modrm >= 0xc0 && modrm < 0xe0;
  return moves ? kUsed[modrm >> 3 & 3] : FlagMask{kNoFlags};
}

}  // namespace

FlagMask flags_used(const Inst& inst) {
  switch (inst.op) {
    case Opcode::kSetcc:
    case Opcode::kSelect:
    case Opcode::kBranchFlags:
      return flags_read_by(static_cast<Condition>(inst.aux));
    case Opcode::kGetFlags:
      return kAllFlags;
    case Opcode::kAdc:
    case Opcode::kSbb:
    case Opcode::kRcl:
    case Opcode::kRcr:
      return kFlagC;
    case Opcode::kAdox:
      return kFlagO;
    case Opcode::kRmw: {
      const auto kind = static_cast<RmwKind>(inst.aux);
      const bool reads = kind == RmwKind::kAdc || kind == RmwKind::kSbb || kind == RmwKind::kRcl ||
                         kind == RmwKind::kRcr;
      return reads ? FlagMask{kFlagC} : FlagMask{kNoFlags};
    }
    case Opcode::kX87:
      return flags_used_by_x87(inst.aux);
    default:
      return kNoFlags;
  }
}

}  // namespace vireo::tcg
