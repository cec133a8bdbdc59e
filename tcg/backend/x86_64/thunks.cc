// The code between translated blocks and C++: entry, exits, slow paths of memory accesses, helper
// calls. Translated code runs on one of the return stacks, C++ on that of who entered it.

#include "tcg/backend/x86_64/thunks.h"

#include <cassert>
#include <iterator>

#include "tcg/backend/x86_64/layout.h"
#include "tcg/backend/x86_64/slow_path.h"
#include "tcg/ir/block.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr Reg kSavedByCallee[] = {kRbx, kRbp, kR12, kR13, kR14, kR15};
constexpr Reg kSavedByCaller[] = {kRax, kRcx, kRdx, kRsi, kRdi, kR8, kR9, kR10, kR11};
constexpr unsigned kVectorRegisters = 16;
/// Makes the stack pointer a multiple of 16 behind kSavedByCallee and the return address.
constexpr int32_t kEntryRoom = 8;

class ThunkMaker {
 public:
  ThunkMaker(Encoder& encoder, JitBackend* backend, size_t x87_offset, unsigned vector_bytes)
      : e_(encoder),
        backend_(backend),
        x87_offset_(x87_offset),
        vector_bytes_(vector_bytes),
        spill_(encoder.new_label()),
        reload_(encoder.new_label()),
        exit_(encoder.new_label()),
        leave_(encoder.new_label()),
        lookup_again_(encoder.new_label()),
        full_(encoder.new_label()) {}

  Thunks make() {
    Thunks thunks{};
    make_state_routines();
    thunks.enter = make_enter();
    thunks.leave = make_leave();
    thunks.lookup_host = make_lookup(true);
    thunks.lookup_memory = make_lookup(false);
    thunks.jump_cache = make_jump_cache();
    thunks.return_empty = make_return_empty();
    thunks.lookup_again = make_lookup_again();
    thunks.exit_runtime = make_exit_runtime();
    thunks.poll_host = make_poll(true);
    thunks.poll_memory = make_poll(false);
    thunks.divide_error = make_fault(false, reinterpret_cast<void*>(&slow_divide_error));
    thunks.simd_exception_host = make_fault(true, reinterpret_cast<void*>(&slow_simd_exception));
    thunks.simd_exception_memory = make_fault(false, reinterpret_cast<void*>(&slow_simd_exception));
    thunks.access_full = make_access_full();
    for (const bool user : {false, true}) {
      for (const bool write : {false, true}) {
        thunks.accesses[user][write] = make_access(user, write);
        thunks.groups[user][write] = make_group(user, write);
        thunks.stack_misses[user][write] = make_stack_miss(user, write);
      }
    }
    thunks.call_helper = make_call(4, reinterpret_cast<void*>(&slow_call_helper));
    thunks.evaluate = make_call(8, reinterpret_cast<void*>(&slow_evaluate));
    thunks.save_flags = make_save_flags();
    thunks.x87_to_host = make_x87_move(true);
    thunks.x87_to_memory = make_x87_move(false);
    make_string_thunks(e_, thunks);
    e_.resolve();
    return thunks;
  }

 private:
  const uint8_t* here() {
    while (e_.size() % 16 != 0) e_.byte(0xcc);
    return e_.executable(e_.size());
  }
  void call_function(void* function) {
    e_.mov_imm(8, kRax, reinterpret_cast<uint64_t>(function));
    e_.call_indirect(kRax);
  }
  void frame_argument() { e_.lea(8, kRdi, {kFrameReg, kNoReg, 0, -kFrameBias}); }

