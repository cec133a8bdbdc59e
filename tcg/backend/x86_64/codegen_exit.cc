// Ways out of a block.

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr uint8_t kNotEqual = 5;
constexpr int32_t kReturnRing = kReturnStackEntries * sizeof(JumpTarget);

}  // namespace

bool CodeGenerator::is_backward(uint64_t target) const {
  return static_cast<int64_t>(target - ip_) <= 0;
}

bool CodeGenerator::leaves_page(uint64_t target) const {
  return target - data_.page->key.ip >= kPageSize;
}

// Whether an ExitSite can name it.
bool CodeGenerator::is_near(uint64_t target) const {
  const auto distance = static_cast<int64_t>(target - block_.guest_ip);
  return distance == static_cast<int32_t>(distance);
}

void CodeGenerator::emit_far_jump(uint64_t target) {
  emit_guest_ip(kAddressReg, target);
  e_.call_to(link_blocks_ ? thunks_.jump_cache : thunks_.lookup_indirect);
}

uint32_t CodeGenerator::new_exit(uint64_t target, uint8_t slot) {
  ExitSite site{};
  site.distance = static_cast<int32_t>(target - block_.guest_ip);
  site.index = static_cast<uint8_t>(tables_.exits.size());
  site.slot = slot;
  site.flags = static_cast<FlagsPlace>(flags_);
  site.checked = leaves_page(target);
  tables_.exits.push_back(site);
  return static_cast<uint32_t>(tables_.exits.size() - 1);
}

// Jumps to other pages arrive with flags in memory and the guest IP in kAddressReg. Values in
// temporaries are dead here.
void CodeGenerator::emit_jump_out(uint64_t target, uint8_t slot) {
  if (leaves_page(target) && !(flags_ & kFlagsInMemory)) {
    emit_save_flags(e_, kAddressReg);
    flags_ |= kFlagsInMemory;
  }
  if (!is_near(target)) return emit_far_jump(target);
  emit_linked_jump(target, slot, is_backward(target));
}

void CodeGenerator::emit_linked_jump(uint64_t target, uint8_t slot, bool polls) {
  const uint32_t exit = new_exit(target, slot);
  if (leaves_page(target) && block_.relocatable) emit_guest_ip(kAddressReg, target);
  if (polls) emit_poll(exit);
  const Encoder::Label stub = e_.new_label();
  tables_.exits[exit].displacement_offset = static_cast<uint16_t>(e_.patchable_jump(stub));
  exit_stubs_.push_back({stub, exit, false});
}

// Faults if the vCPU was kicked.
void CodeGenerator::emit_poll(uint32_t exit) {
  e_.mov(8, kTlbReg, frame_at(offsetof(Frame, poll_word)));
  tables_.exits[exit].poll_offset = static_cast<uint16_t>(e_.size());
  e_.mov(4, kTlbReg, Mem{kTlbReg});
}

void CodeGenerator::emit_branch(uint8_t condition) {
  const uint64_t target = inst().imm;
  if (has_loop_ && target == block_.guest_ip) return emit_back_branch(condition);
  const bool prepares =
      leaves_page(target) && (block_.relocatable || !(flags_ & kFlagsInMemory) || !is_near(target));
  if (!prepares && !is_backward(target)) {
    const uint32_t exit = new_exit(target, inst().extra);
    const Encoder::Label stub = e_.new_label();
    tables_.exits[exit].displacement_offset =
        static_cast<uint16_t>(e_.patchable_jump_if(condition, stub));
    exit_stubs_.push_back({stub, exit, false});
    return;
  }
  const Encoder::Label over = e_.new_label();
  const uint8_t flags = flags_;
  e_.jump_if(condition ^ 1, over);
  emit_jump_out(target, inst().extra);
  e_.bind(over);
  flags_ = flags;
}

void CodeGenerator::emit_branch_flags() {
  emit_branch(static_cast<uint8_t>(ready_condition(static_cast<Condition>(inst().aux))));
  const bool shown_only = live_.flags_read_after(at_) == 0;
  if (flags_ == kFlagsInHost && shown_only) recipe_ = loop_recipe_;
}

void CodeGenerator::emit_test_nonzero(ValueId id) {
  const Rm value = operand(id);
  const unsigned bytes = size_of(inst(id).type);
  before_clobbering_flags();
  if (value.is_register()) {
    e_.test(bytes, value, value.reg);
  } else {
    e_.alu_imm(Alu::kCmp, bytes, value, 0);
  }
}

void CodeGenerator::emit_branch_nonzero() {
  emit_test_nonzero(inst().a);
  emit_branch(kNotEqual);
}

