// The pass over a block: entries, instructions, and out-of-line code at the end.

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {

const char* CodeGenerator::generate() {
  body_ = e_.new_label();
  memory_entry_ = e_.new_label();
  host_entry_ = e_.new_label();
  ip_ = block_.guest_ip;
  emit_entries();
  begin_loop();
  emit_body();
  emit_loop();
  emit_stubs();
  e_.resolve();
  return error_;
}

void CodeGenerator::emit_body() {
  for (at_ = 0; at_ < block_.insts.size() && error_ == nullptr; ++at_) {
    if (live_.is_needless(at_)) continue;
    locked_ = 0;
    begun_at_ = at_;
    emit_inst();
    if (recipe_ends_) recipe_ = {};
    recipe_ends_ = false;
    forget_dead();
    forget_groups();
  }
}

// One body; the entry that has flags where the body does not want them converts and falls into it.
void CodeGenerator::emit_entries() {
  using First = Liveness::FirstFlagUse;
  const First first = live_.first_flag_use();
  if (second_ != nullptr) {
    e_.bind(host_entry_);
    emit_save_flags(e_, kAddressReg);
    e_.bind(memory_entry_);
    emit_second_page_check();
    flags_ = kFlagsInMemory;
    if (first == First::kRead) {
      emit_restore_flags(e_, kAddressReg);
      flags_ = kFlagsInHost;
    }
  } else if (first == First::kShown) {
    e_.bind(host_entry_);
    emit_save_flags(e_, kAddressReg);
    e_.bind(memory_entry_);
    flags_ = kFlagsInMemory;
  } else if (first == First::kRead) {
    e_.bind(memory_entry_);
    emit_restore_flags(e_, kAddressReg);
    e_.bind(host_entry_);
    flags_ = kFlagsInHost;
  } else {
    e_.bind(memory_entry_);
    e_.bind(host_entry_);
    flags_ = kFlagsNowhere;
  }
  data_.host_entry = static_cast<uint16_t>(e_.offset_of(host_entry_));
  data_.memory_entry = static_cast<uint16_t>(e_.offset_of(memory_entry_));
  e_.bind(body_);
}

// Flags are in memory, and nothing is in registers but guest state.
void CodeGenerator::emit_second_page_check() {
  const Encoder::Label follows = e_.new_label();
  const auto tag = static_cast<int32_t>(code_page_tag(second_->number));
  const Mem mapping = code_page_mapping_of(second_->number, /*in_segment=*/false);
  e_.mov(8, kTlbReg, frame_at(offsetof(Frame, code_pages)));
  if (block_.relocatable) {
    e_.mov(8, kAddressReg, frame_at(offsetof(Frame, code_base)));
    emit_add(e_, kAddressReg, static_cast<int32_t>(kPageSize) + tag);
    e_.alu(Alu::kCmp, 8, kAddressReg, mapping);
  } else {
    e_.alu_imm(Alu::kCmp, 8, mapping, tag);
  }
  e_.jump_if(kEqual, follows);
  emit_guest_ip(kAddressReg, block_.guest_ip);
  e_.jump_to(thunks_.lookup_again);
  e_.bind(follows);
}

void CodeGenerator::emit_stubs() {
  for (size_t i = 0; i < slow_stubs_.size(); ++i) emit_slow_stub(slow_stubs_[i]);
  for (const ExitStub& stub : exit_stubs_) emit_exit_stub(stub);
}

void CodeGenerator::add_row() {
  const auto place = static_cast<FlagsPlace>(flags_);
  const uint16_t offset = guest_offset(ip_);
  if (!tables_.rows.empty() && tables_.rows.back().guest_offset == offset &&
      tables_.rows.back().flags == place) {
    return;
  }
  tables_.rows.push_back({static_cast<uint16_t>(e_.size()), offset, place});
}

// One row an opcode.
// clang-format off
void CodeGenerator::emit_arithmetic() {
  switch (inst().op) {
    case Opcode::kAdd: return emit_alu(Alu::kAdd);
    case Opcode::kAdc: return emit_alu(Alu::kAdc);
    case Opcode::kAdox: return emit_adox();
    case Opcode::kSub: return emit_alu(Alu::kSub);
    case Opcode::kSbb: return emit_alu(Alu::kSbb);
    case Opcode::kAnd: return emit_alu(Alu::kAnd);
    case Opcode::kOr: return emit_alu(Alu::kOr);
    case Opcode::kXor: return emit_alu(Alu::kXor);
    case Opcode::kNeg: return emit_unary(Group3::kNeg);
    case Opcode::kNot: return emit_unary(Group3::kNot);
    case Opcode::kShl: return emit_shift(Shift::kShl);
    case Opcode::kShr: return emit_shift(Shift::kShr);
    case Opcode::kSar: return emit_shift(Shift::kSar);
    case Opcode::kRol: return emit_shift(Shift::kRol);
    case Opcode::kRor: return emit_shift(Shift::kRor);
    case Opcode::kRcl: return emit_shift(Shift::kRcl);
    case Opcode::kRcr: return emit_shift(Shift::kRcr);
    case Opcode::kShld: return emit_double_shift();
    case Opcode::kShrd: return emit_double_shift();
    case Opcode::kMul: return emit_mul();
    case Opcode::kMulWideU: return emit_wide(Group3::kMul, inst().a, kNoValue, inst().b);
    case Opcode::kMulWideS: return emit_wide(Group3::kImul, inst().a, kNoValue, inst().b);
    case Opcode::kDivU: return emit_wide(Group3::kDiv, inst().a, inst().b, inst().c);
    case Opcode::kDivS: return emit_wide(Group3::kIdiv, inst().a, inst().b, inst().c);
    case Opcode::kZeroExtend: return emit_zero_extend();
    case Opcode::kSignExtend: return emit_sign_extend();
    case Opcode::kTruncate: return emit_truncate();
    case Opcode::kByteSwap: return emit_byte_swap();
    case Opcode::kAddress: return emit_address();
    case Opcode::kBt: return emit_bit_test(4);
    case Opcode::kBts: return emit_bit_test(5);
    case Opcode::kBtr: return emit_bit_test(6);
    case Opcode::kBtc: return emit_bit_test(7);
    case Opcode::kBsf: return emit_bit_scan(0xbc);
    case Opcode::kBsr: return emit_bit_scan(0xbd);
    case Opcode::kTzcnt: return emit_bit_count(0xbc, cpu_.tzcnt);
    case Opcode::kLzcnt: return emit_bit_count(0xbd, cpu_.lzcnt);
    case Opcode::kPopcnt: return emit_bit_count(0xb8, cpu_.popcnt);
    case Opcode::kPdep: return emit_gather_bits(0xf2);
    case Opcode::kPext: return emit_gather_bits(0xf3);
    case Opcode::kCrc32C: return emit_crc32c();
    case Opcode::kSetcc: return emit_setcc();
    case Opcode::kSelect: return emit_select();
    case Opcode::kSelectNonzero: return emit_select_nonzero();
    case Opcode::kVector: return emit_vector();
    default: return;  // kSecond: placed by the instruction before
  }
}

void CodeGenerator::emit_inst() {
  prefer_target();
  switch (inst().op) {
    case Opcode::kConstant: return emit_constant();
    case Opcode::kGetReg: return emit_get_reg();
    case Opcode::kSetReg: return emit_set_reg();
    case Opcode::kGetRegHigh8: return emit_get_high8();
    case Opcode::kSetRegHigh8: return emit_set_high8();
    case Opcode::kZeroUpper: return emit_zero_upper();
    case Opcode::kLoadState: return emit_load_state();
    case Opcode::kStoreState: return emit_store_state();
    case Opcode::kGetFlags: return emit_get_flags();
    case Opcode::kSetFlags: return emit_set_flags();
    case Opcode::kGetMxcsr: return emit_get_mxcsr();
    case Opcode::kLoad: return emit_load();
    case Opcode::kStore: return emit_store();
    case Opcode::kRmw: return emit_rmw();
    case Opcode::kCompareExchange: return emit_compare_exchange();
    case Opcode::kProbe: return emit_probe();
    case Opcode::kPrefetch: return emit_prefetch();
    case Opcode::kFence: return e_.sse({kMap0f, 0xae}, 6, kRax);  // mfence
    case Opcode::kX87: return emit_x87();
    case Opcode::kX87Load: return emit_x87_load();
    case Opcode::kX87Store: return emit_x87_store();
    case Opcode::kCallHelper: return emit_call_helper();
    case Opcode::kInsnStart: return emit_insn_start();
    case Opcode::kBranchFlags: return emit_branch_flags();
    case Opcode::kBranchNonzero: return emit_branch_nonzero();
    case Opcode::kBranchRuntime: return emit_branch_runtime();
    case Opcode::kExitDirect: return emit_exit_direct();
    case Opcode::kExitIndirect: return emit_exit_indirect();
    case Opcode::kExitReturn: return emit_exit_return();
    case Opcode::kPushReturn: return emit_push_return();
    case Opcode::kExitRuntime: return emit_exit_runtime();
    default: return emit_arithmetic();
  }
}
// clang-format on

void CodeGenerator::emit_insn_start() {
  ip_ = inst().imm;
  add_row();
}

}  // namespace vireo::tcg::x86_64