  // All guest state between host registers and the Frame; the host's MXCSR takes over outside.
  void make_state_routines() {
    here();
    e_.bind(spill_);
    for (unsigned guest = 0; guest < 16; ++guest) {
      const Reg host = kHostOfGuest[guest];
      if (host != kNoReg) e_.mov_to(8, frame_at(general_offset(guest)), host);
    }
    for (unsigned i = 0; i < kVectorRegisters; ++i) {
      if (vector_bytes_ == 32) {
        e_.vmovups_to(32, frame_at(vector_offset(i)), static_cast<Reg>(i));
      } else {
        e_.sse({kMap0f, 0x29}, i, frame_at(vector_offset(i)));
      }
    }
    if (vector_bytes_ == 32) e_.vzeroupper();  // C++ code mixes with SSE
    e_.stmxcsr(frame_at(offsetof(Frame, mxcsr)));
    e_.ldmxcsr(frame_at(offsetof(Frame, host_mxcsr)));
    make_x87_spill();
    e_.ret();
    here();
    e_.bind(reload_);
    make_x87_reload();
    for (unsigned guest = 0; guest < 16; ++guest) {
      const Reg host = kHostOfGuest[guest];
      if (host != kNoReg) e_.mov(8, host, frame_at(general_offset(guest)));
    }
    reload_vectors();
    e_.ldmxcsr(frame_at(offsetof(Frame, mxcsr)));
    e_.ret();
  }

  // If a register's upper half is not known to be zero, each legacy instruction that writes it
  // waits for what it held before: where all are zero, VZEROUPPER says so.
  void reload_vectors() {
    const Encoder::Label clean = e_.new_label(), end = e_.new_label();
    if (vector_bytes_ == 32) {
      const auto upper = [](unsigned i) { return frame_at(vector_offset(i) + 16); };
      e_.vmovups(16, kRax, upper(0));
      for (unsigned i = 1; i < kVectorRegisters; ++i) {
        e_.vex({kMap0f, 0xeb, 0x66}, 4, kRax, kRax, upper(i), 16);  // vpor
      }
      e_.vex({kMap0f38, 0x17, 0x66}, 4, kRax, kRax, kRax, 16);  // vptest
      e_.vzeroupper();
      e_.jump_if(4, clean);
      for (unsigned i = 0; i < kVectorRegisters; ++i) {
        e_.vmovups(32, static_cast<Reg>(i), frame_at(vector_offset(i)));
      }
      e_.jump(end);
      e_.bind(clean);
    }
    for (unsigned i = 0; i < kVectorRegisters; ++i) {
      e_.movaps(static_cast<Reg>(i), frame_at(vector_offset(i)));
    }
    e_.bind(end);
  }

  // The stack changes, away from return addresses that are not the guest's; and back.
  void begin_calls() {
    e_.mov_to(8, frame_at(offsetof(Frame, return_stack_top)), kRsp);
    e_.mov(8, kRsp, frame_at(offsetof(Frame, owner_stack)));
  }
  void end_calls() { e_.mov(8, kRsp, frame_at(offsetof(Frame, return_stack_top))); }

  // A C++ function on the X87State and Frame::x87_image, from either stack. RBP is free: the
  // guest's is in the Frame.
  void move_x87(void* function) {
    e_.mov(8, kRbp, kRsp);
    e_.mov(8, kRsp, frame_at(offsetof(Frame, owner_stack)));
    frame_argument();
    e_.mov_imm(8, kRsi, x87_offset_);
    call_function(function);
    e_.mov(8, kRsp, kRbp);
  }

  void make_x87_spill() {
    const Encoder::Label end = e_.new_label();
    e_.alu_imm(Alu::kCmp, 1, kX87Place, 1);
    e_.jump_if(kNotEqual, end);
    e_.mov_to_imm(1, kX87Place, 2);
    e_.rm({kMapOne, 0xdd}, 4, 6, frame_at(offsetof(Frame, x87_image)));  // fnsave
    move_x87(reinterpret_cast<void*>(&store_x87));
    e_.bind(end);
  }

  void make_x87_reload() {
    const Encoder::Label end = e_.new_label();
    e_.alu_imm(Alu::kCmp, 1, kX87Place, 2);
    e_.jump_if(kNotEqual, end);
    e_.mov_to_imm(1, kX87Place, 1);
    move_x87(reinterpret_cast<void*>(&load_x87));
    e_.rm({kMapOne, 0xdd}, 4, 4, frame_at(offsetof(Frame, x87_image)));  // frstor
    e_.bind(end);
  }

