// Integer arithmetic.

#include <utility>

#include "tcg/backend/x86_64/codegen.h"
#include "util/bits.h"

namespace vireo::tcg::x86_64 {
namespace {

bool is_temporary(Reg reg) { return reg == kAddressReg || reg == kTlbReg; }
bool commutes(Alu op) {
  return op == Alu::kAdd || op == Alu::kAdc || op == Alu::kAnd || op == Alu::kOr || op == Alu::kXor;
}

}  // namespace

// Puts a into the register that the result goes to, and other operands out of its way.
Reg CodeGenerator::prepare(ValueId a, ValueId b, ValueId c, Reg forbidden) {
  for (const ValueId id : {a, b, c}) {
    if (id != kNoValue && place(id).host != kNoReg) lock(place(id).host);
  }
  const Reg to = destination(a, forbidden);
  for (const ValueId id : {b, c}) {
    if (id == kNoValue || place(id).is_constant) continue;
    if (place(id).is_address && place(id).host == kNoReg) {
      in_register(id);
    } else if (place(id).host == to && id != a) {
      move_away(id);
      if (place(id).host != kNoReg) lock(place(id).host);
    }
  }
  const Reg from = place(a).host;
  clobber(to);
  if (from != to && place(a).host != to) load_into(to, size(), a);
  if (from != to && from != kNoReg && is_temporary(from)) locked_ &= ~(1u << from);
  return to;
}

bool CodeGenerator::emit_compare(Alu op) {
  if (live_.uses(static_cast<ValueId>(at_)) != 0) return false;
  if (op != Alu::kSub && op != Alu::kAnd) return false;
  using Kind = FlagRecipe::Kind;
  begin_flags(kAllFlags);
  const Rm a = operand(inst().a);
  const Kind kind = op == Alu::kAnd ? Kind::kTest : Kind::kCompare;
  if (fits_imm32(inst().b)) {
    const auto value = static_cast<int32_t>(place(inst().b).imm);
    if (op == Alu::kAnd) {
      e_.test_imm(size(), a, value);
    } else if (value == 0 && a.is_register()) {
      e_.test(size(), a, a.reg);  // the same flags as CMP with 0
    } else {
      e_.alu_imm(Alu::kCmp, size(), a, value);
    }
  } else if (op == Alu::kAnd) {
    e_.test(size(), a, in_register(inst().b));
  } else if (a.is_register()) {
    e_.alu(Alu::kCmp, size(), a.reg, operand(inst().b));
  } else {
    e_.alu_to(Alu::kCmp, size(), a.mem, in_register(inst().b));
  }
  end_flags();
  const ValuePlace& b = place(inst().b);
  if (!inst().flags || !a.is_register()) return true;
  if (fits_imm32(inst().b)) {
    set_recipe(kind, a.reg, kNoReg, static_cast<int32_t>(b.imm));
  } else if (b.host != kNoReg) {
    set_recipe(kind, a.reg, b.host);
  }
  return true;
}

// INC and DEC leave C alone.
bool CodeGenerator::emit_inc_dec(Alu op) {
  const bool carry_kept = (live_.flags_after(at_) & kFlagC) && !(inst().flags & kFlagC);
  if (!inst().flags || !carry_kept || !place(inst().b).is_constant) return false;
  if (place(inst().b).imm != 1 || (op != Alu::kAdd && op != Alu::kSub)) return false;
  begin_flags(kAllFlags & ~kFlagC);
  const Reg to = prepare(inst().a);
  op == Alu::kAdd ? e_.inc(size(), to) : e_.dec(size(), to);
  end_flags();
  define(to, size() >= 4);
  return true;
}

// Additions without flags cost nothing until they are used, or one LEA.
bool CodeGenerator::emit_as_address(Alu op) {
  if (inst().flags != 0 || size() < 4 || (op != Alu::kAdd && op != Alu::kSub)) return false;
  const ValueId a = inst().a, b = inst().b;
  const Reg base = place(a).host;
  if (place(a).is_constant || base == kNoReg) return false;
  ValuePlace result;
  if (fits_imm32(b)) {
    int64_t disp =
        size() == 4 ? static_cast<int32_t>(place(b).imm) : static_cast<int64_t>(place(b).imm);
    if (op == Alu::kSub) disp = -disp;
    if (disp != static_cast<int32_t>(disp)) return false;
    result.address = {base, kNoReg, 0, static_cast<int32_t>(disp)};
  } else if (op == Alu::kAdd && !place(b).is_constant && place(b).host != kNoReg) {
    result.address = {base, place(b).host, 0, 0};
  } else {
    return false;
  }
  result.address_size = static_cast<uint8_t>(size());
  const Reg index = result.address.index;
  if (is_temporary(base) || (index != kNoReg && is_temporary(index))) {
    const Reg to = destination(a);
    clobber(to);
    e_.lea(size(), to, result.address);
    define(to, true);
    return true;
  }
  result.is_address = true;
  place(static_cast<ValueId>(at_)) = result;
  add_live(static_cast<ValueId>(at_));
  return true;
}

// `op [frame], b` on a guest register that lives there.
bool CodeGenerator::emit_alu_on_frame(Alu op) {
  const uint8_t guest = live_.target(static_cast<ValueId>(at_));
  if (guest == Liveness::kNoTarget || kHostOfGuest[guest] != kNoReg) return false;
  const ValueId a = inst().a, b = inst().b;
  const auto offset = static_cast<int32_t>(general_offset(guest));
  const bool in_place = place(a).frame == offset && place(a).host == kNoReg && !live_after(a);
  if (!in_place || a == b) return false;
  clobber_frame(offset, size(), a);
  const bool immediate = fits_imm32(b);
  const Reg from = immediate ? kNoReg : in_register(b);
  if (op == Alu::kAdc || op == Alu::kSbb) need_carry();
  begin_flags(kAllFlags);
  if (immediate) {
    e_.alu_imm(op, size(), frame_at(offset), static_cast<int32_t>(place(b).imm));
  } else {
    e_.alu_to(op, size(), frame_at(offset), from);
  }
  end_flags();
  define_in_frame(offset);
  return true;
}

// ADCX or ADOX, by the prefix: the carry goes in and out by one flag, and the others stay.
void CodeGenerator::emit_add_with_flag(uint8_t prefix, FlagMask flag) {
  ValueId a = inst().a, b = inst().b;
  if (place(a).is_constant || place(b).host == target_register()) std::swap(a, b);
  const Reg to = prepare(a, b);
  const Rm from = a == b ? Rm(to) : operand(b);
  need_host_flags();
  begin_flags(flag);
  e_.rm({kMap0f38, 0xf6, prefix}, size(), to, from);
  end_flags();
  define(to, true);
}

void CodeGenerator::emit_adox() { cpu_.adx ? emit_add_with_flag(0xf3, kFlagO) : emit_evaluate(); }

void CodeGenerator::emit_alu(Alu op) {
  const bool unused = live_.uses(static_cast<ValueId>(at_)) == 0;
  if (unused && inst().flags == 0) return;
  const bool others_stay = (live_.flags_after(at_) & ~kFlagC) != 0;
  if (op == Alu::kAdc && inst().flags == kFlagC && others_stay && size() >= 4 && cpu_.adx) {
    return emit_add_with_flag(0x66, kFlagC);
  }
  const bool adds_carry = op == Alu::kAdc || op == Alu::kSbb;
  if (!adds_carry && (emit_compare(op) || emit_inc_dec(op) || emit_as_address(op))) return;
  if (emit_alu_on_frame(op)) return;
  ValueId a = inst().a, b = inst().b;
  const Reg target = target_register();
  const bool b_in_target = target != kNoReg && place(b).host == target && place(a).host != target;
  if (commutes(op) && (b_in_target || place(a).is_constant)) std::swap(a, b);
  const bool same = a == b || (place(a).host != kNoReg && place(a).host == place(b).host);
  if (same && !place(a).is_constant) {
    const Reg to = prepare(a);
    if (adds_carry) need_carry();
    begin_flags(kAllFlags);
    e_.alu(op, size(), to, to);
    end_flags();
    if (inst().flags && (op == Alu::kXor || op == Alu::kAnd || op == Alu::kOr)) {
      set_recipe(FlagRecipe::Kind::kTest, to, to);
    }
    return define(to, size() >= 4);
  }
  const Reg to = prepare(a, b);
  // Whatever is still to be loaded must not come between begin_flags() and the operation, which
  // may need the flags in the host.
  const bool immediate = fits_imm32(b);
  const Rm from = immediate ? Rm(to) : operand(b);
  if (adds_carry) need_carry();
  begin_flags(kAllFlags);
  if (immediate) {
    e_.alu_imm(op, size(), to, static_cast<int32_t>(place(b).imm));
  } else {
    e_.alu(op, size(), to, from);
  }
  end_flags();
  if (inst().flags) note_recipe(op, to, immediate ? kNoReg : from.reg, b);
  define(to, size() >= 4);
}

// `from`: the operand's register; kNoReg: an immediate, or memory.
void CodeGenerator::note_recipe(Alu op, Reg to, Reg from, ValueId b) {
  using Kind = FlagRecipe::Kind;
  if (op == Alu::kAnd || op == Alu::kOr || op == Alu::kXor) return set_recipe(Kind::kTest, to, to);
  if (op != Alu::kAdd && op != Alu::kSub) return;
  const Kind kind = op == Alu::kAdd ? Kind::kAdd : Kind::kSub;
  if (from != kNoReg && from != to) return set_recipe(kind, to, from);
  if (from == kNoReg && fits_imm32(b)) {
    set_recipe(kind, to, kNoReg, static_cast<int32_t>(place(b).imm));
  }
}

void CodeGenerator::emit_unary(Group3 op) {
  const Reg to = prepare(inst().a);
  if (op == Group3::kNot) {
    e_.group3(op, size(), to);
  } else {
    begin_flags(kAllFlags);
    e_.group3(op, size(), to);
    end_flags();
  }
  define(to, size() >= 4);
}

// The count's low byte into RCX, which is kept in scratch[0]; the caller moves it back.
void CodeGenerator::emit_count_in_rcx(ValueId count) {
  e_.mov_to(8, frame_at(scratch_offset(0)), kRcx);
  const ValuePlace& p = place(count);
  if (p.is_constant) {
    e_.mov_imm(4, kRcx, p.imm);
  } else if (p.host != kNoReg) {
    e_.mov(4, kRcx, p.host);
  } else {
    e_.movzx(kRcx, 1, frame_mem(p));
  }
}

void CodeGenerator::emit_shift(Shift op) {
  const ValueId a = inst().a, count = inst().b;
  const bool rotates = op <= Shift::kRor;
  const FlagMask writes = rotates ? kFlagC | kFlagO : kAllFlags;
  const bool by_carry = op == Shift::kRcl || op == Shift::kRcr;
  const bool plain = op == Shift::kShl || op == Shift::kShr || op == Shift::kSar;
  if (place(count).is_constant) {
    const unsigned n = place(count).imm & (size() == 8 ? 63 : 31);
    if (n == 0) return copy_place(a);
    const Reg to = prepare(a);
    if (by_carry) need_carry();
    begin_flags(writes);
    e_.shift_imm(op, size(), to, static_cast<uint8_t>(n));
    end_flags();
    return define(to, size() >= 4);
  }
  if (plain && inst().flags == 0 && cpu_.bmi2 && size() >= 4) {
    const Reg n = in_register(count);
    const Rm from = operand(a);
    const Reg to = destination(a);
    clobber(to);
    e_.shift_x(op, size(), to, from, n);
    return define(to, true);
  }
  const bool in_rcx = place(count).host == kRcx;
  const bool native = in_rcx && place(a).host == kRcx;
  const Reg to = prepare(a, native ? kNoValue : count, kNoValue, native ? kNoReg : kRcx);
  // A count of 0 leaves flags alone.
  if (by_carry || inst().flags) need_host_flags();
  begin_flags(by_carry || inst().flags ? kNoFlags : kAllFlags);
  const bool borrow_rcx = !in_rcx;
  if (borrow_rcx) emit_count_in_rcx(count);
  e_.shift_cl(op, size(), to);
  if (borrow_rcx) e_.mov(8, kRcx, frame_at(scratch_offset(0)));
  end_flags();
  define(to, size() >= 4);
}

void CodeGenerator::emit_double_shift() {
  const ValueId count = inst().c;
  const uint8_t opcode = inst().op == Opcode::kShld ? 0xa4 : 0xac;
  if (place(count).is_constant) {
    const unsigned n = place(count).imm & (size() == 8 ? 63 : 31);
    if (n == 0) return copy_place(inst().a);
    const Reg to = prepare(inst().a, inst().b);
    const Reg b = in_register(inst().b);
    begin_flags(kAllFlags);
    e_.rm({kMap0f, opcode}, size(), b, to);
    e_.byte(static_cast<uint8_t>(n));
    end_flags();
    return define(to, size() >= 4);
  }
  // Three registers: a count that is not in RCX comes from memory.
  if (place(count).host != kRcx) {
    if (place(count).host == kNoReg) in_register(count);
    if (in_temporary(count)) to_memory(count);
    locked_ = 0;
  }
  const Reg to = prepare(inst().a, inst().b, count, kRcx);
  Reg b = in_register(inst().b);
  if (b == kRcx && place(count).host != kRcx) {
    b = allocate_temporary();
    e_.mov(8, b, kRcx);
  }
  if (inst().flags) need_host_flags();
  begin_flags(inst().flags ? kNoFlags : kAllFlags);
  const bool borrow_rcx = place(count).host != kRcx;
  if (borrow_rcx) emit_count_in_rcx(count);
  e_.rm({kMap0f, static_cast<uint8_t>(opcode + 1)}, size(), b, to);
  if (borrow_rcx) e_.mov(8, kRcx, frame_at(scratch_offset(0)));
  end_flags();
  define(to, size() >= 4);
}

void CodeGenerator::emit_zero_extend() {
  if (is_vector(inst().type)) return emit_vector_convert();
  const ValueId a = inst().a;
  const ValuePlace& p = place(a);
  const unsigned from = size_of(inst(a).type);
  if (p.is_constant) return copy_place(a);
  if (p.is_address && from == 4) {
    copy_place(a);
    ValuePlace& wide = place(static_cast<ValueId>(at_));
    wide.frame = -1;
    if (!wide.zero_extended) wide.host = wide.also = kNoReg;
    wide.address_size = 4;
    return;
  }
  if (p.host != kNoReg && p.zero_extended) {
    const Reg target = target_register();
    if (target == kNoReg || target == p.host || is_temporary(p.host)) {
      copy_place(a);
      place(static_cast<ValueId>(at_)).frame = -1;
      return;
    }
  }
  const Rm value = operand(a);
  const Reg to = destination(a);
  clobber(to);
  if (size() == 2 && !is_temporary(to)) {
    e_.rm({kMap0f, 0xb6}, 2, to, value);
  } else {
    e_.movzx(to, from, value);
  }
  define(to, size() >= 4 || is_temporary(to));
}

void CodeGenerator::emit_sign_extend() {
  const ValueId a = inst().a;
  const unsigned from = size_of(inst(a).type);
  if (place(a).is_constant) {
    ValuePlace& p = place(static_cast<ValueId>(at_));
    p.is_constant = true;
    p.imm = static_cast<uint64_t>(util::sign_extend(place(a).imm, from * 8)) &
            util::low_mask(size() * 8);
    return add_live(static_cast<ValueId>(at_));
  }
  const Rm value = operand(a);
  const Reg to = destination(a);
  clobber(to);
  e_.movsx(size(), to, from, value);
  define(to, size() >= 4);
}

void CodeGenerator::emit_truncate() {
  if (is_vector(inst().type)) return emit_vector_convert();
  copy_place(inst().a);
  ValuePlace& p = place(static_cast<ValueId>(at_));
  p.zero_extended = false;
  if (p.is_constant) p.imm &= util::low_mask(size() * 8);
}

void CodeGenerator::emit_byte_swap() {
  if (size() == 2) {  // XCHG AL, AH would do for four registers; a rotation does for all
    const Reg to = prepare(inst().a);
    before_clobbering_flags();
    e_.shift_imm(Shift::kRol, 2, to, 8);
    return define(to, false);
  }
  const Reg to = prepare(inst().a);
  e_.bswap(size(), to);
  define(to, size() >= 4);
}

void CodeGenerator::emit_address() {
  const ValueId a = inst().a, b = inst().b;
  const unsigned bytes = size() < 4 ? 4 : size();
  int64_t disp = static_cast<int64_t>(inst().imm);
  Mem mem;
  const auto add_part = [&](ValueId id, unsigned scale) {
    if (id == kNoValue) return;
    if (place(id).is_constant) {
      disp += static_cast<int64_t>(place(id).imm << scale);
    } else if (scale == 0 && mem.base == kNoReg) {
      mem.base = in_register(id);
    } else {
      mem.index = in_register(id);
      mem.scale = static_cast<uint8_t>(scale);
    }
  };
  add_part(a, 0);
  add_part(b, inst().aux);
  ValuePlace result;
  if (mem.base == kNoReg && mem.index == kNoReg) {
    result.is_constant = true;
    result.imm = static_cast<uint64_t>(disp) & util::low_mask(size() * 8);
    place(static_cast<ValueId>(at_)) = result;
    return add_live(static_cast<ValueId>(at_));
  }
  const bool wide = bytes == 8 && disp != static_cast<int32_t>(disp);
  mem.disp = wide ? 0 : static_cast<int32_t>(disp);
  const bool lazy = !wide && (mem.base == kNoReg || !is_temporary(mem.base)) &&
                    (mem.index == kNoReg || !is_temporary(mem.index));
  if (lazy) {
    result.is_address = true;
    result.address = mem;
    result.address_size = static_cast<uint8_t>(bytes);
    place(static_cast<ValueId>(at_)) = result;
    return add_live(static_cast<ValueId>(at_));
  }
  const Reg to = destination(b != kNoValue && in_temporary(b) ? b : a,
                             size() < 4 ? target_register() : kNoReg);
  clobber(to);
  e_.lea(bytes, to, mem);
  if (wide) {
    const Reg temporary = to == kTlbReg ? kAddressReg : kTlbReg;
    const bool taken = !temporary_free(temporary);
    if (taken) e_.mov_to(8, frame_at(scratch_offset(2)), temporary);
    e_.mov_imm(8, temporary, static_cast<uint64_t>(disp));
    e_.lea(8, to, {to, temporary, 0, 0});
    if (taken) e_.mov(8, temporary, frame_at(scratch_offset(2)));
  }
  define(to, size() >= 4);
}

}  // namespace vireo::tcg::x86_64
