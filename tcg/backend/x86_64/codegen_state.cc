// Guest registers, vCPU state and helper calls.

#include <utility>

#include "tcg/backend/x86_64/codegen.h"
#include "util/bits.h"

namespace vireo::tcg::x86_64 {

void CodeGenerator::emit_constant() {
  if (is_vector(inst().type)) return emit_vector_constant();
  ValuePlace& p = place(static_cast<ValueId>(at_));
  p = {};
  p.is_constant = true;
  p.imm = inst().imm & util::low_mask(bits_of(inst().type));
  add_live(static_cast<ValueId>(at_));
}

void CodeGenerator::emit_get_reg() {
  if (is_vector(inst().type)) return emit_vector_get();
  const Reg host = kHostOfGuest[inst().aux];
  if (host == kNoReg) return define_in_frame(general_offset(inst().aux));
  define(host, inst().type == Type::kI64);
}

void CodeGenerator::emit_set_reg() {
  if (is_vector(inst().type)) return emit_vector_set();
  if (in_loop_) note_move();
  const Reg host = kHostOfGuest[inst().aux];
  if (host == kNoReg) {
    emit_set_unpinned();
  } else {
    emit_set_pinned(host);
  }
}

void CodeGenerator::emit_set_pinned(Reg host) {
  const ValueId id = inst().a;
  ValuePlace& p = place(id);
  const unsigned bytes = size();
  if (p.also == host) std::swap(p.host, p.also);
  const bool done = p.host == host && (bytes != 4 || p.zero_extended);
  if (!done) {
    clobber(host, id);
    if (p.is_constant && p.imm == 0 && bytes >= 4 && !flags_needed()) {
      e_.alu(Alu::kXor, 4, host, host);
      flags_ = kFlagsNowhere;
    } else {
      load_into(host, bytes, id);
    }
  }
  if (p.is_constant) return;
  if (p.host != host) {
    const bool alike = bytes != 4 || p.zero_extended;
    p.also = p.host != kNoReg && alike && !in_temporary(id) ? p.host : kNoReg;
    p.host = host;
  }
  p.is_address = false;
  p.zero_extended = bytes >= 4;
}

void CodeGenerator::emit_set_unpinned() {
  const ValueId id = inst().a;
  const size_t offset = general_offset(inst().aux);
  const ValuePlace& p = place(id);
  if (p.frame == static_cast<int32_t>(offset) && p.host == kNoReg) {
    if (size() == 4) {
      clobber_frame(offset + 4, 4, id);
      e_.mov_to_imm(4, frame_at(offset + 4), 0);
    }
    return;
  }
  clobber_frame(offset, 8, id);
  if (size() != 4) {
    store_to_frame(offset, size(), id);
  } else if (p.is_constant && p.imm <= 0x7fffffff) {
    e_.mov_to_imm(8, frame_at(offset), static_cast<int32_t>(p.imm));
  } else {
    Reg from = in_register(id);
    if (!place(id).zero_extended) {
      const Reg temporary = allocate_temporary();
      e_.mov(4, temporary, from);
      from = temporary;
    }
    e_.mov_to(8, frame_at(offset), from);
  }
  if (!place(id).is_constant) place(id).frame = static_cast<int32_t>(offset);
}

void CodeGenerator::store_to_frame(size_t offset, unsigned bytes, ValueId id) {
  if (place(id).is_constant && fits_imm32(id)) {
    e_.mov_to_imm(bytes, frame_at(offset), static_cast<int32_t>(place(id).imm));
  } else {
    e_.mov_to(bytes, frame_at(offset), in_register(id));
  }
}

// Bits 15:8 of RAX, RCX, RDX and RBX are host registers too, but only without a REX prefix.
void CodeGenerator::emit_get_high8() {
  const Reg from = kHostOfGuest[inst().aux];
  const Reg high = static_cast<Reg>(kAh + from);
  const Reg to = destination();
  clobber(to);
  if (to <= kRbx) {
    e_.mov(1, to, high);
    return define(to, false);
  }
  if (cpu_.bmi2) {
    const Reg temporary = to == kAddressReg || to == kTlbReg ? to : allocate_temporary();
    e_.rorx(4, temporary, from, 8);
    if (temporary != to) e_.mov(1, to, temporary);
  } else {  // XCHG leaves flags alone
    e_.rm({kMapOne, 0x86}, 1, from, high);
    to == kAddressReg || to == kTlbReg ? e_.mov(4, to, from) : e_.mov(1, to, from);
    e_.rm({kMapOne, 0x86}, 1, from, high);
  }
  define(to, false);
}

void CodeGenerator::emit_set_high8() {
  const Reg host = kHostOfGuest[inst().aux];
  const Reg high = static_cast<Reg>(kAh + host);
  const ValueId id = inst().a;
  clobber(host, place(id).host == host && !live_after(id) ? id : kNoValue);
  if (!place(id).is_constant) in_register(id);
  const ValuePlace& p = place(id);
  if (p.is_constant) {
    e_.mov_imm(1, high, p.imm);
  } else if (p.host <= kRbx) {
    e_.mov(1, high, p.host);
  } else {
    e_.rm({kMapOne, 0x86}, 1, host, high);
    e_.mov(1, host, p.host);
    e_.rm({kMapOne, 0x86}, 1, host, high);
  }
}

// The Frame's own fields change by themselves (guest_ip at synchronisations), the target's do not.
void CodeGenerator::emit_load_state() {
  need_memory_x87(inst().imm, size());
  if (inst().imm >= sizeof(Frame) || is_vector(inst().type)) return define_in_frame(inst().imm);
  const Reg to = destination();
  clobber(to);
  emit_load_to(to, size(), frame_at(inst().imm));
  define(to, size() >= 4 || to == kAddressReg || to == kTlbReg);
}

void CodeGenerator::emit_store_state() {
  const ValueId id = inst().a;
  const size_t offset = inst().imm;
  need_memory_x87(offset, size());
  clobber_frame(offset, size(), id);
  ValuePlace& p = place(id);
  const auto from = static_cast<size_t>(p.frame);
  if (p.frame >= 0 && p.host == kNoReg && from == offset) return;
  const bool overlaps = p.frame >= 0 && from < offset + size() && offset < from + size();
  if (is_vector(inst().type)) {
    const Reg temporary = p.host == kNoReg ? allocate_temporary() : kNoReg;
    return emit_vector_store_source(frame_at(offset), size(), source(id), temporary);
  }
  store_to_frame(offset, size(), id);
  if (overlaps) p.frame = -1;
}

// Arguments are zero-extended. Temporaries are free again afterwards.
void CodeGenerator::store_argument(size_t offset, ValueId id) {
  if (id == kNoValue) return;
  const unsigned bytes = size_of(inst(id).type);
  const ValuePlace& p = place(id);
  if (p.is_constant && p.imm <= 0x7fffffff) {
    return e_.mov_to_imm(8, frame_at(offset), static_cast<int32_t>(p.imm));
  }
  const Reg from = in_register(id);
  locked_ = 0;
  if (bytes == 8) return e_.mov_to(8, frame_at(offset), from);
  if (bytes < 4) e_.mov_to_imm(8, frame_at(offset), 0);
  if (bytes == 4) e_.mov_to_imm(4, frame_at(offset + 4), 0);
  e_.mov_to(bytes, frame_at(offset), from);
}

// Goes to `done` if it needs no helper. In lock-step the helper is what both sides know.
void CodeGenerator::emit_instead_of_call(Encoder::Label done) {
  switch (inst().extra & kCallKind) {
    case kStringCall:
      return emit_string(done);
    case kPairCall:
      return emit_pair_exchange(done);
    case kGatherCall:
      return emit_gather(done);
    case kMxcsrCall:
      return emit_load_mxcsr(done);
    case kMaskedCall:
      return emit_masked_move(done);
    default:
      return;
  }
}

// Where the host has the guest's bytes at kAddressReg becomes kChecked, or it goes to `fails`.
void CodeGenerator::emit_call_check(bool is_write, int32_t bytes, Encoder::Label fails) {
  const TlbOperand entry = emit_tlb_lookup(e_, cpu_.bmi2, inst().extra & kCallUser, is_write);
  e_.alu_imm(Alu::kCmp, 8, kAddressReg, static_cast<int32_t>(kPageSize) - bytes);
  e_.jump_if(kAbove, fails);
  e_.mov(8, kTlbReg, entry.host);
}

void CodeGenerator::emit_string(Encoder::Label done) {
  const Encoder::Label call = e_.new_label();
  e_.alu_imm(Alu::kCmp, 4, frame_at(offsetof(Frame, helper_arguments) + 16), 0);
  e_.jump_if(kEqual ^ 1, call);
  e_.call_to(thunks_.strings[inst().extra % kStringKinds]);
  e_.jump_if(kEqual, done);
  e_.bind(call);
}

// The host's own on the pinned registers; flags are in memory, and change there.
void CodeGenerator::emit_pair_exchange(Encoder::Label done) {
  const bool wide = (inst().extra & kPairWide) != 0;
  if (wide && !cpu_.cmpxchg16b) return;
  const int32_t bytes = wide ? 16 : 8;
  const Encoder::Label call = e_.new_label();
  e_.mov(8, kAddressReg, frame_at(offsetof(Frame, helper_arguments)));
  if (wide) {
    e_.test_imm(1, kAddressReg, bytes - 1);
    e_.jump_if(kNotEqual, call);
  }
  emit_call_check(true, bytes, call);
  if (inst().extra & kPairLocked) e_.byte(0xf0);
  e_.rm({kMap0f, 0xc7}, wide ? 8 : 4, 1, kChecked);
  const Mem flags = frame_at(offsetof(Frame, flags_low));
  e_.setcc(kEqual, kTlbReg);
  e_.shift_imm(Shift::kShl, 4, kTlbReg, std::countr_zero(unsigned{kFlagZ}));
  e_.alu_imm(Alu::kAnd, 1, flags, static_cast<int8_t>(~kFlagZ));
  e_.alu_to(Alu::kOr, 1, flags, kTlbReg);
  e_.jump(done);
  e_.bind(call);
}

void CodeGenerator::emit_call_helper() {
  need_memory_flags();
  const ValueId arguments[] = {inst().a, inst().b, inst().c};
  for (unsigned i = 0; i < 3; ++i) {
    store_argument(offsetof(Frame, helper_arguments) + 8 * i, arguments[i]);
  }
  free_all_aliases();
  const Reg to = inst().type == Type::kVoid ? kNoReg : destination();
  if (to != kNoReg) clobber(to);
  const Encoder::Label done = e_.new_label();
  if (link_blocks_) emit_instead_of_call(done);
  store_guest_ip(ip_);
  e_.mov_imm(4, kTlbReg, inst().aux);
  e_.call_to(thunks_.call_helper);
  e_.bind(done);
  flags_ = kFlagsInMemory;
  if (to == kNoReg) return;
  emit_load_to(to, size(), frame_at(offsetof(Frame, helper_result)));
  define(to, to == kAddressReg || to == kTlbReg || size() >= 4);
}

}  // namespace vireo::tcg::x86_64