  const uint8_t* make_x87_move(bool to_host) {
    const uint8_t* start = here();
    e_.call(spill_);
    e_.mov_to_imm(1, kX87Place, to_host ? 2 : 0);
    e_.call(reload_);
    e_.ret();
    return start;
  }

  const uint8_t* make_enter() {
    const uint8_t* start = here();
    for (const Reg reg : kSavedByCallee) e_.push(reg);
    e_.alu_imm(Alu::kSub, 8, kRsp, kEntryRoom);
    e_.mov_to(8, {kRdx}, kRsp);
    e_.lea(8, kFrameReg, {kRdi, kNoReg, 0, kFrameBias});
    e_.mov_to(8, frame_at(offsetof(Frame, owner_stack)), kRsp);
    e_.stmxcsr(frame_at(offsetof(Frame, host_mxcsr)));
    e_.mov(8, kR12, kRsi);
    end_calls();
    e_.call(reload_);
    e_.jump_indirect(kR12);
    return start;
  }

  // Reached by jumps from exits, after spilling.
  const uint8_t* make_leave() {
    here();
    e_.bind(exit_);
    e_.mov_to(8, frame_at(offsetof(Frame, return_stack_top)), kRsp);
    e_.mov(8, kRdi, frame_at(offsetof(Frame, owner_stack)));
    e_.lea(8, kRsi, {kFrameReg, kNoReg, 0, -kFrameBias});
    const uint8_t* start = e_.executable(e_.size());
    e_.bind(leave_);
    e_.mov(8, kRsp, kRdi);
    e_.mov_to_imm(1, Mem{kRsi, kNoReg, 0, offsetof(Frame, x87_place)}, 0);
    e_.ldmxcsr(Mem{kRsi, kNoReg, 0, offsetof(Frame, host_mxcsr)});
    e_.alu_imm(Alu::kAdd, 8, kRsp, kEntryRoom);
    for (unsigned i = 6; i-- > 0;) e_.pop(kSavedByCallee[i]);
    e_.ret();
    return start;
  }

  void exit_with(ExitReason reason) {
    e_.mov_to_imm(2, frame_at(offsetof(Frame, exit_reason)), static_cast<int16_t>(reason));
    e_.call(spill_);
    e_.jump(exit_);
  }

  // The owner knows the guest IP.
  const uint8_t* make_lookup(bool host_flags) {
    const uint8_t* start = here();
    e_.pop(kTlbReg);
    e_.mov_to(8, frame_at(offsetof(Frame, host_return)), kTlbReg);
    if (host_flags) emit_save_flags(e_, kAddressReg);
    exit_with(ExitReason::kLookup);
    return start;
  }

  const uint8_t* make_save_flags() {
    const uint8_t* start = here();
    emit_save_flags(e_, kAddressReg);
    e_.mov(8, kAddressReg, frame_at(scratch_offset(0)));
    e_.ret();
    return start;
  }

  void jump_by_cache() { e_.jump_indirect(emit_jump_cache(e_, lookup_again_)); }

  const uint8_t* make_jump_cache() {
    const uint8_t* start = here();
    jump_by_cache();
    return start;
  }

  // The bottom of the stack, which led here, stays there.
  const uint8_t* make_return_empty() {
    const uint8_t* start = here();
    e_.lea(8, kRsp, {kRsp, kNoReg, 0, -8});
    jump_by_cache();
    return start;
  }

  const uint8_t* make_lookup_again() {
    const uint8_t* start = here();
    e_.bind(lookup_again_);
    e_.mov_to(8, frame_at(offsetof(Frame, guest_ip)), kAddressReg);
    e_.mov_to_imm(8, frame_at(offsetof(Frame, host_return)), 0);
    exit_with(ExitReason::kLookup);
    return start;
  }

  const uint8_t* make_exit_runtime() {
    const uint8_t* start = here();
    e_.mov_to(2, frame_at(offsetof(Frame, exit_reason)), kTlbReg);
    e_.call(spill_);
    e_.jump(exit_);
    return start;
  }

  const uint8_t* make_poll(bool host_flags) {
    const uint8_t* start = here();
    if (host_flags) emit_save_flags(e_, kAddressReg);
    exit_with(ExitReason::kPoll);
    return start;
  }

