// Multiplication and division. Widening forms have RAX and RDX as fixed operands, which are the
// guest's own: usually just the ones that it means.

#include <utility>

#include "tcg/backend/x86_64/codegen.h"
#include "util/bits.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr uint8_t kPopcnt = 0xb8;

}  // namespace

void CodeGenerator::emit_mul() {
  if (live_.uses(static_cast<ValueId>(at_)) == 0 && inst().flags == 0) return;
  if (size() == 1) return emit_mul_8();
  ValueId a = inst().a, b = inst().b;
  if (place(a).is_constant) std::swap(a, b);
  if (fits_imm32(b) && !place(a).is_constant) {
    const Rm from = operand(a);
    const Reg to = destination(a);
    clobber(to);
    begin_flags(kAllFlags);
    e_.imul_imm(size(), to, from, static_cast<int32_t>(place(b).imm));
    end_flags();
    return define(to, size() >= 4);
  }
  const Reg to = prepare(a, b);
  const Rm from = a == b ? Rm(to) : operand(b);
  begin_flags(kAllFlags);
  e_.imul(size(), to, from);
  end_flags();
  define(to, size() >= 4);
}

// There is no two-operand form for bytes. The product in AX, as by IMUL r/m8.
void CodeGenerator::emit_mul_8() { emit_wide(Group3::kImul, inst().a, kNoValue, inst().b); }

bool CodeGenerator::has_second() const {
  const size_t next = at_ + 1;
  return next < block_.insts.size() && block_.insts[next].op == Opcode::kSecond &&
         block_.insts[next].a == at_;
}

// Whether operands are in place and results wanted there.
bool CodeGenerator::wide_in_place(ValueId low, ValueId high, ValueId by) const {
  const auto at = static_cast<ValueId>(at_);
  const auto second = static_cast<ValueId>(at_ + 1);
  if (size() == 1 || places_[low].host != kRax) return false;
  if (high != kNoValue && places_[high].host != kRdx) return false;
  if (places_[by].is_constant || (places_[by].is_address && places_[by].host == kNoReg))
    return false;
  const auto wanted_in = [this](ValueId id, Reg reg) {
    const uint8_t guest = live_.target(id);
    return live_.uses(id) == 0 || (guest != Liveness::kNoTarget && kHostOfGuest[guest] == reg);
  };
  // A result that is not wanted still overwrites its register.
  return has_second() && live_.uses(second) != 0 && live_.uses(at) != 0 && wanted_in(at, kRax) &&
         wanted_in(second, kRdx);
}

// RDX:RAX = RAX * by, or RAX, RDX = RDX:RAX / by. Values move by MOV only between begin_flags() and
// the end.
void CodeGenerator::emit_wide(Group3 op, ValueId low, ValueId high, ValueId by) {
  const bool divides = op == Group3::kDiv || op == Group3::kIdiv;
  const bool in_place = wide_in_place(low, high, by);
  const bool leaves_flags = op == Group3::kMul && inst().flags == 0;
  if (leaves_flags && !in_place && cpu_.bmi2 && size() >= 4) return emit_mulx(low, by);
  if (divides) need_memory_flags();
  if (in_place) {
    const Rm divisor = operand(by);
    clobber(kRax);
    clobber(kRdx);
    begin_flags(kAllFlags);
    e_.group3(op, size(), divisor);
    if (divides && inst().flags == 0) flags_ = kFlagsInMemory;
    end_flags();
    define(kRax, size() >= 4);
    ++at_;
    define(kRdx, size() >= 4);
    return;
  }
  // Operands through the Frame, results to the temporaries.
  const size_t save_rax = scratch_offset(0), save_rdx = scratch_offset(1);
  const size_t operand_low = offsetof(Frame, helper_arguments);
  const size_t operand_high = operand_low + 8, operand_by = operand_low + 16;
  store_argument(operand_low, low);
  store_argument(operand_high, high);
  store_argument(operand_by, by);
  free_temporaries(kNoValue);
  begin_flags(kAllFlags);
  e_.mov_to(8, frame_at(save_rax), kRax);
  e_.mov_to(8, frame_at(save_rdx), kRdx);
  e_.mov(8, kRax, frame_at(operand_low));
  if (high != kNoValue) e_.mov(8, kRdx, frame_at(operand_high));
  if (size() == 1 && high != kNoValue) e_.mov(1, kAh, kRdx);
  if (divides) {
    tables_.fixups.push_back(
        {static_cast<uint16_t>(e_.size()), static_cast<uint16_t>(save_rax), kRax, false});
    tables_.fixups.push_back(
        {static_cast<uint16_t>(e_.size()), static_cast<uint16_t>(save_rdx), kRdx, false});
  }
  e_.group3(op, size(), frame_at(operand_by));
  if (size() == 1) {
    e_.movzx(kRdx, 1, kAh);
  }
  e_.mov(8, kAddressReg, kRax);
  e_.mov(8, kTlbReg, kRdx);
  e_.mov(8, kRax, frame_at(save_rax));
  e_.mov(8, kRdx, frame_at(save_rdx));
  if (divides && inst().flags == 0) flags_ = kFlagsInMemory;
  end_flags();
  define(kAddressReg, size() == 4);
  if (!has_second()) return;
  ++at_;
  define(kTlbReg, size() == 4);
}

