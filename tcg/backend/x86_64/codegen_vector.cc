// Vector values: aliases of pinned registers, spill slots, copies in the vCPU state. Every host
// vector register is a guest's, so that an operation without one of its own borrows one.

#include <bit>

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {

// Legacy instructions leave the upper half alone. Loading it would make each of them wait for what
// its register held before, until a VZEROUPPER.
Reg CodeGenerator::borrow(uint32_t& avoid) {
  const Reg host = static_cast<Reg>(std::countr_one(avoid & 0xffff));
  const unsigned slot = kFreeSpillSlots + static_cast<unsigned>(borrowed_.size());
  if (host > kR15 || borrowed_.size() == kBorrowSlots) {
    unsupported("too many vector operands");
    return kRax;
  }
  avoid |= 1u << host;
  move_whole_to(frame_at(spill_offset(slot)), host);
  const bool by_vex = inst().op == Opcode::kVector && uses_vex(static_cast<ValueId>(at_));
  borrowed_.push_back({host, slot, by_vex && (is_vector(inst().type) || is_wide(inst()))});
  return host;
}

void CodeGenerator::give_back() {
  for (const Borrowed& borrowed : borrowed_) {
    const Mem kept = frame_at(spill_offset(borrowed.slot));
    borrowed.whole ? move_whole(borrowed.host, kept) : e_.movaps(borrowed.host, kept);
  }
  borrowed_.clear();
}

uint32_t CodeGenerator::vector_operands_mask() const {
  uint32_t mask = 0;
  for (const ValueId id : {inst().a, inst().b, inst().c}) {
    if (id != kNoValue && is_vector(inst(id).type) && places_[id].host != kNoReg) {
      mask |= 1u << places_[id].host;
    }
  }
  if (is_vector(inst().type) && target_register() != kNoReg) mask |= 1u << target_register();
  return mask;
}

// The value with zeros above its type.
void CodeGenerator::load_vector(Reg host, Type type, ValueId id) {
  const ValuePlace& p = place(id);
  if (type == Type::kV256) {
    if (p.host != host) e_.vmovups(32, host, p.host != kNoReg ? Rm(p.host) : Rm(frame_mem(p)));
  } else if (p.host != kNoReg) {
    if (type == Type::kV128 || p.zero_extended) {
      if (p.host != host) e_.movaps(host, p.host);
    } else if (type == Type::kV64) {
      e_.movq(host, p.host);
    } else {
      e_.movss_to(frame_at(scratch_offset(0)), p.host);
      e_.movss(host, frame_at(scratch_offset(0)));
    }
  } else if (p.frame < 0) {
    unsupported("a vector without a place");
  } else {
    load_legacy(type, host, frame_mem(p));
  }
}

// With zeros above the type, as far as legacy instructions reach.
void CodeGenerator::load_legacy(Type type, Reg to, const Mem& from) {
  if (type == Type::kV128) return e_.movups(to, from);
  type == Type::kV64 ? e_.movq(to, from) : e_.movss(to, from);
}

Reg CodeGenerator::vector_in_register(ValueId id, uint32_t& avoid) {
  const ValuePlace& p = place(id);
  const Type type = inst(id).type;
  const bool as_it_is =
      p.host != kNoReg && (type != Type::kV64 || p.zero_extended || inst().type == Type::kV128);
  if (as_it_is) return p.host;
  const Reg host = borrow(avoid);
  load_vector(host, type, id);
  return host;
}

// As the second operand. Memory operands of 16 bytes are aligned.
Rm CodeGenerator::vector_operand(ValueId id, unsigned bytes, bool register_only, uint32_t& avoid) {
  const ValuePlace& p = place(id);
  const bool in_slot = p.frame >= static_cast<int32_t>(spill_offset(0)) &&
                       p.frame < static_cast<int32_t>(sizeof(Frame));
  const bool whole = bytes <= size_of(inst(id).type) || in_slot;
  if (p.host == kNoReg && !register_only && whole && (bytes < 16 || in_slot)) return frame_mem(p);
  return vector_in_register(id, avoid);
}

void CodeGenerator::finish_vector(Reg host, bool zero_extended) {
  const bool is_borrowed = !borrowed_.empty() && target_register() != host;
  if (!is_borrowed) {
    give_back();
    return define(host, zero_extended);
  }
  const int32_t slot = new_spill_slot();
  if (size() < 16 && !zero_extended) {
    e_.mov_to_imm(8, frame_at(slot), 0);
    e_.mov_to_imm(8, frame_at(slot + 8), 0);
    size() == 8 ? e_.movq_to(frame_at(slot), host) : e_.movss_to(frame_at(slot), host);
  } else {
    move_whole_to(frame_at(slot), host);
  }
  give_back();
  define_in_frame(slot);
}

void CodeGenerator::emit_vector_constant() {
  const Reg target = target_register();
  if (target != kNoReg && inst().imm == 0) {
    clobber_vector(target);
    e_.sse({kMap0f, 0x57}, target, target);  // xorps
    return define(target, true);
  }
  const int32_t slot = new_spill_slot();
  const auto low = static_cast<int32_t>(inst().imm), high = static_cast<int32_t>(inst().imm >> 32);
  e_.mov_to_imm(4, frame_at(slot), low);
  e_.mov_to_imm(4, frame_at(slot + 4), high);
  e_.mov_to_imm(8, frame_at(slot + 8), 0);
  define_in_frame(slot);
}

void CodeGenerator::emit_vector_get() {
  if (inst().type == Type::kV256) return emit_wide_get();
  define(static_cast<Reg>(inst().aux), false);
}

// Narrow writes keep the upper lanes.
void CodeGenerator::emit_vector_set() {
  if (inst().type == Type::kV256) return emit_wide_set();
  const ValueId id = inst().a;
  const Reg host = static_cast<Reg>(inst().aux);
  ValuePlace& p = place(id);
  if (p.host == host || p.also == host) return;
  clobber_vector(host, id);
  const bool in_register = p.host != kNoReg;
  if (size() == 16) {
    load_vector(host, Type::kV128, id);
  } else if (in_register) {
    e_.sse({kMap0f, 0x10, static_cast<uint8_t>(size() == 8 ? 0xf2 : 0xf3)}, host, p.host);
  } else if (size() == 8) {
    e_.sse({kMap0f, 0x12}, host, frame_mem(p));  // movlps
  } else {
    uint32_t avoid = 1u << host;
    e_.movss(borrow(avoid), frame_mem(p));
    e_.sse({kMap0f, 0x10, 0xf3}, host, borrowed_.back().host);
    give_back();
  }
  p.also = p.host;
  p.host = host;
  p.zero_extended = false;
  p.clean = false;
}

void CodeGenerator::emit_vector_convert() {
  const ValueId id = inst().a;
  if (inst().op == Opcode::kTruncate) {
    copy_place(id);
    place(static_cast<ValueId>(at_)).zero_extended = false;
    place(static_cast<ValueId>(at_)).clean = false;
    return;
  }
  if (inst().type == Type::kV256) return emit_wide_extension();
  const ValuePlace& p = place(id);
  const Type from = inst(id).type;
  const Reg target = target_register();
  if (p.host != kNoReg && p.zero_extended && (target == kNoReg || target == p.host)) {
    copy_place(id);
    place(static_cast<ValueId>(at_)).frame = -1;
    return;
  }
  if (target != kNoReg) {
    clobber_vector(target, live_after(id) ? kNoValue : id);
    load_vector(target, from, id);
    return define(target, true);
  }
  const int32_t slot = new_spill_slot();
  e_.mov_to_imm(8, frame_at(slot), 0);
  e_.mov_to_imm(8, frame_at(slot + 8), 0);
  const Reg temporary = p.host == kNoReg ? allocate_temporary() : kNoReg;
  emit_vector_store_source(frame_at(slot), size_of(from), source(id), temporary);
  define_in_frame(slot);
}

void CodeGenerator::emit_vector_store_source(const Mem& to, unsigned bytes, const Source& value,
                                             Reg temporary) {
  if (value.kind == Source::Kind::kReg) {
    if (bytes == 32) return e_.vmovups_to(32, to, value.reg);
    if (bytes == 16) return e_.movups_to(to, value.reg);
    return bytes == 8 ? e_.movq_to(to, value.reg) : e_.movss_to(to, value.reg);
  }
  for (unsigned part = 0; part < bytes; part += 8) {
    const unsigned step = bytes < 8 ? bytes : 8;
    Mem from = value.mem, into = to;
    from.disp += static_cast<int32_t>(part);
    into.disp += static_cast<int32_t>(part);
    e_.mov(step, temporary, from);
    e_.mov_to(step, into, temporary);
  }
}

void CodeGenerator::emit_vector_load() {
  const Reg wanted = target_register();
  const Reg target = inst().type == Type::kV256 && !wide_ ? kNoReg : wanted;
  const int32_t slot = target == kNoReg ? new_spill_slot() : -1;
  if (target != kNoReg) clobber_vector(target);
  SlowStub stub = begin_check(inst());
  emit_check(stub, false);
  e_.bind(stub.done);
  keep_stub(stub);
  if (target != kNoReg) {
    const bool vex = wide_ && live_.target_whole(static_cast<ValueId>(at_));
    vex ? load_clean(inst().type, target, stub.operand)
        : load_legacy(inst().type, target, stub.operand);
    define(target, true);
    place(static_cast<ValueId>(at_)).clean = vex && size() <= 16;
    return;
  }
  Source loaded;
  loaded.kind = Source::Kind::kMem;
  const Reg temporary = operand_temporary(stub, loaded.mem);
  if (size() < 8) e_.mov_to_imm(8, frame_at(slot), 0);
  if (size() < 16) e_.mov_to_imm(8, frame_at(slot + 8), 0);
  emit_vector_store_source(frame_at(slot), size(), loaded, temporary);
  define_in_frame(slot);
}

}  // namespace vireo::tcg::x86_64