  // MMX operations may have been interrupted: the host's x87 state is not the guest's, so that it
  // can simply be emptied.
  const uint8_t* make_fault(bool host_flags, void* function) {
    const uint8_t* start = here();
    if (host_flags) emit_save_flags(e_, kAddressReg);
    e_.call(spill_);
    e_.imm(0x770f, 2);  // emms
    begin_calls();
    frame_argument();
    e_.mov_imm(8, kRsi, reinterpret_cast<uint64_t>(backend_));
    call_function(function);
    end_calls();
    e_.jump(exit_);
    return start;
  }

  // A finished access continues behind the retry jump: 4 bytes of descriptor and 5 of jump.
  const uint8_t* make_access_full() {
    const uint8_t* start = here();
    e_.bind(full_);
    e_.pop(kTlbReg);
    e_.mov_to(8, frame_at(offsetof(Frame, host_return)), kTlbReg);
    e_.call(spill_);
    begin_calls();
    frame_argument();
    e_.mov(8, kRsi, kAddressReg);
    e_.mov(4, kRdx, Mem{kTlbReg});
    e_.mov_imm(8, kRcx, reinterpret_cast<uint64_t>(backend_));
    call_function(reinterpret_cast<void*>(&slow_access));
    end_calls();
    e_.lea(8, kAddressReg, {kTlbReg, kNoReg, 0, 9});
    e_.mov(8, kTlbReg, kRax);
    e_.call(reload_);
    e_.push(kAddressReg);
    e_.mov_imm(4, kAddressReg, 0);
    e_.ret();
    return start;
  }

  // Compares the RefillResult, which is in kTlbReg then, with kFilled.
  void call_refill(void* function) {
    begin_calls();
    for (const Reg reg : kSavedByCaller) e_.push(reg);
    static_assert(std::size(kSavedByCaller) % 2 == 1);
    e_.alu_imm(Alu::kSub, 8, kRsp, 8);
    frame_argument();
    e_.mov(8, kRsi, kAddressReg);
    e_.mov(8, kRdx, frame_at(offsetof(Frame, return_stack_top)));
    e_.mov(8, kRdx, Mem{kRdx});
    e_.mov(8, kRcx, kTlbReg);
    e_.mov_imm(8, kR8, reinterpret_cast<uint64_t>(backend_));
    call_function(function);
    e_.mov(4, kTlbReg, kRax);
    e_.alu_imm(Alu::kAdd, 8, kRsp, 8);
    for (unsigned i = std::size(kSavedByCaller); i-- > 0;) e_.pop(kSavedByCaller[i]);
    end_calls();
    e_.alu_imm(Alu::kCmp, 4, kTlbReg, static_cast<int32_t>(RefillResult::kFilled));
  }

  // The address again, and the entry's place in the TLB as supervisor code has it.
  void find_failed_entry(bool user, bool write) {
    e_.alu(Alu::kAdd, 8, kAddressReg, tlb_operand(user, write).tag);
    if (!user) return;
    e_.shift_imm(Shift::kShl, 4, kTlbReg, kWordScale);
    e_.alu(Alu::kAdd, 8, kTlbReg, frame_at(tlb_offset(user)));
  }