void CodeGenerator::emit_branch_runtime() {
  need_memory_flags();
  emit_test_nonzero(inst().a);
  const Encoder::Label over = e_.new_label();
  e_.jump_if(kNotEqual ^ 1, over);
  store_guest_ip(inst().imm);
  e_.mov_imm(4, kTlbReg, inst().aux);
  e_.jump_to(thunks_.exit_runtime);
  e_.bind(over);
}

void CodeGenerator::emit_exit_direct() { emit_jump_out(inst().imm, inst().extra); }

void CodeGenerator::emit_exit_indirect() {
  need_memory_flags();
  load_into(kAddressReg, 8, inst().a);
  if (link_blocks_) emit_jump_cache(e_);
  e_.call_to(thunks_.lookup_indirect);
}

// The newest entry is taken off whether it fits or not, so that calls and returns stay paired.
void CodeGenerator::emit_exit_return() {
  need_memory_flags();
  load_into(kAddressReg, 8, inst().a);
  if (!link_blocks_) return e_.call_to(thunks_.lookup_indirect);
  const Mem top = frame_at(offsetof(Frame, return_top));
  e_.mov(4, kTlbReg, top);
  e_.alu_imm(Alu::kSub, 4, top, sizeof(JumpTarget));
  e_.alu_imm(Alu::kAnd, 4, kTlbReg, kReturnRing - 1);
  e_.alu(Alu::kAdd, 8, kTlbReg, frame_at(offsetof(Frame, return_stack)));
  e_.alu(Alu::kCmp, 8, kAddressReg, Mem{kTlbReg});
  const Encoder::Label miss = e_.new_label();
  e_.jump_if(kNotEqual, miss);
  e_.jump_indirect(Mem{kTlbReg, kNoReg, 0, offsetof(JumpTarget, code)});
  e_.bind(miss);
  e_.call_to(thunks_.jump_cache);
}

void CodeGenerator::emit_push_return() {
  if (!link_blocks_ || !is_near(inst().imm)) return;
  before_clobbering_flags();
  const Reg index = allocate_temporary(kTlbReg), value = allocate_temporary(kAddressReg);
  const Mem top = frame_at(offsetof(Frame, return_top));
  e_.mov(4, index, top);
  e_.alu_imm(Alu::kAdd, 4, index, sizeof(JumpTarget));
  e_.mov_to(4, top, index);
  e_.alu_imm(Alu::kAnd, 4, index, kReturnRing - 1);
  e_.alu(Alu::kAdd, 8, index, frame_at(offsetof(Frame, return_stack)));
  emit_guest_ip(value, inst().imm);
  e_.mov_to(8, Mem{index}, value);
  const Encoder::Label stub = e_.new_label();
  e_.lea_label(value, stub);
  e_.mov_to(8, Mem{index, kNoReg, 0, offsetof(JumpTarget, code)}, value);
  const uint32_t exit = new_exit(inst().imm, kReturnSlot);
  tables_.exits[exit].flags = kFlagsInMemory;
  tables_.exits[exit].checked = true;
  exit_stubs_.push_back({stub, exit, true});
}

// Leaves flags alone.
void CodeGenerator::emit_guest_ip(Reg to, uint64_t ip) {
  if (!block_.relocatable) return e_.mov_imm(8, to, ip);
  e_.mov(8, to, frame_at(offsetof(Frame, code_base)));
  emit_add(e_, to, static_cast<int64_t>(ip));
}

// Through kAddressReg where it is no sign-extended immediate.
void CodeGenerator::store_guest_ip(uint64_t ip) {
  const Mem place = frame_at(offsetof(Frame, guest_ip));
  if (!block_.relocatable && static_cast<int64_t>(ip) == static_cast<int32_t>(ip)) {
    return e_.mov_to_imm(8, place, static_cast<int32_t>(ip));
  }
  emit_guest_ip(kAddressReg, ip);
  e_.mov_to(8, place, kAddressReg);
}

void CodeGenerator::emit_exit_runtime() {
  need_memory_flags();
  if (inst().extra == 0) store_guest_ip(inst().imm);
  e_.mov_imm(4, kTlbReg, inst().aux);
  e_.jump_to(thunks_.exit_runtime);
}

void CodeGenerator::emit_exit_stub(const ExitStub& stub) {
  ExitSite& site = tables_.exits[stub.exit];
  e_.bind(stub.entry);
  if (stub.is_return) {
    const Encoder::Label unlinked = e_.new_label();
    site.displacement_offset = static_cast<uint16_t>(e_.patchable_jump(unlinked));
    e_.bind(unlinked);
  }
  site.stub_offset = static_cast<uint16_t>(e_.size());
  e_.call_to(site.flags & kFlagsInMemory ? thunks_.lookup_memory : thunks_.lookup_host);
}

}  // namespace vireo::tcg::x86_64