// MULX, which leaves the flags alone and the results where they are wanted. One operand is in RDX.
void CodeGenerator::emit_mulx(ValueId a, ValueId b) {
  if (place(b).host == kRdx) std::swap(a, b);
  const bool in_rdx = place(a).host == kRdx;
  if (in_temporary(b) && live_after(b)) to_memory(b);
  const Rm by = operand(b);
  const Reg low = destination(b);
  clobber(low);
  lock(low);
  const bool wants_high = has_second();
  ++at_;
  const Reg high = wants_high ? destination(kNoValue, low) : allocate_temporary();
  clobber(high);
  --at_;
  const bool borrows = !in_rdx && low != kRdx && high != kRdx;
  if (borrows) e_.mov_to(8, frame_at(scratch_offset(1)), kRdx);
  if (!in_rdx) load_into(kRdx, size(), a);
  e_.mulx(size(), high, low, by);
  if (borrows) e_.mov(8, kRdx, frame_at(scratch_offset(1)));
  define(low, true);
  if (!wants_high) return;
  ++at_;
  define(high, true);
}

// The bit index is taken modulo the width, as with register operands. Bytes are done as
// doublewords.
void CodeGenerator::emit_bit_test(unsigned digit) {
  constexpr uint8_t kRegisterForms[] = {0xa3, 0xab, 0xb3, 0xbb};
  const ValueId b = inst().b;
  const bool only_tests = digit == 4, is_byte = size() == 1;
  if (only_tests && inst().flags == 0) return;
  const Reg forbidden = is_byte ? target_register() : kNoReg;
  const Reg to = only_tests ? in_register(inst().a) : prepare(inst().a, b, kNoValue, forbidden);
  const bool immediate = place(b).is_constant;
  Reg index = immediate ? kNoReg : b == inst().a ? to : in_register(b);
  if (is_byte && !immediate) {
    const Reg masked = to == kTlbReg ? kAddressReg : kTlbReg;
    if (flags_needed()) need_memory_flags();
    if (masked != index && !temporary_free(masked)) empty_temporary(masked);
    if (masked != index) e_.mov(4, masked, index);
    if (masked == index && live_after(b)) empty_temporary(masked);
    e_.alu_imm(Alu::kAnd, 4, masked, 7);
    flags_ &= static_cast<uint8_t>(~kFlagsInHost);
    index = masked;
    lock(index);
  }
  begin_flags(kFlagC);
  const unsigned bytes = is_byte ? 4 : size();
  if (immediate) {
    e_.rm({kMap0f, 0xba}, bytes, static_cast<uint8_t>(digit), to);
    e_.byte(static_cast<uint8_t>(place(b).imm & (size() * 8 - 1)));
  } else {
    e_.rm({kMap0f, kRegisterForms[digit - 4]}, bytes, index, to);
  }
  end_flags();
  if (!only_tests) define(to, size() >= 4);
}