  // A group that crosses a page is the common case of those that cannot succeed.
  const uint8_t* make_group(bool user, bool write) {
    const uint8_t* start = here();
    find_failed_entry(user, write);
    const Encoder::Label refilled = e_.new_label(), fails = e_.new_label();
    const Mem va = frame_at(scratch_offset(1)), rax = frame_at(scratch_offset(2));
    e_.mov_to(8, va, kAddressReg);
    e_.mov_to(8, rax, kRax);
    e_.mov(8, kRax, Mem{kRsp});
    e_.mov(4, kRax, Mem{kRax});
    e_.alu_imm(Alu::kAnd, 4, kRax, static_cast<int32_t>(GroupDescriptor::kBytesMask));
    e_.alu_imm(Alu::kSub, 4, kRax, 1);
    e_.alu(Alu::kAdd, 4, kAddressReg, kRax);
    e_.alu_imm(Alu::kAnd, 4, kAddressReg, kPageSize - 1);
    e_.alu(Alu::kCmp, 4, kAddressReg, kRax);
    e_.mov(8, kRax, rax);
    e_.mov(8, kAddressReg, va);
    e_.jump_if(2, fails);  // the last byte's offset in the page is below that of a range from 0
    call_refill(reinterpret_cast<void*>(&slow_group_refill));
    e_.jump_if(4, refilled);
    e_.bind(fails);
    e_.alu_imm(Alu::kAdd, 8, Mem{kRsp}, 9);
    e_.ret();
    e_.bind(refilled);
    e_.alu_imm(Alu::kAdd, 8, Mem{kRsp}, 4);
    e_.ret();
    return start;
  }

  const uint8_t* make_access(bool user, bool write) {
    const uint8_t* start = here();
    const Encoder::Label refilled = e_.new_label(), done = e_.new_label();
    find_failed_entry(user, write);
    call_refill(reinterpret_cast<void*>(&slow_refill));
    e_.jump_if(4, refilled);
    e_.jump_if(2, full_);  // below: kFailed
    e_.alu_imm(Alu::kCmp, 4, kTlbReg, static_cast<int32_t>(RefillResult::kDone));
    e_.jump_if(4, done);
    // The entry changed under the check: the address is lost, the instruction begins again.
    e_.pop(kTlbReg);
    e_.mov_to(8, frame_at(offsetof(Frame, host_return)), kTlbReg);
    e_.call(spill_);
    begin_calls();
    frame_argument();
    e_.mov_imm(8, kRsi, reinterpret_cast<uint64_t>(backend_));
    call_function(reinterpret_cast<void*>(&slow_restart));
    end_calls();
    e_.jump(exit_);
    e_.bind(refilled);
    e_.alu_imm(Alu::kAdd, 8, Mem{kRsp}, 4);
    e_.ret();
    e_.bind(done);
    e_.alu_imm(Alu::kAdd, 8, Mem{kRsp}, 9);
    e_.lea(8, kTlbReg, frame_at(offsetof(Frame, bounce)));
    e_.mov_imm(4, kAddressReg, 0);
    e_.ret();
    return start;
  }

  // The page is set before the TLB is looked at again: see Frame::forget_stack_pages().
  const uint8_t* make_stack_miss(bool user, bool write) {
    const uint8_t* start = here();
    const Encoder::Label misses = e_.new_label(), found = e_.new_label(), changed = e_.new_label();
    const size_t tlb = tlb_offset(user);
    const auto page = [user](size_t offset) { return stack_page_field(user, offset); };
    const Mem tag = tlb_operand(user, true).tag;
    constexpr Reg kValue = kRax, kLimit = kRcx;
    const auto restore = [this] {
      e_.mov(8, kValue, frame_at(scratch_offset(1)));
      e_.mov(8, kLimit, frame_at(scratch_offset(2)));
    };
    e_.mov_to(8, frame_at(scratch_offset(1)), kValue);
    e_.mov_to(8, frame_at(scratch_offset(2)), kLimit);
    e_.mov_imm(4, kLimit, kPageSize + 1);
    e_.alu(Alu::kSub, 4, kLimit, kTlbReg);
    e_.alu(Alu::kAdd, 8, kAddressReg, page(offsetof(StackPage, tag)));
    const TlbOperand sought = emit_tlb_lookup(e_, /*bmi2=*/false, user, write);
    e_.alu(Alu::kCmp, 8, kAddressReg, kLimit);
    e_.jump_if(kAboveOrEqual, misses);
    if (!user) {  // not what rights to user pages allow
      e_.mov(8, kValue, frame_at(tlb));
      e_.alu(Alu::kCmp, 8, kValue, frame_at(offsetof(Frame, kernel_tlb)));
      e_.jump_if(kNotEqual, found);
    }
    e_.mov(8, kValue, tag);
    if (!write) {
      e_.alu(Alu::kCmp, 8, kValue, sought.tag);
      e_.jump_if(kNotEqual, found);
    }
    e_.mov_to(8, page(offsetof(StackPage, tag)), kValue);
    e_.mov(8, kLimit, tlb_operand(user, true).host);
    e_.mov_to(8, page(offsetof(StackPage, host)), kLimit);
    e_.mov_imm(4, kLimit, kStackPageRoom);
    e_.rm({kMapOne, 0x87}, 8, kLimit, page(offsetof(StackPage, below)));  // xchg
    e_.alu(Alu::kCmp, 8, kValue, tag);
    e_.jump_if(kNotEqual, changed);
    e_.bind(found);
    e_.mov(8, kTlbReg, sought.host);
    restore();
    e_.ret();
    e_.bind(changed);
    e_.mov_to_imm(8, page(offsetof(StackPage, below)), 0);
    e_.bind(misses);
    restore();
    e_.alu_imm(Alu::kAdd, 8, Mem{kRsp}, 5);
    e_.ret();
    return start;
  }

