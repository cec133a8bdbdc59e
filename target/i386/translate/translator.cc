// What comes before and behind every instruction: permission, and the ways out of a block.

#include "target/i386/translate/translator.h"

#include <algorithm>

#include "target/i386/cpu/xsave_layout.h"
#include "target/i386/helper/debug.h"

namespace vireo::i386 {

using tcg::Condition;
using tcg::ExitReason;

namespace {

/// What single steps of branches stop behind (SDM volume 3, 17.4.3), if it is taken.
bool is_branch(const Insn& in) {
  using T = Translator;
  constexpr decltype(Row::translate) kBranches[] = {&T::jump,
                                                    &T::jump_if,
                                                    &T::jump_indirect,
                                                    &T::jump_if_counter_zero,
                                                    &T::loop,
                                                    &T::loop_if,
                                                    &T::call,
                                                    &T::call_indirect,
                                                    &T::far_jump,
                                                    &T::far_call,
                                                    &T::near_return,
                                                    &T::far_return,
                                                    &T::interrupt_return,
                                                    &T::transfer};
  return std::find(std::begin(kBranches), std::end(kBranches), in.row->translate) !=
         std::end(kBranches);
}

bool is_xrstor(const Insn& in) {
  const auto helper = static_cast<HelperId>(in.row->variant);
  return in.row->translate == &Translator::save_state &&
         (helper == HelperId::xrstor || helper == HelperId::xrstors);
}

/// Whether a misaligned operand raises #GP.
bool needs_more_alignment(const Insn& in) {
  const auto is_wide = [](const Operand& operand) {
    return operand.is_memory() && operand.size >= 16;
  };
  if (in.row->translate == &Translator::extended_save || is_xrstor(in)) return true;
  if (in.row->translate == &Translator::compare_exchange_wide) return in.operand_size == 8;
  return !in.has(unaligned) && std::any_of(in.operands.begin(), in.operands.end(), is_wide);
}

/// What has to divide the address of an operand at most while alignment is checked; 1 where
/// nothing is checked but what raises #GP (SDM volume 3, table 6-7).
unsigned most_alignment(const Insn& in) {
  using T = Translator;
  constexpr unsigned kDoubleQuadword = 16;
  const auto translate = in.row->translate;
  const unsigned word_or_doubleword = in.operand_size == 2 ? 2 : 4;
  const bool is_image = in.operands[0].size == 0;
  // Descriptor tables are stored in a word and what follows it, aligned or not.
  if (translate == &T::descriptor_table || needs_more_alignment(in)) return 1;
  // FXSAVE and FXRSTOR may raise either exception: AMD's processors look at 4 bytes first.
  if (translate == &T::save_state) return 4;
  if (translate == &T::masked_move) return 8;
  if (translate == &T::bound) return in.operand_size;
  if (translate == &T::load_far_pointer || translate == &T::far_jump || translate == &T::far_call ||
      (translate == &T::x87_memory && is_image))
    return word_or_doubleword;
  return kDoubleQuadword;
}

}  // namespace

void Translator::translate(const Insn& insn) {
  if (!is_plain_x87(insn)) store_x87_pointer();
  current_ip_ = insn.ip;
  checked_alignment_ = in_mode(kModeAlignmentCheck) ? most_alignment(insn) : 1;
  on_stack_ = insn.memory.segment == kSs;
  if (is_one_shot()) is_branch_ = is_branch(insn);
  ir_.insn_start(insn.ip);
  if (in_mode(kModeBreakpoints)) call_helper(HelperId::begin_watched);
  if (shadow_ == Shadow::kBegins) shadow_ = Shadow::kCovers;
  if (is_permitted(insn)) (this->*insn.row->translate)(insn);
  if (ended_) return;
  if (is_one_shot()) go(next_ip(insn));
  if (shadow_ == Shadow::kCovers) end_shadow(next_ip(insn));
}

void Translator::end_shadow(uint64_t next) {
  shadow_ = Shadow::kNone;
  const Value requests = ir_.load_changing_state(Type::kI8, VIREO_CPU_OFFSET(requests));
  ir_.branch_runtime(requests, ExitReason::kInterruptWindow, next);
}

void Translator::translate_fault(uint64_t ip, Vector vector) {
  store_x87_pointer();
  ir_.insn_start(ip);
  if (in_mode(kModeBreakpoints)) call_helper(HelperId::begin_watched);
  raise(vector);
}

void Translator::finish(uint64_t ip) {
  if (ended_) return;
  store_x87_pointer();
  if (shadow_ == Shadow::kBegins) {
    call_helper(HelperId::begin_shadow, number(kStiShadow));
    leave_block(ExitReason::kModeChange, ip);
  } else {
    go(ip);
  }
}

void Translator::raise(Vector vector) {
  if (vector == kGp) {
    call_helper(HelperId::raise_exception_error, number(vector), number(0));
    leave_block_there(ExitReason::kException);
  } else {
    raise(number(vector));
  }
}

void Translator::raise(Value vector) {
  call_helper(HelperId::raise_exception, vector);
  ir_.exit_runtime(ExitReason::kException);
  ended_ = true;
}

bool Translator::is_permitted(const Insn& in) {
  if (in.has(protected_mode) && !in_mode(kModeProtected)) {
    raise(kUd);
  } else if (in.has(hidden) && cpl() != 0) {
    raise(kUd);
  } else if (in.has(privileged) && cpl() != 0) {
    raise(kGp);
  } else {
    return fpu_permitted(in);
  }
  return false;
}

/// SDM volume 3, tables 2-2, 12-1 and 13-1: CR0.EM makes x87 raise #NM, MMX and SSE #UD; CR0.TS
/// #NM.
bool Translator::fpu_permitted(const Insn& in) {
  const bool sse = in.has(uses_sse) && in_mode(kModeSseUnavailable);
  const bool mmx = in.has(uses_mmx) && in_mode(kModeFpuUnavailable);
  if (sse || mmx) {
    Value undefined = ir_.and_(ir_.load_state(Type::kI64, VIREO_CPU_OFFSET(cr0)), number(kCr0Em));
    if (sse) {
      const Value cr4 = ir_.load_state(Type::kI64, VIREO_CPU_OFFSET(cr4));
      undefined = ir_.or_(undefined, ir_.and_(ir_.not_(cr4), number(kCr4Osfxsr)));
    }
    raise(ir_.select_nonzero(number(kUd), number(kNm), undefined));
    return false;
  }
  if (in.has(uses_avx) && in_mode(kModeAvxUnavailable)) {
    const Value cr4 = ir_.load_state(Type::kI64, VIREO_CPU_OFFSET(cr4));
    const Value xcr0 = ir_.load_state(Type::kI64, VIREO_CPU_OFFSET(xcr0));
    const Value missing = ir_.or_(ir_.and_(ir_.not_(cr4), number(kCr4Osxsave)),
                                  ir_.and_(ir_.not_(xcr0), number(kXsaveYmm)));
    raise(ir_.select_nonzero(number(kUd), number(kNm), missing));
    return false;
  }
  if (in.has(uses_fpu) && in_mode(kModeFpuUnavailable)) {
    raise(kNm);
    return false;
  }
  // CVTPI2PD of memory does not touch the MMX registers.
  const bool touches_mmx = in.has(uses_mmx) && !(in.has(uses_sse) && in.opcode == 0x2a &&
                                                 in.operand_prefix && in.modrm < 0xc0);
  if (touches_mmx && !mmx_entered_) {
    if (in_mode(kModeX87MayRaise)) call_helper(HelperId::x87, number(kWaitCode));  // #MF is first.
    access_before_effects(in, in.operands[0].is_memory());
    set_mmx_tags(0);
    mmx_entered_ = true;
  }
  return true;
}

/// Makes the memory operand fault here, if it does, for instructions that change registers first.
void Translator::access_before_effects(const Insn& in, bool is_write) {
  for (const Operand& operand : in.operands) {
    if (!operand.is_memory()) continue;
    const bool is_number = operand.size == 2 || operand.size == 4 || operand.size == 8;
    const unsigned size = operand.size == 16 || is_number ? operand.size : 1;
    const Type type = size == 16 ? Type::kV128 : integer_type(size);
    const Value address = memory_address(in, size, is_write);
    const uint8_t flags = size == 16 ? vector_memory_flags(in, size) : memory_flags();
    if (is_write) {
      ir_.probe(type, address, 0, flags);
    } else {
      ir_.load(type, address, 0, flags);
    }
  }
}

// Relative ones are signed.
uint64_t Translator::mask_ip(uint64_t ip) const {
  if (is_64()) return ip;
  const auto low = static_cast<uint32_t>(ip);
  return is_relocatable() ? static_cast<uint64_t>(int64_t{static_cast<int32_t>(low)}) : low;
}

Translator::Value Translator::truncated_target(const Insn& in) {
  return ir_.truncate(Type::kI16, ip_value(in.ip + in.length + in.immediate));
}

void Translator::go_truncated_if(Value condition, const Insn& in) {
  condition_ = condition;
  const Value taken = ir_.zero_extend(Type::kI64, truncated_target(in));
  go_indirect(ir_.select_nonzero(taken, ip_value(next_ip(in)), condition));
}

uint64_t Translator::branch_target(const Insn& in) const {
  const uint64_t target = in.ip + in.length + in.immediate;
  return in.operand_size == 2 ? static_cast<uint16_t>(target) : mask_ip(target);
}

/// The helpers leave, to raise #DB or to look for interrupts, with `next` as the guest IP.
void Translator::finish_one_shot(Value next) {
  ir_.insn_start(current_ip_);  // What the instruction has done stays done.
  if (in_mode(kModeTrap | kModeBreakpoints)) {
    call_helper(HelperId::finish_traced, next, number(mode_), traced_end());
  } else {
    call_helper(HelperId::clear_shadow, next);
  }
  ir_.exit_runtime(ExitReason::kInterruptWindow);
  ended_ = true;
}

Translator::Value Translator::traced_end() {
  const Value taken = number(is_branch_ ? kBranched : kIterated);
  if (condition_) return ir_.select_nonzero(taken, number(kWentOn), condition_);
  return number(is_branch_ ? kBranched : kWentOn);
}

void Translator::go(uint64_t target, unsigned slot) {
  if (is_one_shot()) return finish_one_shot(ip_value(target));
  if (shadow_ == Shadow::kCovers) end_shadow(target);
  ir_.exit_direct(target, slot);
  ended_ = true;
}

void Translator::go_if(Condition condition, uint64_t taken, uint64_t next) {
  if (leaves_through_loop()) {
    condition_ = ir_.select(condition, number(1), number(0));
    return go_indirect(ir_.select_nonzero(ip_value(taken), ip_value(next), condition_));
  }
  ir_.branch_if(condition, taken, 0);
  go(next, 1);
}

void Translator::go_if_nonzero(Value value, uint64_t taken, uint64_t next) {
  if (leaves_through_loop()) {
    condition_ = value;
    return go_indirect(ir_.select_nonzero(ip_value(taken), ip_value(next), value));
  }
  ir_.branch_nonzero(value, taken, 0);
  go(next, 1);
}

void Translator::go_indirect(Value target, bool is_return) {
  const Value wide = ir_.zero_extend(Type::kI64, target);
  if (is_one_shot()) return finish_one_shot(wide);
  if (shadow_ == Shadow::kCovers) {
    ir_.store_state(VIREO_CPU_OFFSET(frame) + offsetof(tcg::Frame, guest_ip), wide);
    ir_.exit_runtime(ExitReason::kInterruptWindow);
    ended_ = true;
    return;
  }
  if (is_return) {
    ir_.exit_return(wide);
  } else {
    ir_.exit_indirect(wide);
  }
  ended_ = true;
}

// Behind a helper that may have changed the mode, what is mapped where, or whether an interrupt
// waits.
void Translator::resume_at(uint64_t next) {
  if (is_one_shot()) return finish_one_shot(ip_value(next));
  go_indirect(call_helper(HelperId::resume, Type::kI64, ip_value(next)));
}

void Translator::leave_block(ExitReason reason, uint64_t next) {
  if (is_one_shot()) return finish_one_shot(ip_value(next));
  ir_.exit_runtime(reason, next);
  ended_ = true;
}

void Translator::leave_block_there(ExitReason reason) {
  if (is_one_shot() && reason != ExitReason::kException) {
    return finish_one_shot(
        ir_.load_state(Type::kI64, VIREO_CPU_OFFSET(frame) + offsetof(tcg::Frame, guest_ip)));
  }
  ir_.exit_runtime(reason);
  ended_ = true;
}

}  // namespace vireo::i386
