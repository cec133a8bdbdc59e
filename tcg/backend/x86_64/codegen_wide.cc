// AVX: operations with three operands, and values of 256 bits. On a host without AVX the low halves
// of guest registers are in the host's, the upper ones in the Frame, and 256-bit values in spill
// slots.

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {

// All bits of a host vector register that the guest may use.
void CodeGenerator::move_whole(Reg to, const Rm& from) {
  wide_ ? e_.vmovups(32, to, from) : e_.movaps(to, from);
}

void CodeGenerator::move_whole_to(const Mem& to, Reg from) {
  wide_ ? e_.vmovups_to(32, to, from) : e_.sse({kMap0f, 0x29}, from, to);
}

// Frame offsets of 32 bytes.
void CodeGenerator::move_upper_half(int32_t to, int32_t from) {
  const Reg temporary = allocate_temporary();
  for (int32_t part = 16; part < 32; part += 8) {
    e_.mov(8, temporary, frame_at(from + part));
    e_.mov_to(8, frame_at(to + part), temporary);
  }
  locked_ &= ~(1u << temporary);
}

void CodeGenerator::emit_wide_get() {
  const auto host = static_cast<Reg>(inst().aux);
  if (wide_) return define(host, false);
  const int32_t slot = new_spill_slot();
  e_.sse({kMap0f, 0x29}, host, frame_at(slot));
  move_upper_half(slot, static_cast<int32_t>(vector_offset(inst().aux)));
  define_in_frame(slot);
}

void CodeGenerator::emit_wide_set() {
  const ValueId id = inst().a;
  const auto host = static_cast<Reg>(inst().aux);
  ValuePlace& p = place(id);
  if (p.host == host || p.also == host) return;
  clobber_vector(host, id);
  if (!wide_) {
    e_.movaps(host, frame_mem(p));
    return move_upper_half(static_cast<int32_t>(vector_offset(inst().aux)), p.frame);
  }
  load_vector(host, Type::kV256, id);
  p.also = p.host;
  p.host = host;
}

void CodeGenerator::emit_wide_extension() {
  const ValueId id = inst().a;
  const Type from = inst(id).type;
  const ValuePlace& p = place(id);
  const Reg target = wide_ ? target_register() : kNoReg;
  if (p.host != kNoReg && p.clean && (target == kNoReg || target == p.host)) {
    copy_place(id);
    place(static_cast<ValueId>(at_)).frame = -1;
    return;
  }
  if (target == kNoReg) {
    const int32_t slot = new_spill_slot();
    const Reg temporary = p.host == kNoReg ? allocate_temporary() : kNoReg;
    for (int32_t part = 0; part < 32; part += 8) e_.mov_to_imm(8, frame_at(slot + part), 0);
    emit_vector_store_source(frame_at(slot), size_of(from), source(id), temporary);
    return define_in_frame(slot);
  }
  clobber_vector(target, live_after(id) ? kNoValue : id);
  const bool in_register = p.host != kNoReg;
  if (in_register && from == Type::kV32 && !p.zero_extended) {
    load_vector(target, from, id);
    e_.vmovups(16, target, target);
  } else {
    const Type loaded = in_register && p.zero_extended ? Type::kV128 : from;
    load_clean(loaded, target, in_register ? Rm(p.host) : Rm(frame_mem(p)));
  }
  define(target, true);
}

// With zeros in all of the register above the type; kV32 from memory only.
void CodeGenerator::load_clean(Type type, Reg to, const Rm& from) {
  constexpr Code kVmovss{kMap0f, 0x10, 0xf3}, kVmovq{kMap0f, 0x7e, 0xf3};
  if (type >= Type::kV128) return e_.vmovups(size_of(type), to, from);
  e_.vex(type == Type::kV64 ? kVmovq : kVmovss, 4, to, kRax, from, 16);
}

// VZEROUPPER of the host is for 64-bit mode: it knows 16 registers.
void CodeGenerator::emit_zero_upper() {
  for (size_t i = 0; i < values_.size(); ++i) {
    const ValueId id = values_[i];
    const bool loses = inst(id).type == Type::kV256 && place(id).host != kNoReg;
    if (loses && live_after(id)) to_memory(id);
  }
  if (wide_ && inst().aux == 16) return e_.vzeroupper();
  for (unsigned i = 0; i < inst().aux; ++i) {
    const auto upper = vector_offset(i) + 16;
    if (wide_) {
      e_.vmovups(16, static_cast<Reg>(i), static_cast<Reg>(i));
    } else {
      e_.mov_to_imm(8, frame_at(upper), 0);
      e_.mov_to_imm(8, frame_at(upper + 8), 0);
    }
  }
}

// An operand of a three-operand instruction; what is above its type does not matter.
Reg CodeGenerator::vex_register(ValueId id, uint32_t& avoid) {
  const ValuePlace& p = place(id);
  if (p.host != kNoReg) return p.host;
  const Reg host = borrow(avoid);
  load_vector(host, inst(id).type, id);
  return host;
}

// Operand b, from where the encoding can have it.
Rm CodeGenerator::vex_second_operand(const VectorOpcodeInfo& row, uint32_t& avoid) {
  const ValueId b = inst().b;
  const bool register_only = (row.forms & kRegisterOnly) || row.shape == VectorShape::kExtractImm;
  if ((row.forms & kMemoryOnly) && place(b).host != kNoReg) to_memory(b);
  const ValuePlace& p = place(b);
  return p.host != kNoReg || register_only ? Rm(vex_register(b, avoid)) : Rm(frame_mem(p));
}

void CodeGenerator::emit_vex(const VectorOpcodeInfo& row, const Mem* memory) {
  const ValueId a = has_first_operand(row.shape) ? inst().a : kNoValue;
  const bool shifts = row.shape == VectorShape::kShiftImm;
  const bool from_integer = takes_integer(row.shape);
  uint32_t avoid = vector_operands_mask();
  const Reg target = target_register();
  const Rm integer = from_integer ? operand(inst().b) : Rm(kRax);
  const Reg first = a != kNoValue ? vex_register(a, avoid) : kRax;
  Rm second = first;
  if (memory) {
    second = *memory;
  } else if (from_integer) {
    second = integer;
  } else if (!shifts) {
    second = vex_second_operand(row, avoid);
  }
  const bool has_fourth = row.shape == VectorShape::kWithFourth;
  const Reg fourth = has_fourth ? vex_register(inst().c, avoid) : kRax;
  const bool direct = target != kNoReg && may_use_vex(static_cast<ValueId>(at_));
  const Reg to = direct ? target : borrow(avoid);
  clobber_vector(to);
  const unsigned bytes = from_integer && inst(inst().b).type == Type::kI64 ? 8 : 4;
  if (shifts) {
    emit_vector_instruction(row, bytes, static_cast<Reg>(row.opcode & 0xff), second, to);
  } else if (row.shape == VectorShape::kExtractImm) {
    emit_vector_instruction(row, bytes, second.reg, to);
  } else {
    emit_vector_instruction(row, bytes, to, second, first);
  }
  if (has_fourth) e_.byte(static_cast<uint8_t>(fourth << 4));
  finish_vector(to, true);
  place(static_cast<ValueId>(at_)).clean = true;
}

// The destination is the first operand as well.
void CodeGenerator::emit_vex_fused(const VectorOpcodeInfo& row, const Mem* memory) {
  uint32_t avoid = vector_operands_mask();
  const ValueId a = inst().a;
  const Reg target = target_register();
  const bool direct = target != kNoReg && may_use_vex(static_cast<ValueId>(at_));
  const Reg to = direct ? target : borrow(avoid);
  for (const ValueId id : {inst().b, inst().c}) {
    if (id != a && (id != inst().c || !memory) && place(id).host == to &&
        !leave_register(place(id), to)) {
      to_memory(id);
    }
  }
  const bool in_place = place(a).host == to;
  clobber_vector(to, in_place && !live_after(a) ? a : kNoValue);
  if (place(a).host != to && !in_place) load_vector(to, inst().type, a);
  const auto reg_of = [&](ValueId id) { return id == a ? to : vex_register(id, avoid); };
  const Reg second = reg_of(inst().b);
  const ValuePlace& c = place(inst().c);
  const Rm last = memory                              ? Rm(*memory)
                  : inst().c == a || c.host != kNoReg ? Rm(reg_of(inst().c))
                                                      : Rm(frame_mem(c));
  emit_vector_instruction(row, 4, to, last, second);
  finish_vector(to, true);
  place(static_cast<ValueId>(at_)).clean = true;
}

}  // namespace vireo::tcg::x86_64