  // A function with kTlbReg, of `bytes`, as its argument.
  const uint8_t* make_call(unsigned bytes, void* function) {
    const uint8_t* start = here();
    e_.pop(kAddressReg);
    e_.mov_to(8, frame_at(offsetof(Frame, host_return)), kAddressReg);
    e_.call(spill_);
    begin_calls();
    frame_argument();
    e_.mov(bytes, kRsi, kTlbReg);
    e_.mov_imm(8, kRdx, reinterpret_cast<uint64_t>(backend_));
    call_function(function);
    end_calls();
    e_.call(reload_);
    e_.push(kAddressReg);  // paired, for the host's prediction
    e_.ret();
    return start;
  }

  Encoder& e_;
  JitBackend* backend_;
  size_t x87_offset_;
  unsigned vector_bytes_;
  Encoder::Label spill_, reload_, exit_, leave_, lookup_again_, full_;
};

}  // namespace

Thunks make_thunks(Encoder& encoder, JitBackend* backend, size_t x87_offset,
                   unsigned vector_bytes) {
  return ThunkMaker(encoder, backend, x87_offset, vector_bytes).make();
}

namespace {

// SETO and LAHF leave flags alone, so that they stay in the host as well.
Sequence flag_saving(Reg temporary) {
  return Sequence([temporary](Encoder& e) {
    e.mov(8, temporary, kRax);
    e.byte(0x9f);  // lahf
    e.setcc(0, kRax);
    e.mov_to(2, frame_at(kFlagsOffset), kRax);
    e.mov(8, kRax, temporary);
  });
}

// Of the entry for kAddressReg, as user code finds it with BMI2, and va - tag.
Sequence user_lookup(bool write) {
  return Sequence([write](Encoder& e) {
    e.bextr(4, kTlbReg, kAddressReg, kFrameReg);
    e.alu(Alu::kSub, 8, kAddressReg, tlb_operand(/*user=*/true, write).tag);
  });
}

}  // namespace

void emit_save_flags(Encoder& e, Reg temporary) {
  static const Sequence kByAddressReg = flag_saving(kAddressReg), kByTlbReg = flag_saving(kTlbReg);
  assert(temporary == kAddressReg || temporary == kTlbReg);
  (temporary == kAddressReg ? kByAddressReg : kByTlbReg).append_to(e);
}

void emit_restore_flags(Encoder& e, Reg temporary) {
  e.mov(8, temporary, kRax);
  e.movzx(kRax, 2, frame_at(kFlagsOffset));
  e.alu_imm(Alu::kAdd, 1, kRax, 0x7f);  // overflows if AL is 1
  e.byte(0x9e);                         // sahf
  e.mov(8, kRax, temporary);
}

