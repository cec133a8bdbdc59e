// Loops of one block. After an iteration with checks the preheader asks how many iterations more
// all groups of accesses stay in their pages, and as many run in a second copy of the body, which
// checks nothing: the host address of an access is a base that the preheader makes, plus the
// register that moves it.

#include <algorithm>
#include <bit>

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr int32_t kAllMasked = 0x1f80;  // of MXCSR (SDM volume 1, 10.2.3)

int64_t register_step(const LoopGroup& group) { return group.step >> group.scale; }

}  // namespace

bool CodeGenerator::is_hoisted(uint16_t group) const {
  return has_loop_ && loop_.find_group(group) != nullptr;
}

// A register that moves an access has to hold what the guest's does when the access comes.
bool CodeGenerator::loop_fits() const {
  for (size_t at = 0; at < block_.insts.size(); ++at) {
    const LoopGroup* group = loop_.find_group(groups_.number_at(at));
    if (group == nullptr || group->reg == LoopGroup::kNoRegister) continue;
    if (kHostOfGuest[group->reg] == kNoReg) return false;
    for (size_t setter = at + 1; setter < block_.insts.size(); ++setter) {
      const Inst& set = block_.insts[setter];
      const bool ahead = set.op == Opcode::kSetReg && is_integer(set.type) &&
                         set.aux == group->reg && set.a < at && live_.target(set.a) == group->reg;
      if (ahead) return false;
    }
  }
  return true;
}

void CodeGenerator::begin_loop() {
  has_loop_ = !loop_.groups().empty() && loop_fits();
  if (!has_loop_) return;
  preheader_ = e_.new_label();
  loop_body_ = e_.new_label();
  loop_limit_ = new_spill_slot();
  for (const LoopGroup& group : loop_.groups()) group_frames_[group.group] = new_spill_slot();
  if (loop_.is_closed()) choose_loop_registers();
}

// While nobody can see guest registers, those that the loop has no use for may hold something else.
void CodeGenerator::choose_loop_registers() {
  unsigned guest = 0;
  const auto next = [&]() {
    while (guest < 16 && (kHostOfGuest[guest] == kNoReg || (loop_.registers() >> guest & 1)))
      ++guest;
    if (guest == 16) return kNoReg;
    const Reg host = kHostOfGuest[guest++];
    loop_registers_.push_back({host, new_spill_slot()});
    return host;
  };
  for (const LoopGroup& group : loop_.groups()) group_registers_[group.group] = next();
  limit_register_ = next();
}

void CodeGenerator::emit_loop() {
  if (!has_loop_) return;
  const FlagRecipe recipe = entry_recipe_;
  const bool saves = !recipe && !(entry_flags_ & kFlagsInMemory);
  const Encoder::Label fails = e_.new_label();
  e_.bind(preheader_);
  if (saves) emit_save_flags(e_, kAddressReg);
  emit_preheader(fails);
  in_loop_ = true;
  restart_body();
  e_.bind(loop_body_);
  emit_body();
  e_.bind(fails);
  emit_jump_to_entry(recipe);
}

// The block begins anew, with the guest's flags.
void CodeGenerator::emit_jump_to_entry(const FlagRecipe& recipe) {
  if (recipe) emit_recipe(recipe, kAddressReg);
  e_.jump(recipe ? host_entry_ : memory_entry_);
}

void CodeGenerator::emit_preheader(Encoder::Label fails) {
  // An exception would show flags that are nowhere. The host's register has the masks that the
  // Frame had last; reading it would wait for all arithmetic before.
  if (loop_.has_floating_point()) {
    e_.mov(4, kAddressReg, frame_at(offsetof(Frame, mxcsr)));
    e_.alu_imm(Alu::kAnd, 4, kAddressReg, kAllMasked);
    e_.alu_imm(Alu::kCmp, 4, kAddressReg, kAllMasked);
    e_.jump_if(kNotEqual, fails);
  }
  loop_.is_uniform() ? emit_bytes_left(fails) : emit_iterations_left(fails);
  e_.alu(Alu::kAdd, 8, kAddressReg, kHostOfGuest[loop_.counter().reg]);
  for (const LoopRegister& own : loop_registers_) e_.mov_to(8, frame_at(own.kept), own.host);
  if (limit_register_ != kNoReg) {
    e_.mov(8, limit_register_, kAddressReg);
  } else {
    e_.mov_to(8, frame_at(loop_limit_), kAddressReg);
  }
  emit_loop_bases();
}

