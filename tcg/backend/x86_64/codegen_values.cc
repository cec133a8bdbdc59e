// Where IR values are: aliases of pinned guest registers, the two temporaries, spill slots, copies
// in the vCPU state, constants and addresses that cost nothing until they are used.

#include <algorithm>
#include <bit>
#include <utility>

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {
namespace {

bool is_temporary(Reg reg) { return reg == kAddressReg || reg == kTlbReg; }

bool is_spill_slot(int32_t frame) {
  return frame >= static_cast<int32_t>(spill_offset(0)) &&
         frame < static_cast<int32_t>(spill_offset(kFreeSpillSlots));
}

}  // namespace

bool CodeGenerator::fits_imm32(ValueId id) const {
  const ValuePlace& p = places_[id];
  if (!p.is_constant) return false;
  const unsigned bytes = size_of(inst(id).type);
  return bytes < 8 || static_cast<int64_t>(p.imm) == static_cast<int32_t>(p.imm);
}

bool CodeGenerator::in_temporary(ValueId id) const {
  return is_integer(inst(id).type) && is_temporary(places_[id].host);
}

Reg CodeGenerator::target_register() const {
  const uint8_t guest = live_.target(static_cast<ValueId>(at_));
  if (guest == Liveness::kNoTarget) return kNoReg;
  return is_vector(inst().type) ? static_cast<Reg>(guest) : kHostOfGuest[guest];
}

void CodeGenerator::forget_dead() {
  if (at_ < next_death_) return;
  next_death_ = kNoDeath;
  std::erase_if(values_, [this](ValueId id) {
    if (live_after(id)) {
      next_death_ = std::min(next_death_, live_.last_use(id));
      return false;
    }
    const int32_t slot = places_[id].frame;
    if (is_spill_slot(slot)) {
      const auto shares = [&](ValueId other) {
        return other != id && live_after(other) && places_[other].frame == slot;
      };
      if (std::ranges::none_of(values_, shares)) free_spill_slot(slot);
    }
    return true;
  });
}

bool CodeGenerator::temporary_free(Reg reg) const {
  if (locked_ & 1u << reg) return false;
  if (reg == kTlbReg && held_group_ != AccessGroups::kNone) return false;
  for (const ValueId id : values_) {
    if (places_[id].host == reg && is_integer(inst(id).type)) return false;
  }
  return true;
}

int32_t CodeGenerator::new_spill_slot() {
  const unsigned slot = static_cast<unsigned>(std::countr_one(spill_used_));
  if (slot >= kFreeSpillSlots) {
    unsupported("too many values at once");
    return static_cast<int32_t>(spill_offset(0));
  }
  spill_used_ |= uint64_t{1} << slot;
  return static_cast<int32_t>(spill_offset(slot));
}

void CodeGenerator::free_spill_slot(int32_t frame) { spill_used_ &= ~spill_bit(frame); }

// One without a value; kNoReg if there is none. The host address of a group can be had again.
Reg CodeGenerator::free_temporary(Reg preferred) {
  for (const Reg reg : {preferred, preferred == kTlbReg ? kAddressReg : kTlbReg}) {
    if (temporary_free(reg)) return reg;
  }
  if (held_group_ == AccessGroups::kNone || (locked_ & 1u << kTlbReg)) return kNoReg;
  drop_group();
  return kTlbReg;
}

// What it holds goes to memory, operands of this instruction as well: they are not in use before
// they are locked.
void CodeGenerator::vacate(Reg temporary) {
  if (temporary == kTlbReg) drop_group();
  for (size_t i = 0; i < values_.size(); ++i) {
    if (in_temporary(values_[i]) && place(values_[i]).host == temporary) to_memory(values_[i]);
  }
}

// A free one, else one whose values can go to memory. The values of locked ones are in use.
Reg CodeGenerator::allocate_temporary(Reg preferred) {
  Reg chosen = free_temporary(preferred);
  if (chosen == kNoReg) {
    const Reg other = preferred == kTlbReg ? kAddressReg : kTlbReg;
    chosen = locked_ & 1u << preferred ? other : preferred;
    if (locked_ & 1u << chosen) unsupported("no temporary left");
    vacate(chosen);
  }
  lock(chosen);
  return chosen;
}

// The value keeps only its place in memory.
void CodeGenerator::to_memory(ValueId id) {
  ValuePlace& p = place(id);
  const bool remakable = p.is_constant || p.is_address || p.frame >= 0;
  if (!remakable) {
    const int32_t slot = new_spill_slot();
    if (is_vector(inst(id).type)) {
      if (inst(id).type == Type::kV256) {
        e_.vmovups_to(32, frame_at(slot), p.host);
      } else if (p.zero_extended || inst(id).type == Type::kV128) {
        e_.sse({kMap0f, 0x29}, p.host, frame_at(slot));
      } else {
        e_.mov_to_imm(8, frame_at(slot), 0);
        e_.mov_to_imm(8, frame_at(slot + 8), 0);
        inst(id).type == Type::kV64 ? e_.movq_to(frame_at(slot), p.host)
                                    : e_.movss_to(frame_at(slot), p.host);
      }
    } else {
      e_.mov_to(8, frame_at(slot), p.host);
    }
    // Values that share the register share the slot.
    const Reg host = p.host;
    for (const ValueId other : values_) {
      ValuePlace& o = place(other);
      if (other != id && o.host == host && o.frame < 0 && !o.is_constant && !o.is_address &&
          inst(other).type == inst(id).type) {
        o.frame = slot;
        o.host = o.also = kNoReg;
      }
    }
    p.frame = slot;
  }
  p.host = p.also = kNoReg;
}

// The value is about to lose a register. Returns whether it is in another.
bool CodeGenerator::leave_register(ValuePlace& p, Reg host) {
  if (p.also == kNoReg || (p.host != host && p.also != host)) return false;
  if (p.host == host) p.host = p.also;
  p.also = kNoReg;
  return true;
}

// The first operand is named by the register that the result goes to, if it is there as well.
void CodeGenerator::prefer_target() {
  if (inst().a == kNoValue) return;
  ValuePlace& p = place(inst().a);
  if (p.also != kNoReg && p.also == target_register()) std::swap(p.host, p.also);
}

// Its register is about to change.
void CodeGenerator::move_away(ValueId id) {
  ValuePlace& p = place(id);
  if (p.is_constant || p.frame >= 0 || p.is_address) {
    p.host = kNoReg;
    return;
  }
  const bool short_lived = !live_.check_between(at_, live_.last_use(id));
  const Reg temporary = short_lived ? free_temporary() : kNoReg;
  if (temporary == kNoReg) return to_memory(id);
  e_.mov(8, temporary, p.host);
  p.host = temporary;
}

unsigned CodeGenerator::address_bytes(ValueId id) const {
  return inst(id).type == Type::kI64 ? places_[id].address_size : 4;
}

// Computes an address whose registers are about to change.
void CodeGenerator::keep_address(ValueId id) {
  ValuePlace& p = place(id);
  if (const Reg temporary = free_temporary(); temporary != kNoReg) {
    e_.lea(address_bytes(id), temporary, p.address);
    p.host = temporary;
    p.zero_extended = size_of(inst(id).type) >= 4;
    return;
  }
  p.frame = new_spill_slot();
  e_.mov_to(8, frame_at(scratch_offset(2)), kRax);
  e_.lea(address_bytes(id), kRax, p.address);
  e_.mov_to(8, frame_at(p.frame), kRax);
  e_.mov(8, kRax, frame_at(scratch_offset(2)));
}

void CodeGenerator::clobber(Reg host, ValueId except) {
  if (recipe_.uses(host)) lose_recipe();
  if (loop_recipe_.uses(host)) loop_recipe_ = {};
  for (size_t i = 0; i < values_.size(); ++i) {
    const ValueId id = values_[i];
    if (!live_after(id) || is_vector(inst(id).type)) continue;
    ValuePlace& p = place(id);
    if (p.is_address && (p.address.base == host || p.address.index == host) && id != except) {
      if (p.host == kNoReg && p.frame < 0) keep_address(id);
      p.is_address = false;
    }
    if (leave_register(p, host)) continue;
    if (p.host == host && id != except) move_away(id);
  }
}

void CodeGenerator::clobber_vector(Reg host, ValueId except) {
  for (size_t i = 0; i < values_.size(); ++i) {
    const ValueId id = values_[i];
    if (!is_vector(inst(id).type) || !live_after(id) || leave_register(place(id), host)) continue;
    if (id != except && place(id).host == host) to_memory(id);
  }
}

// Copies in [offset, offset + bytes) of the state stop being copies.
void CodeGenerator::clobber_frame(size_t offset, size_t bytes, ValueId except) {
  for (size_t i = 0; i < values_.size(); ++i) {
    const ValueId id = values_[i];
    ValuePlace& p = place(id);
    const auto first = static_cast<size_t>(p.frame);
    if (id == except || !live_after(id) || p.frame < 0 || first >= offset + bytes ||
        first + size_of(inst(id).type) <= offset) {
      continue;
    }
    if (p.host != kNoReg) {
      p.frame = -1;
    } else if (is_vector(inst(id).type)) {
      const int32_t slot = new_spill_slot();
      const Reg temporary = allocate_temporary();
      const unsigned end = inst(id).type == Type::kV256 ? 32 : 16;
      for (unsigned part = 0; part < end; part += 8) {
        if (part < size_of(inst(id).type)) {
          e_.mov(inst(id).type == Type::kV32 ? 4 : 8, temporary, frame_at(p.frame + part));
          e_.mov_to(8, frame_at(slot + part), temporary);
        } else {
          e_.mov_to_imm(8, frame_at(slot + part), 0);
        }
      }
      locked_ &= ~(1u << temporary);
      p.frame = slot;
    } else {
      const Reg temporary = allocate_temporary();
      load_into(temporary, size_of(inst(id).type), id);
      locked_ &= ~(1u << temporary);
      p.frame = -1;
      p.host = temporary;
      p.zero_extended = true;
    }
  }
}

void CodeGenerator::free_temporaries(ValueId except) {
  drop_group();
  for (size_t i = 0; i < values_.size(); ++i) {
    const ValueId id = values_[i];
    const bool is_operand = id == inst().b || id == inst().c;
    if (!in_temporary(id) || (!live_after(id) && !is_operand)) continue;
    if (id == except && !live_after(id) && !is_operand) continue;
    ValuePlace& p = place(id);
    const Reg host = p.host;
    to_memory(id);
    if (id == except) p.host = host;  // still there until the address is computed
  }
}

// Before a helper, which may change every guest register.
void CodeGenerator::free_all_aliases() {
  for (size_t i = 0; i < values_.size(); ++i) {
    const ValueId id = values_[i];
    if (!live_after(id)) continue;
    ValuePlace& p = place(id);
    if (p.is_address && !p.is_constant) {
      const Reg temporary = p.host != kNoReg ? p.host : allocate_temporary();
      if (p.host == kNoReg) e_.lea(address_bytes(id), temporary, p.address);
      p.host = temporary;
      p.is_address = false;
    }
    if (p.host != kNoReg) to_memory(id);
    locked_ = 0;
  }
  clobber_frame(0, spill_offset(0));
  clobber_frame(sizeof(Frame), ~size_t{0} >> 1);
  for (const ValueId id : values_) {
    if (live_after(id) && place(id).host != kNoReg) to_memory(id);
  }
}

// Copies the value into a register; `size` below 4 keeps the register's other bits, if it is
// pinned.
void CodeGenerator::load_into(Reg host, unsigned size, ValueId id) {
  const ValuePlace& p = place(id);
  const bool whole = is_temporary(host);
  const unsigned move_size = size < 4 && whole ? 4 : size;
  if (p.host != kNoReg) {
    if (p.host != host || size == 4) e_.mov(move_size, host, p.host);
  } else if (p.is_constant) {
    e_.mov_imm(move_size, host, p.imm);
  } else if (p.is_address) {
    if (size >= 4 || whole) {
      e_.lea(address_bytes(id), host, p.address);
    } else {
      const Reg temporary = allocate_temporary();
      e_.lea(4, temporary, p.address);
      e_.mov(size, host, temporary);
      locked_ &= ~(1u << temporary);
    }
  } else if (p.frame >= 0) {
    if (size < 4 && whole) {
      e_.movzx(host, size, frame_mem(p));
    } else {
      e_.mov(size, host, frame_mem(p));
    }
  } else {
    unsupported("a value without a place");
  }
}

Reg CodeGenerator::in_register(ValueId id) {
  ValuePlace& p = place(id);
  if (p.host != kNoReg) {
    lock(p.host);
    return p.host;
  }
  const Reg temporary = allocate_temporary();
  const unsigned bytes = size_of(inst(id).type);
  load_into(temporary, bytes, id);
  p.host = temporary;
  p.zero_extended = bytes >= 4 || p.is_constant || !p.is_address;
  return temporary;
}

Rm CodeGenerator::operand(ValueId id) {
  const ValuePlace& p = place(id);
  if (p.host == kNoReg && p.frame >= 0 && !p.is_constant && !p.is_address) return frame_mem(p);
  return in_register(id);
}

CodeGenerator::Source CodeGenerator::source(ValueId id) {
  const ValuePlace& p = place(id);
  Source s;
  if (p.is_constant) {
    s.imm = p.imm;
  } else if (p.host != kNoReg) {
    s.kind = Source::Kind::kReg;
    s.reg = p.host;
  } else if (p.is_address) {
    s.kind = Source::Kind::kAddress;
    s.mem = p.address;
    s.address_size = p.address_size;
  } else {
    s.kind = Source::Kind::kMem;
    s.mem = frame_mem(p);
  }
  return s;
}

void CodeGenerator::empty_temporary(Reg reg) {
  if (reg == kTlbReg) drop_group();
  for (size_t i = 0; i < values_.size(); ++i) {
    const ValueId id = values_[i];
    if (live_after(id) && in_temporary(id) && place(id).host == reg) to_memory(id);
  }
}

// Where the result goes: the guest register that it is for, an operand's temporary, or a new one.
// The operand stays in its temporary until the result is written.
Reg CodeGenerator::destination(ValueId reusable, Reg forbidden) {
  const Reg target = target_register();
  if (target != kNoReg && target != forbidden) return target;
  if (reusable == kNoValue || !in_temporary(reusable)) return allocate_temporary();
  const Reg host = place(reusable).host;
  const Reg other = host == kTlbReg ? kAddressReg : kTlbReg;
  if (live_after(reusable) && temporary_free(other)) {
    lock(other);
    return other;
  }
  empty_temporary(host);
  lock(host);
  return host;
}

void CodeGenerator::define(Reg host, bool zero_extended) {
  ValuePlace& p = place(static_cast<ValueId>(at_));
  p = {};
  p.host = host;
  p.zero_extended = zero_extended;
  add_live(static_cast<ValueId>(at_));
}

void CodeGenerator::define_in_frame(size_t offset) {
  ValuePlace& p = place(static_cast<ValueId>(at_));
  p = {};
  p.frame = static_cast<int32_t>(offset);
  add_live(static_cast<ValueId>(at_));
}

void CodeGenerator::copy_place(ValueId from) {
  place(static_cast<ValueId>(at_)) = place(from);
  add_live(static_cast<ValueId>(at_));
}

}  // namespace vireo::tcg::x86_64
