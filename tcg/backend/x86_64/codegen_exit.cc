// Ways out of a block.

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {

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
  if (calls()) emit_push_landing();
  emit_guest_ip(kAddressReg, target);
  mark_left();
  e_.jump_to(link_blocks_ ? thunks_.jump_cache : thunks_.lookup_again);
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
  emit_linked_jump(target, slot, is_backward(target), calls());
}

void CodeGenerator::emit_linked_jump(uint64_t target, uint8_t slot, bool polls, bool calls) {
  const uint32_t exit = new_exit(target, slot);
  if (leaves_page(target) && block_.relocatable) emit_guest_ip(kAddressReg, target);
  if (polls) emit_poll(exit);
  const Encoder::Label stub = e_.new_label();
  const size_t displacement = calls ? e_.patchable_call(stub) : e_.patchable_jump(stub);
  tables_.exits[exit].displacement_offset = static_cast<uint16_t>(displacement);
  exit_stubs_.push_back({stub, exit});
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
    exit_stubs_.push_back({stub, exit});
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

void CodeGenerator::emit_exit_direct() {
  emit_jump_out(inst().imm, inst().extra);
  if (calls()) emit_landing();
}

void CodeGenerator::emit_exit_indirect() {
  need_memory_flags();
  load_into(kAddressReg, 8, inst().a);
  mark_left();
  if (!link_blocks_) return e_.jump_to(thunks_.lookup_again);
  const Encoder::Label misses = e_.new_label();
  const Mem code = block_.relocatable ? emit_jump_target(e_) : emit_jump_cache(e_, misses);
  if (calls()) {
    e_.call_indirect(code);
    emit_landing();
  } else {
    e_.jump_indirect(code);
  }
  if (block_.relocatable) return;
  e_.bind(misses);
  if (calls()) emit_push_landing();
  e_.jump_to(thunks_.lookup_again);
}

// The block is known by that if nothing else tells who was left for a guest IP.
void CodeGenerator::mark_left() {
  e_.mov_to_imm(4, frame_at(offsetof(Frame, left_from)), static_cast<int32_t>(data_.left_mark()));
}

// To where the host's stack says, whether it fits or not, so that calls and returns stay paired.
void CodeGenerator::emit_exit_return() {
  need_memory_flags();
  load_into(kAddressReg, 8, inst().a);
  mark_left();
  if (!link_blocks_) return e_.jump_to(thunks_.lookup_again);
  e_.ret();
}

// The exit that follows is a call.
void CodeGenerator::emit_push_return() {
  if (!link_blocks_ || !is_near(inst().imm)) return;
  call_ = static_cast<ValueId>(at_);
  landing_ = e_.new_label();
}

// For calls that do not go by a CALL.
void CodeGenerator::emit_push_landing() {
  e_.lea_label(kTlbReg, landing_);
  e_.push(kTlbReg);
}

// Where the call returns to: any return may come, with flags in memory and its target in
// kAddressReg. That may be another than the call's, or the call's page may be elsewhere now.
void CodeGenerator::emit_landing() {
  const uint64_t ip = inst(call_).imm;
  e_.bind(landing_);
  flags_ = kFlagsInMemory;
  if (leaves_page(ip)) return e_.jump_to(thunks_.jump_cache);
  const int64_t moved = emit_landing_check(ip);
  emit_linked_jump(ip, kReturnSlot, false);
  e_.bind(landing_misses_);
  emit_add(e_, kAddressReg, -moved);
  e_.jump_to(thunks_.jump_cache);
}

// Returns what kAddressReg has more where it fails.
int64_t CodeGenerator::emit_landing_check(uint64_t ip) {
  const CodePage& page = *data_.page;
  const auto tag = static_cast<int32_t>(code_page_tag(page.number));
  const Mem mapping = code_page_mapping_of(page.number, block_.relocatable);
  landing_misses_ = e_.new_label();
  if (block_.relocatable) {
    const int64_t moved = tag - static_cast<int64_t>(ip);
    emit_add(e_, kAddressReg, moved);
    e_.alu(Alu::kCmp, 8, kAddressReg, mapping);
    e_.jump_if(kNotEqual, landing_misses_);
    emit_add(e_, kAddressReg, -tag);
    e_.mov_to(8, frame_at(offsetof(Frame, code_base)), kAddressReg);
    return moved;
  }
  const auto near = static_cast<int32_t>(ip);
  if (static_cast<uint64_t>(int64_t{near}) == ip) {
    e_.alu_imm(Alu::kCmp, 8, kAddressReg, near);
  } else {
    e_.mov_imm(8, kTlbReg, ip);
    e_.alu(Alu::kCmp, 8, kAddressReg, kTlbReg);
  }
  e_.jump_if(kNotEqual, landing_misses_);
  e_.mov(8, kTlbReg, frame_at(offsetof(Frame, code_pages)));
  e_.alu_imm(Alu::kCmp, 8, mapping, tag);
  e_.jump_if(kNotEqual, landing_misses_);
  return 0;
}

// Leaves flags alone.
void CodeGenerator::emit_guest_ip(Reg to, uint64_t ip) {
  if (!block_.relocatable) return e_.mov_imm(8, to, ip);
  e_.mov(8, to, frame_at(offsetof(Frame, code_base)));
  const bool is_short = data_.page->ip_mask == UINT32_MAX;
  if (!is_short) return emit_add(e_, to, static_cast<int64_t>(ip));
  e_.lea(4, to, {to, kNoReg, 0, static_cast<int32_t>(ip)});
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
  site.stub_offset = static_cast<uint16_t>(e_.size());
  e_.call_to(site.flags & kFlagsInMemory ? thunks_.lookup_memory : thunks_.lookup_host);
}

}  // namespace vireo::tcg::x86_64