// Host addresses of the groups in the last iteration become what a register is added to.
void CodeGenerator::emit_loop_bases() {
  const LoopGroup* last = nullptr;
  for (const LoopGroup& group : loop_.groups()) {
    const Mem place = frame_at(group_frames_[group.group]);
    const Reg own = group_registers_[group.group];
    if (own != kNoReg) e_.mov(8, own, place);
    if (group.reg == LoopGroup::kNoRegister) continue;
    const bool again = last != nullptr && last->reg == group.reg && last->scale == group.scale &&
                       last->step == group.step;
    if (!again) emit_base_change(group);
    own != kNoReg ? e_.alu(Alu::kAdd, 8, own, kTlbReg) : e_.alu_to(Alu::kAdd, 8, place, kTlbReg);
    last = &group;
  }
}

// Into kAddressReg: how far the counter goes in the iterations after the last one in which all
// groups stay in their pages, if they move by the same power of two.
void CodeGenerator::emit_bytes_left(Encoder::Label fails) {
  const LoopGroup& counter = loop_.counter();
  unsigned bytes = 0;
  Reg left = kAddressReg;
  for (const LoopGroup& group : loop_.groups()) {
    if (group.step == 0) continue;
    emit_place_in_page(left, group);
    if (left == kTlbReg) {
      e_.alu(Alu::kCmp, 4, kAddressReg, kTlbReg);
      e_.cmov(kAbove, 4, kAddressReg, kTlbReg);
    }
    left = kTlbReg;
    bytes = std::max<unsigned>(bytes, groups_[group.group].bytes);
  }
  if (counter.step > 0) {
    e_.alu_imm(Alu::kSub, 4, kAddressReg, static_cast<int32_t>(bytes - 1));
    e_.jump_if(kBelow, fails);
  }
  e_.alu_imm(Alu::kAnd, 4, kAddressReg, -std::abs(counter.step));
  e_.jump_if(kEqual, fails);
  if (counter.scale != 0) e_.shift_imm(Shift::kShr, 4, kAddressReg, counter.scale);
  if (counter.step < 0) e_.group3(Group3::kNeg, 8, kAddressReg);
}

// The same for any steps.
void CodeGenerator::emit_iterations_left(Encoder::Label fails) {
  const Mem least = frame_at(scratch_offset(1));
  bool is_first = true;
  for (const LoopGroup& group : loop_.groups()) {
    if (group.step == 0) continue;
    emit_iterations_left(group, fails);
    if (!is_first) {
      e_.alu(Alu::kCmp, 8, kAddressReg, least);
      e_.cmov(kAbove, 8, kAddressReg, least);
    }
    e_.mov_to(8, least, kAddressReg);
    is_first = false;
  }
  e_.test(8, kAddressReg, kAddressReg);
  e_.jump_if(kEqual, fails);
  e_.imul_imm(8, kAddressReg, kAddressReg, static_cast<int32_t>(register_step(loop_.counter())));
}

// Bytes between the group's place in the last iteration and the end of its page that it moves to.
void CodeGenerator::emit_place_in_page(Reg to, const LoopGroup& group) {
  e_.mov(4, to, frame_at(group_frames_[group.group]));
  if (group.step > 0) e_.group3(Group3::kNot, 4, to);
  e_.alu_imm(Alu::kAnd, 4, to, kPageSize - 1);
}

// Into kAddressReg: how many iterations after the last one the group stays in its page.
void CodeGenerator::emit_iterations_left(const LoopGroup& group, Encoder::Label fails) {
  constexpr unsigned kReciprocalBits = 20;
  const auto distance = static_cast<uint32_t>(std::abs(group.step));
  emit_place_in_page(kAddressReg, group);
  if (group.step > 0) {  // bytes behind its last one
    e_.alu_imm(Alu::kSub, 4, kAddressReg, groups_[group.group].bytes - 1);
    e_.jump_if(kBelow, fails);
  }
  if (distance == 1) return;
  if (std::has_single_bit(distance)) {
    e_.shift_imm(Shift::kShr, 4, kAddressReg, static_cast<uint8_t>(std::countr_zero(distance)));
  } else {  // never too many
    e_.imul_imm(4, kAddressReg, kAddressReg,
                static_cast<int32_t>((1u << kReciprocalBits) / distance));
    e_.shift_imm(Shift::kShr, 4, kAddressReg, kReciprocalBits);
  }
}

