// Follows flags that the SDM leaves undefined through a block (SDM volume 2, the "Flags affected"
// of each instruction).

#include "tcg/backend/lockstep/undefined_flags.h"

#include "tcg/ir/flag_use.h"
#include "tcg/ir/vector_info.h"

namespace vireo::tcg::lockstep {
namespace {

/// The constant that `id` is, masked as a shift count; -1: not known now.
int constant_count(const Block& block, ValueId id, Type type) {
  const Inst& count = block.insts[id];
  if (count.op != Opcode::kConstant) return -1;
  return static_cast<int>(count.imm & (type == Type::kI64 ? 63 : 31));
}

FlagMask undefined_after_shift(int count, Type type, bool keeps_carry) {
  FlagMask flags = kFlagA;
  if (count != 1) flags |= kFlagO;
  const bool may_exceed =
      type < Type::kI32 && (count < 0 || count >= static_cast<int>(bits_of(type)));
  if (may_exceed && !keeps_carry) flags |= kFlagC;
  return flags;
}

FlagMask undefined_after_rotate(int count) { return count == 1 ? kNoFlags : FlagMask{kFlagO}; }

FlagMask undefined_after(const Block& block, const Inst& inst) {
  constexpr FlagMask kResult = kFlagS | kFlagZ | kFlagA | kFlagP;
  switch (inst.op) {
    case Opcode::kAnd:
    case Opcode::kOr:
    case Opcode::kXor:
      return kFlagA;
    case Opcode::kShl:
    case Opcode::kShr:
      return undefined_after_shift(constant_count(block, inst.b, inst.type), inst.type, false);
    case Opcode::kSar:
      return undefined_after_shift(constant_count(block, inst.b, inst.type), inst.type, true);
    case Opcode::kRol:
    case Opcode::kRor:
    case Opcode::kRcl:
    case Opcode::kRcr:
      return undefined_after_rotate(constant_count(block, inst.b, inst.type));
    case Opcode::kShld:
    case Opcode::kShrd:
      if (inst.type < Type::kI32) return kAllFlags;
      return undefined_after_shift(constant_count(block, inst.c, inst.type), inst.type, false);
    case Opcode::kMul:
    case Opcode::kMulWideU:
    case Opcode::kMulWideS:
      return kResult;
    case Opcode::kDivU:
    case Opcode::kDivS:
      return kAllFlags;
    case Opcode::kBt:
    case Opcode::kBts:
    case Opcode::kBtr:
    case Opcode::kBtc:
      return kAllFlags & ~(kFlagC | kFlagZ);
    case Opcode::kBsf:
    case Opcode::kBsr:
      return kAllFlags & ~kFlagZ;
    case Opcode::kTzcnt:
    case Opcode::kLzcnt:
      return kAllFlags & ~(kFlagC | kFlagZ);
    default:
      return kNoFlags;
  }
}

/// Whether what is undefined need not be in Inst::flags: the host's instruction is taken to keep
/// it.
bool is_bit_operation(const Inst& inst) {
  if (inst.op == Opcode::kRmw) return static_cast<RmwKind>(inst.aux) >= RmwKind::kBts;
  return inst.op >= Opcode::kBt && inst.op <= Opcode::kLzcnt;
}

FlagMask undefined_after_update(const Block& block, const Inst& inst) {
  switch (static_cast<RmwKind>(inst.aux)) {
    case RmwKind::kAnd:
    case RmwKind::kOr:
    case RmwKind::kXor:
      return kFlagA;
    case RmwKind::kShl:
    case RmwKind::kShr:
      return undefined_after_shift(constant_count(block, inst.b, inst.type), inst.type, false);
    case RmwKind::kSar:
      return undefined_after_shift(constant_count(block, inst.b, inst.type), inst.type, true);
    case RmwKind::kRol:
    case RmwKind::kRor:
    case RmwKind::kRcl:
    case RmwKind::kRcr:
      return undefined_after_rotate(constant_count(block, inst.b, inst.type));
    case RmwKind::kBts:
    case RmwKind::kBtr:
    case RmwKind::kBtc:
      return kAllFlags & ~(kFlagC | kFlagZ);
    default:
      return kNoFlags;
  }
}

/// Whether flags may stay as they were although they are in Inst::flags: a count of 0.
bool may_keep(const Block& block, const Inst& inst) {
  const bool by_c = inst.op == Opcode::kShld || inst.op == Opcode::kShrd;
  const bool shifts = (inst.op >= Opcode::kShl && inst.op <= Opcode::kRcr) || by_c;
  if (inst.op == Opcode::kRmw) return static_cast<RmwKind>(inst.aux) >= RmwKind::kShl;
  return shifts && constant_count(block, by_c ? inst.c : inst.b, inst.type) <= 0;
}

// FCOMI and its like clear C1 of the status word on Intel's processors and leave it on AMD's.
bool is_approximate(const Inst& inst) {
  const unsigned modrm = inst.aux & 0xff;
  if (inst.op == Opcode::kX87) return (inst.aux >> 8 & 0xfb) == 0xdb && modrm >= 0xe8;
  return inst.op == Opcode::kVector &&
         (info(static_cast<VectorOpcode>(inst.aux)).forms & kApproximate) != 0;
}

}  // namespace

Freedom find_freedom(const Block& block) {
  Freedom freedom;
  FlagMask undefined = kNoFlags;
  for (const Inst& inst : block.insts) {
    freedom.is_unpredictable |= (flags_used(inst) & undefined) != 0 || is_approximate(inst);
    if ((effects(inst) & (kLeavesBlock | kEndsBlock)) != 0) freedom.at_exits |= undefined;
    if (inst.op == Opcode::kCallHelper) {
      undefined = kNoFlags;  // the subject gets the reference's state
      freedom.calls_helpers = true;
      freedom.helper_operands.push_back(static_cast<uint8_t>(
          (inst.a != kNoValue) | (inst.b != kNoValue) << 1 | (inst.c != kNoValue) << 2));
    } else if (inst.flags != 0) {
      const FlagMask free = inst.op == Opcode::kRmw ? undefined_after_update(block, inst)
                                                    : undefined_after(block, inst);
      if (!may_keep(block, inst)) undefined &= static_cast<FlagMask>(~inst.flags);
      undefined |= free & (is_bit_operation(inst) ? FlagMask{kAllFlags} : inst.flags);
    }
    freedom.anywhere |= undefined;
  }
  return freedom;
}

}  // namespace vireo::tcg::lockstep