TlbOperand emit_tlb_lookup(Encoder& e, bool bmi2, bool user, bool write) {
  static const Sequence kUserLookups[] = {user_lookup(false), user_lookup(true)};
  const TlbOperand entry = tlb_operand(user, write);
  if (user && bmi2) {
    kUserLookups[write].append_to(e);
    return entry;
  }
  const unsigned scale = user ? 0 : kWordScale;
  const unsigned shift = kPageBits - scale;
  if (bmi2) {
    e.rorx(4, kTlbReg, kAddressReg, static_cast<uint8_t>(shift));
  } else {
    e.mov(4, kTlbReg, kAddressReg);
    e.shift_imm(Shift::kShr, 4, kTlbReg, static_cast<uint8_t>(shift));
  }
  e.alu_imm(Alu::kAnd, 4, kTlbReg, (kTlbEntries - 1) << scale);
  if (!user) e.alu(Alu::kAdd, 8, kTlbReg, frame_at(tlb_offset(user)));
  e.alu(Alu::kSub, 8, kAddressReg, entry.tag);
  return entry;
}

Mem emit_jump_cache(Encoder& e, Encoder::Label misses) {
  constexpr unsigned kEntryShift = 4;
  static_assert(sizeof(JumpTarget) == 1 << kEntryShift);
  e.imul_imm(4, kTlbReg, kAddressReg, static_cast<int32_t>(kJumpCacheMultiplier));
  e.shift_imm(Shift::kShr, 4, kTlbReg, 32 - kJumpCacheBits - kEntryShift);
  e.alu_imm(Alu::kAnd, 4, kTlbReg, (kJumpCacheEntries - 1) << kEntryShift);
  e.alu(Alu::kAdd, 8, kTlbReg, frame_at(offsetof(Frame, jump_cache)));
  e.alu(Alu::kCmp, 8, kAddressReg, Mem{kTlbReg});
  e.jump_if(kNotEqual, misses);
  return {kTlbReg, kNoReg, 0, offsetof(JumpTarget, code)};
}

Mem emit_jump_target(Encoder& e) {
  static_assert(sizeof(UserTables::jump_targets[0]) == 1 << kWordScale);
  e.imul_imm(4, kTlbReg, kAddressReg, static_cast<int32_t>(kJumpCacheMultiplier));
  e.shift_imm(Shift::kShr, 4, kTlbReg, 32 - kJumpCacheBits);
  const auto targets = static_cast<int32_t>(offsetof(UserTables, jump_targets));
  return {kNoReg, kTlbReg, kWordScale, targets, true};
}

namespace {
constexpr unsigned kTypeShift = 0, kOpShift = 4, kFlagsShift = 8, kRmwShift = 12,
                   kFlagsOutShift = 17;
constexpr Opcode kMemoryOpcodes[] = {Opcode::kLoad, Opcode::kStore, Opcode::kRmw,
                                     Opcode::kCompareExchange, Opcode::kProbe};
}  // namespace

uint32_t pack(const MemoryOperation& operation) {
  uint32_t op = 0;
  while (kMemoryOpcodes[op] != operation.op) ++op;
  return static_cast<uint32_t>(operation.type) << kTypeShift | op << kOpShift |
         uint32_t{operation.flags} << kFlagsShift |
         static_cast<uint32_t>(operation.rmw) << kRmwShift |
         uint32_t{operation.flags_out} << kFlagsOutShift;
}

uint32_t pack(const AccessGroup& group, const MemoryOperation& first) {
  const bool user = first.flags & kMemoryUser, begins = first.op != Opcode::kLoad;
  return uint32_t{group.bytes} | uint32_t{user} << GroupDescriptor::kUserShift |
         uint32_t{group.writes} << GroupDescriptor::kWritesShift |
         uint32_t{begins} << GroupDescriptor::kBeginsShift |
         uint32_t{group.alignment} << GroupDescriptor::kAlignmentShift;
}

MemoryOperation unpack(uint32_t descriptor) {
  return {.type = static_cast<Type>(descriptor >> kTypeShift & 15),
          .op = kMemoryOpcodes[descriptor >> kOpShift & 15],
          .flags = static_cast<uint8_t>(descriptor >> kFlagsShift & 15),
          .rmw = static_cast<RmwKind>(descriptor >> kRmwShift & 31),
          .flags_out = static_cast<FlagMask>(descriptor >> kFlagsOutShift & kAllFlags)};
}

}  // namespace vireo::tcg::x86_64