// Into kTlbReg: what makes the host address of the group in the last iteration one that the
// register is added to in the next.
void CodeGenerator::emit_base_change(const LoopGroup& group) {
  e_.mov(8, kTlbReg, kHostOfGuest[group.reg]);
  if (group.scale != 0) e_.shift_imm(Shift::kShl, 8, kTlbReg, group.scale);
  e_.group3(Group3::kNeg, 8, kTlbReg);
  if (group.step != 0) e_.alu_imm(Alu::kAdd, 8, kTlbReg, group.step);
}

void CodeGenerator::restart_body() {
  std::ranges::fill(places_, ValuePlace{});
  values_.clear();
  next_death_ = kNoDeath;
  recipe_ = {};
  recipe_ends_ = false;
  flags_ = kFlagsNowhere;
  x87_place_ = X87Place::kUnknown;
  held_group_ = AccessGroups::kNone;
  next_group_end_ = kNoValue;
  ip_ = block_.guest_ip;
  std::ranges::fill(moved_, 0);
  spill_used_ = spill_bit(loop_limit_);
  for (const LoopRegister& own : loop_registers_) spill_used_ |= spill_bit(own.kept);
  for (uint16_t number = 0; number < group_frames_.size(); ++number) {
    if (is_hoisted(number)) {
      spill_used_ |= spill_bit(group_frames_[number]);
    } else {
      group_frames_[number] = -1;
    }
  }
}

Mem CodeGenerator::loop_operand(size_t access) {
  const uint16_t number = groups_.number_at(access);
  const LoopGroup& group = *loop_.find_group(number);
  const Reg own = group_registers_[number];
  if (own == kNoReg) hold_group(number);
  Mem operand{own != kNoReg ? own : kTlbReg, kNoReg, 0, groups_.offset_at(access)};
  if (group.reg == LoopGroup::kNoRegister) return operand;
  operand.index = kHostOfGuest[group.reg];
  operand.scale = group.scale;
  operand.disp -= static_cast<int32_t>(moved_[group.reg] << group.scale);
  return operand;
}

// Notes how far the register is from where the iteration found it.
void CodeGenerator::note_move() {
  const AccessGroups::Address sum = AccessGroups::sum_of(block_, inst().a);
  if (sum.root == kNoValue || sum.index != kNoValue) return;
  const Inst& from = inst(sum.root);
  if (from.op == Opcode::kGetReg && from.aux == inst().aux) moved_[inst().aux] = sum.displacement;
}

void CodeGenerator::emit_back_branch(uint8_t condition) {
  const Encoder::Label over = e_.new_label();
  const uint8_t flags = flags_;
  e_.jump_if(condition ^ 1, over);
  in_loop_ ? emit_next_iteration() : emit_jump_to_preheader();
  e_.bind(over);
  if (in_loop_) give_back_loop_registers();
  flags_ = flags;
}

void CodeGenerator::emit_jump_to_preheader() {
  const uint32_t exit = emit_loop_poll();
  entry_recipe_ = loop_recipe_;
  entry_flags_ = flags_;
  tables_.exits[exit].displacement_offset = static_cast<uint16_t>(e_.patchable_jump(preheader_));
  exit_stubs_.push_back({e_.new_label(), exit});
}

// A page has few iterations: one with checks, which polls, comes soon enough where nothing is slow.
void CodeGenerator::emit_next_iteration() {
  if (!loop_.is_closed()) emit_loop_poll();
  const FlagRecipe recipe = loop_recipe_;
  if (!recipe && !(flags_ & kFlagsInMemory)) emit_save_flags(e_, kAddressReg);
  const Reg counter = kHostOfGuest[loop_.counter().reg];
  const Rm limit = limit_register_ != kNoReg ? Rm(limit_register_) : frame_at(loop_limit_);
  e_.alu(Alu::kCmp, 8, counter, limit);
  e_.jump_if(kNotEqual, loop_body_);
  give_back_loop_registers();
  emit_jump_to_entry(recipe);
}

uint32_t CodeGenerator::emit_loop_poll() {
  const uint32_t exit = new_exit(block_.guest_ip, kLoopSlot);
  emit_poll(exit);
  return exit;
}

void CodeGenerator::give_back_loop_registers() {
  for (const LoopRegister& own : loop_registers_) e_.mov(8, own.host, frame_at(own.kept));
}

}  // namespace vireo::tcg::x86_64
