// System instructions, port I/O and processor state (SDM volume 3, 2.8): helpers do the work.

#include "target/i386/translate/translator.h"

namespace vireo::i386 {

using tcg::ExitReason;

namespace {

HelperId helper_of(const Insn& in) { return static_cast<HelperId>(in.row->variant); }

}  // namespace

void Translator::call_only(const Insn& in) { call_helper(helper_of(in)); }

void Translator::call_with_immediate(const Insn& in) {
  call_helper(helper_of(in), number(in.immediate));
}

void Translator::call_and_resume(const Insn& in) {
  call_helper(helper_of(in));
  resume_at(next_ip(in));
}

void Translator::call_and_leave_there(const Insn& in) {
  call_helper(helper_of(in));
  leave_block_there(ExitReason::kModeChange);
}

void Translator::transfer(const Insn& in) {
  const bool is_entry = helper_of(in) == HelperId::syscall || helper_of(in) == HelperId::sysenter;
  const uint64_t size = in.rex & 8 ? 8 : 4;
  const Value ip =
      call_helper(helper_of(in), Type::kI64, is_entry ? ip_value(next_ip(in)) : number(size));
  if (!is_entry || !in_mode(kModeTrap)) return go_indirect(ip);
  ir_.exit_runtime(ExitReason::kModeChange);  // the helper has seen to the trap
  ended_ = true;
}

void Translator::store_system(const Insn& in) {
  const Value value = call_helper(helper_of(in), Type::kI64);
  write(in, 0, ir_.truncate(integer_type(in.operands[0].size), value));
}

void Translator::load_system(const Insn& in) {
  call_helper(helper_of(in), read(in, 0));
  if (helper_of(in) == HelperId::lmsw) resume_at(next_ip(in));
}

void Translator::move_from_system(const Insn& in) {
  const Type type = integer_type(in.operands[0].size);
  write(in, 0, call_helper(helper_of(in), type, number(in.operands[1].reg)));
}

void Translator::move_to_system(const Insn& in) {
  call_helper(helper_of(in), number(in.operands[0].reg), read(in, 1));
  resume_at(next_ip(in));
}

void Translator::descriptor_table(const Insn& in) {
  const bool is_store = helper_of(in) == HelperId::sgdt || helper_of(in) == HelperId::sidt;
  const unsigned size = is_64() ? 8 : in.operand_size;
  const Value address = memory_address(in, is_64() ? 10 : 6, is_store);
  call_helper(helper_of(in), address, number(size));
}

void Translator::load_descriptor_part(const Insn& in) {
  const Type type = integer_type(in.operands[0].size);
  const Value part = call_helper(helper_of(in), type, read(in, 1));
  write(in, 0, ir_.select(tcg::Condition::kE, part, read(in, 0)));
}

void Translator::adjust_rpl(const Insn& in) {
  const Value target = read(in, 0);
  if (in.operands[0].is_memory()) access_before_effects(in, true);  // The helper sets Z.
  write(in, 0, call_helper(HelperId::arpl, Type::kI16, target, read(in, 1)));
}

void Translator::bound(const Insn& in) {
  const unsigned size = in.operand_size;
  const Value address = memory_address(in, 2 * size, false);
  call_helper(HelperId::bound, address, number(size | (on_stack_ ? 0x100 : 0)), read(in, 0));
}

void Translator::clear_interrupts(const Insn&) {
  if (in_mode(kModeIopl3)) {
    set_system_flag(kIf, false);
  } else {
    call_helper(HelperId::cli);
  }
}

/// The next instruction runs before interrupts are looked for (SDM volume 2, STI).
void Translator::set_interrupts(const Insn& in) {
  if (in_mode(kModeIopl3) && !is_one_shot()) {
    set_system_flag(kIf, true);
    shadow_ = Shadow::kBegins;
    return;
  }
  call_helper(HelperId::sti);
  leave_block(ExitReason::kInterruptWindow, next_ip(in));
}

/// CLAC and STAC (SDM volume 3, 4.6) switch between the rights with and without AC.
void Translator::set_alignment_check(const Insn& in) {
  const bool set = in.row->variant != 0;
  set_system_flag(kAc, set);
  const size_t from = offsetof(tcg::Frame, kernel_tlb) + (set ? sizeof(void*) : 0);
  const size_t to = offsetof(tcg::Frame, tlb) + tcg::kContextKernel * sizeof(void*);
  const size_t frame = VIREO_CPU_OFFSET(frame);
  ir_.store_state(frame + to, ir_.load_state(Type::kI64, frame + from));
}

void Translator::halt(const Insn& in) {
  call_helper(HelperId::hlt, ip_value(next_ip(in)));
  leave_block(ExitReason::kHalt, next_ip(in));
}

void Translator::monitor(const Insn& in) {
  const Value offset = ir_.get_reg(integer_type(in.address_size), kRax);
  const unsigned segment = segment_or(in, kDs);
  const Value address = linear(segment, offset, 1, false);
  call_helper(HelperId::monitor);
  ir_.load(Type::kI8, address, 0, memory_flags());  // Checked as a load.
}

void Translator::monitor_wait(const Insn& in) {
  call_helper(HelperId::mwait, ip_value(next_ip(in)));
  leave_block(ExitReason::kInterruptWindow, next_ip(in));
}

void Translator::invalidate_page(const Insn& in) {
  const Value offset = effective_address(in);
  // No limits: an address that breaks them is not accessed.
  const bool has_base = !is_64() || in.memory.segment == kFs || in.memory.segment == kGs;
  const Value base = has_base ? ir_.load_state(Type::kI64, VIREO_CPU_OFFSET(segments) +
                                                               in.memory.segment * sizeof(Segment))
                              : number(0);
  call_helper(HelperId::invlpg, ir_.add(ir_.zero_extend(Type::kI64, offset), base));
  resume_at(next_ip(in));
}

void Translator::invalidate_context(const Insn& in) {
  const Value kind = read(in, 0);
  call_helper(HelperId::invpcid, kind, memory_address(in, 16, false));
  resume_at(next_ip(in));
}

void Translator::input(const Insn& in) {
  const Value value =
      call_helper(HelperId::port_in, Type::kI32, read(in, 1), number(in.operands[0].size));
  write(in, 0, ir_.truncate(integer_type(in.operands[0].size), value));
}

void Translator::output(const Insn& in) {
  const Value port = read(in, 0);
  call_helper(HelperId::port_out, port, number(in.operands[1].size), read(in, 1));
  if (is_one_shot()) return;
  // An SMI that it raises comes before the next instruction.
  const Value requests = ir_.load_changing_state(Type::kI8, VIREO_CPU_OFFSET(requests));
  const Value smi = ir_.and_(requests, ir_.constant(Type::kI8, kSmiRequest));
  ir_.branch_runtime(smi, ExitReason::kInterruptWindow, next_ip(in));
}

void Translator::random(const Insn& in) {
  const unsigned size = in.operands[0].size;
  write(in, 0, call_helper(HelperId::rdrand, integer_type(size), number(size)));
}

void Translator::read_processor_id(const Insn& in) {
  const Type type = integer_type(in.operands[0].size);
  write(in, 0, ir_.load_state(type, VIREO_CPU_OFFSET(tsc_aux)));
}

void Translator::fence(const Insn& in) {
  if (in.reg() != 5) ir_.fence();  // Loads are not reordered: LFENCE needs nothing.
}

/// Memory is coherent; what is left is the access check.
void Translator::flush_line(const Insn& in) {
  ir_.load(Type::kI8, memory_address(in, 1, false), 0, memory_flags());
}

void Translator::save_state(const Insn& in) {
  mmx_entered_ = false;
  const bool is_store = helper_of(in) == HelperId::fxsave;
  const Value changed =
      call_helper(helper_of(in), Type::kI64, memory_address(in, 512, is_store), save_flags(in));
  if (!is_store) leave_if_x87_mode_changed(in, changed);
}

void Translator::extended_save(const Insn& in) {
  call_helper(HelperId::xsave, memory_address(in, 512, true), save_flags(in),
              number(in.row->variant));
}

}  // namespace vireo::i386
