// Arithmetic flags: in the host's EFLAGS or in the Frame.

#include "tcg/backend/x86_64/codegen.h"
#include "tcg/ir/flag_use.h"

namespace vireo::tcg::x86_64 {

void CodeGenerator::set_recipe(FlagRecipe::Kind kind, Reg result, Reg operand, int32_t imm) {
  const auto is_temporary = [](Reg reg) { return reg == kAddressReg || reg == kTlbReg; };
  if (flags_ != kFlagsInHost || is_temporary(result) || is_temporary(operand)) return;
  loop_recipe_ = {kind, static_cast<uint8_t>(size()), result, operand, imm};
  const bool shown_only = live_.flags_read_after(at_) == 0;
  if (shown_only) recipe_ = loop_recipe_;
}

// A register of the recipe is about to change. The check of this very instruction comes before.
void CodeGenerator::lose_recipe() {
  const FlagMask written = always_writes_flags(block_, inst()) ? inst().flags : kNoFlags;
  const FlagMask needed =
      (live_.flags_after(at_) & static_cast<FlagMask>(~written)) | flags_read(block_, inst());
  if (needed == 0) {
    recipe_ends_ = true;
  } else {
    need_memory_flags();
    recipe_ = {};
  }
}

// Logical operations leave the flags of a test of their result; sums are undone and done again.
void CodeGenerator::emit_recipe(const FlagRecipe& recipe, Reg temporary) {
  using Kind = FlagRecipe::Kind;
  const auto operate = [&](Alu op, Reg to) {
    if (recipe.operand != kNoReg) {
      e_.alu(op, recipe.size, to, recipe.operand);
    } else {
      e_.alu_imm(op, recipe.size, to, recipe.imm);
    }
  };
  if (recipe.kind == Kind::kCompare) return operate(Alu::kCmp, recipe.result);
  if (recipe.kind == Kind::kTest) {
    return recipe.operand != kNoReg ? e_.test(recipe.size, recipe.result, recipe.operand)
                                    : e_.test_imm(recipe.size, recipe.result, recipe.imm);
  }
  const bool adds = recipe.kind == Kind::kAdd;
  e_.mov(8, temporary, recipe.result);
  operate(adds ? Alu::kSub : Alu::kAdd, temporary);
  operate(adds ? Alu::kAdd : Alu::kSub, temporary);
}

void CodeGenerator::need_memory_flags() {
  if (flags_ & kFlagsInMemory) return;
  const bool again = !(flags_ & kFlagsInHost);
  if (again && !recipe_) {
    flags_ = kFlagsInMemory;
    return;
  }
  const Reg free = free_temporary();
  const Reg temporary = free != kNoReg ? free : kTlbReg;
  if (free == kNoReg) e_.mov_to(8, frame_at(scratch_offset(3)), kTlbReg);
  if (again) emit_recipe(recipe_, temporary);
  emit_save_flags(e_, temporary);
  if (free == kNoReg) e_.mov(8, kTlbReg, frame_at(scratch_offset(3)));
  flags_ |= kFlagsInMemory | kFlagsInHost;
}

void CodeGenerator::need_host_flags() {
  if (flags_ & kFlagsInHost) return;
  const bool again = !(flags_ & kFlagsInMemory) && recipe_;
  const Reg free = free_temporary();
  const Reg temporary = free != kNoReg ? free : kTlbReg;
  if (free == kNoReg) e_.mov_to(8, frame_at(scratch_offset(3)), kTlbReg);
  if (again) {
    emit_recipe(recipe_, temporary);
  } else {
    emit_restore_flags(e_, temporary);
  }
  if (free == kNoReg) e_.mov(8, kTlbReg, frame_at(scratch_offset(3)));
  flags_ |= kFlagsInHost;
}

// One flag from memory into the host's C, with a bit test.
void CodeGenerator::test_memory_flag(FlagMask flag) {
  unsigned bit = 8;  // SETO's result is the lower byte
  while (flag != kFlagO && !(flag >> (bit - 8) & 1)) ++bit;
  e_.rm({kMap0f, 0xba}, 2, 4, frame_at(kFlagsOffset));
  e_.byte(static_cast<uint8_t>(flag == kFlagO ? 0 : bit));
}

// C for an operation that looks at no other flag.
void CodeGenerator::need_carry() {
  if (flags_ & kFlagsInHost) return;
  if (!(flags_ & kFlagsInMemory)) return need_host_flags();
  test_memory_flag(kFlagC);
}

// Makes a condition on host flags out of one on guest flags.
Condition CodeGenerator::ready_condition(Condition condition) {
  const FlagMask flags = flags_read_by(condition);
  const bool single = (flags & (flags - 1)) == 0;
  if (!single || flags_ != kFlagsInMemory) {
    need_host_flags();
    return condition;
  }
  test_memory_flag(flags);
  const bool negated = static_cast<unsigned>(condition) & 1;
  return negated ? Condition::kAe : Condition::kB;
}

// The next host instruction destroys flags that the IR instruction does not write.
void CodeGenerator::before_clobbering_flags() {
  const bool can_wait = recipe_ && !recipe_ends_ && live_.flags_read_after(at_) == 0;
  if (flags_needed() && !can_wait) need_memory_flags();
  flags_ &= static_cast<uint8_t>(~kFlagsInHost);
}

// Before a host instruction that writes `host_writes` for an IR instruction that writes
// Inst::flags. What has to be kept stays in the host if the instruction leaves it alone, and is
// merged otherwise.
void CodeGenerator::begin_flags(FlagMask host_writes) {
  merged_flags_ = 0;
  const FlagMask keep = live_.flags_after(at_) & static_cast<FlagMask>(~inst().flags);
  if (inst().flags == 0) return before_clobbering_flags();
  if (keep == 0) return;
  if (keep & host_writes) {
    need_memory_flags();
    merged_flags_ = inst().flags;
  } else if (keep == kFlagC) {
    need_carry();
  } else {
    need_host_flags();
  }
}

void CodeGenerator::end_flags() {
  if (inst().flags == 0) return;
  recipe_ = loop_recipe_ = {};
  recipe_ends_ = false;
  if (merged_flags_ == 0) {
    flags_ = kFlagsInHost;
    return;
  }
  // [flags] = old & ~mask | new & mask, through RAX.
  const auto packed = [](FlagMask mask) {
    return static_cast<int32_t>((mask & 0xff) << 8 | (mask & kFlagO ? 1 : 0));
  };
  const int32_t mask = packed(merged_flags_);
  e_.mov_to(8, frame_at(scratch_offset(2)), kRax);
  e_.byte(0x9f);  // lahf
  e_.setcc(0, kRax);
  e_.alu_imm(Alu::kAnd, 4, kRax, mask);
  e_.alu_imm(Alu::kAnd, 2, frame_at(kFlagsOffset), ~mask);
  e_.alu_to(Alu::kOr, 2, frame_at(kFlagsOffset), kRax);
  e_.mov(8, kRax, frame_at(scratch_offset(2)));
  flags_ = kFlagsInMemory;
  merged_flags_ = 0;
}

// EFLAGS places from SETO and LAHF results: AH's bits go down, O to bit 11.
void CodeGenerator::emit_get_flags() {
  need_memory_flags();
  const Reg to = destination();
  clobber(to);
  before_clobbering_flags();
  const Reg other = to == kTlbReg ? kAddressReg : kTlbReg;
  const bool other_free = temporary_free(other);
  if (!other_free) e_.mov_to(8, frame_at(scratch_offset(3)), other);
  e_.movzx(to, 1, frame_at(offsetof(Frame, flag_overflow)));
  e_.shift_imm(Shift::kShl, 4, to, 11);
  e_.movzx(other, 1, frame_at(offsetof(Frame, flags_low)));
  e_.alu_imm(Alu::kAnd, 4, other, kAllFlags & 0xff);
  e_.alu(Alu::kOr, 4, to, other);
  if (!other_free) e_.mov(8, other, frame_at(scratch_offset(3)));
  define(to, true);
}

void CodeGenerator::emit_set_flags() {
  const FlagMask written = inst().flags;
  if (written == 0) return;
  recipe_ends_ = true;
  const FlagMask keep = live_.flags_after(at_) & static_cast<FlagMask>(~written);
  if (keep != 0) {
    need_memory_flags();
  }
  const ValuePlace& from = place(inst().a);
  if (from.is_constant && keep == 0) {
    const auto value =
        static_cast<int32_t>((from.imm & 0xff) << 8 | 2 << 8 | (from.imm & kFlagO ? 1 : 0));
    e_.mov_to_imm(2, frame_at(kFlagsOffset), static_cast<int16_t>(value));
    flags_ = kFlagsInMemory;
    return;
  }
  const FlagMask low = written & 0xff;
  const Reg value = in_register(inst().a);
  e_.mov_to(8, frame_at(scratch_offset(2)), kRax);
  if (value != kRax) e_.mov(4, kRax, value);
  if (low != 0) {
    e_.alu_imm(Alu::kAnd, 1, kRax, low);
    e_.alu_imm(Alu::kAnd, 1, frame_at(offsetof(Frame, flags_low)), static_cast<uint8_t>(~low));
    e_.alu_to(Alu::kOr, 1, frame_at(offsetof(Frame, flags_low)), kRax);
  }
  if (written & kFlagO) {
    e_.shift_imm(Shift::kShr, 4, kRax, 11);
    e_.alu_imm(Alu::kAnd, 4, kRax, 1);
    e_.mov_to(1, frame_at(offsetof(Frame, flag_overflow)), kRax);
  }
  e_.mov(8, kRax, frame_at(scratch_offset(2)));
  flags_ = kFlagsInMemory;
}

}  // namespace vireo::tcg::x86_64
