// Accesses that share a check: the first of a group checks the range of all and keeps the host
// address of its lowest byte, in kTlbReg as long as nobody else needs that. If the range does not
// lie in one page that the TLB has, the block is left at that instruction for a translation with
// separate checks.

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {

// The operand of an access whose check was made before.
Mem CodeGenerator::group_operand(size_t access) {
  const uint16_t number = groups_.number_at(access);
  if (in_loop_ && is_hoisted(number)) return loop_operand(access);
  hold_group(number);
  return {kTlbReg, kNoReg, 0, groups_.offset_at(access)};
}

// Into kTlbReg, from where it is kept.
void CodeGenerator::hold_group(uint16_t number) {
  if (held_group_ != number) {
    vacate(kTlbReg);
    e_.mov(8, kTlbReg, frame_at(group_frames_[number]));
    held_group_ = number;
  }
  lock(kTlbReg);
}

// Behind the check of a group.
void CodeGenerator::finish_group_check(SlowStub& stub) {
  e_.lea(8, kTlbReg, kChecked);
  locked_ = 1u << kTlbReg;
  held_group_ = stub.group;
  if (is_hoisted(stub.group)) e_.mov_to(8, frame_at(group_frames_[stub.group]), kTlbReg);
  stub.operand = {kTlbReg, kNoReg, 0, -groups_[stub.group].lowest};
}

// kTlbReg is about to be needed.
void CodeGenerator::drop_group() {
  if (held_group_ == AccessGroups::kNone) return;
  int32_t& frame = group_frames_[held_group_];
  if (groups_[held_group_].last >= begun_at_ && frame < 0) {
    frame = new_spill_slot();
    next_group_end_ = std::min(next_group_end_, groups_[held_group_].last);
    e_.mov_to(8, frame_at(frame), kTlbReg);
  }
  held_group_ = AccessGroups::kNone;
}

void CodeGenerator::forget_groups() {
  if (held_group_ != AccessGroups::kNone && groups_[held_group_].last <= at_) {
    held_group_ = AccessGroups::kNone;
  }
  if (at_ < next_group_end_) return;
  next_group_end_ = kNoValue;
  for (uint16_t number = 0; number < group_frames_.size(); ++number) {
    if (group_frames_[number] < 0 || is_hoisted(number)) continue;
    if (groups_[number].last > at_) {
      next_group_end_ = std::min(next_group_end_, groups_[number].last);
      continue;
    }
    free_spill_slot(group_frames_[number]);
    group_frames_[number] = -1;
  }
}

// The instruction has not done anything yet: the guest can begin it again elsewhere.
void CodeGenerator::emit_group_stub(const SlowStub& stub) {
  begin_slow_stub(stub);
  e_.call_to(thunks_.groups[is_user(stub)][groups_[stub.group].writes]);
  e_.imm(pack(groups_[stub.group], stub.operation), 4);
  e_.jump(stub.retry);
  flags_ = kFlagsInMemory;
  emit_linked_jump(stub.ip, kSeparateChecksSlot, false);
}

}  // namespace vireo::tcg::x86_64