// With a source of 0 the destination stays as it is (SDM: undefined; all processors do this).
void CodeGenerator::emit_bit_scan(uint8_t opcode) {
  if (size() == 1) return emit_evaluate();
  const Reg to = prepare(inst().b, inst().a);
  const Rm from = inst().a == inst().b ? Rm(to) : operand(inst().a);
  begin_flags(inst().flags ? inst().flags : FlagMask{kAllFlags});
  e_.rm({kMap0f, opcode}, size(), to, from);
  end_flags();
  define(to, false);
}

void CodeGenerator::emit_bit_count(uint8_t opcode, bool supported) {
  const bool is_byte = size() == 1;
  if (!supported || (is_byte && opcode != kPopcnt)) return emit_evaluate();
  Rm from = operand(inst().a);
  const Reg to = destination(inst().a, is_byte ? target_register() : kNoReg);
  clobber(to);
  if (is_byte) {
    e_.movzx(to, 1, from);
    from = to;
  }
  begin_flags(inst().flags ? inst().flags : FlagMask{kAllFlags});
  e_.rm({kMap0f, opcode, 0xf3}, is_byte ? 4 : size(), to, from);
  end_flags();
  define(to, size() >= 4);
}

// PDEP and PEXT, by the VEX prefix field that tells them apart.
void CodeGenerator::emit_gather_bits(uint8_t prefix) {
  if (!cpu_.bmi2 || size() < 4) return emit_evaluate();
  const Reg from = in_register(inst().a);
  const Rm mask = operand(inst().b);
  const Reg to = destination(inst().a);
  clobber(to);
  e_.vex({kMap0f38, 0xf5, prefix}, size(), to, from, mask);
  define(to, true);
}

void CodeGenerator::emit_crc32c() {
  if (!cpu_.sse42) return emit_evaluate();
  const Reg to = prepare(inst().a, inst().b);
  const Rm data = place(inst().b).is_constant ? Rm(in_register(inst().b)) : operand(inst().b);
  const unsigned bytes = inst().aux;
  e_.rm({kMap0f38, static_cast<uint8_t>(bytes == 1 ? 0xf0 : 0xf1), 0xf2}, bytes, to, data);
  define(to, true);
}

void CodeGenerator::emit_setcc() {
  const Reg to = destination();
  clobber(to);
  const Condition condition = ready_condition(static_cast<Condition>(inst().aux));
  e_.setcc(static_cast<uint8_t>(condition), to);
  define(to, false);
}

// CMOV of 16 bits keeps the upper ones, and there is none of 8 bits; in a temporary wider ones do.
void CodeGenerator::emit_conditional_move(Condition condition, ValueId if_true, ValueId if_false) {
  if (place(if_true).host != kNoReg && place(if_true).host == target_register()) {
    std::swap(if_true, if_false);
    condition = negate(condition);
  }
  const bool is_byte = size() == 1;
  const Reg to = prepare(if_false, if_true, kNoValue, is_byte ? target_register() : kNoReg);
  const bool whole = to == kAddressReg || to == kTlbReg;
  const bool in_memory = place(if_true).host == kNoReg && !place(if_true).is_constant;
  const unsigned bytes =
      size() >= 4 || (size() == 2 && !whole) || (size() == 2 && in_memory) ? size() : 4;
  const Rm from = is_byte || if_true == if_false ? Rm(in_register(if_true)) : operand(if_true);
  e_.cmov(static_cast<uint8_t>(condition), bytes, to, from);
  define(to, size() >= 4);
}

void CodeGenerator::emit_select() {
  if (is_vector(inst().type)) return unsupported("selection of vectors");
  emit_conditional_move(ready_condition(static_cast<Condition>(inst().aux)), inst().a, inst().b);
}

void CodeGenerator::emit_select_nonzero() {
  if (is_vector(inst().type)) return unsupported("selection of vectors");
  const ValueId c = inst().c;
  const unsigned bytes = size_of(inst(c).type);
  if (flags_needed()) need_memory_flags();  // moves must not disturb the host's after the test
  before_clobbering_flags();
  const Rm control = operand(c);
  if (control.is_register()) {
    e_.test(bytes, control, control.reg);
  } else {
    e_.alu_imm(Alu::kCmp, bytes, control, 0);
  }
  locked_ = 0;
  emit_conditional_move(Condition::kNe, inst().a, inst().b);
}

}  // namespace vireo::tcg::x86_64
