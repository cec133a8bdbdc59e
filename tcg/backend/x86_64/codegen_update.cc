// Read-modify-write operations on guest memory: one check and one host instruction where there is
// one, else the owner's hook.

#include <algorithm>

#include "tcg/backend/x86_64/codegen.h"
#include "tcg/ir/flag_use.h"
#include "util/bits.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr uint8_t kLockPrefix = 0xf0;

bool is_shift(RmwKind kind) { return kind >= RmwKind::kShl && kind <= RmwKind::kRcr; }
bool is_bit(RmwKind kind) { return kind >= RmwKind::kBts; }

Shift shift_of(RmwKind kind) {
  constexpr Shift kShifts[] = {Shift::kShl, Shift::kShr, Shift::kSar, Shift::kRol,
                               Shift::kRor, Shift::kRcl, Shift::kRcr};
  return kShifts[static_cast<unsigned>(kind) - static_cast<unsigned>(RmwKind::kShl)];
}

Alu alu_of(RmwKind kind) {
  switch (kind) {
    case RmwKind::kAdd:
      return Alu::kAdd;
    case RmwKind::kAdc:
      return Alu::kAdc;
    case RmwKind::kSub:
      return Alu::kSub;
    case RmwKind::kSbb:
      return Alu::kSbb;
    case RmwKind::kAnd:
      return Alu::kAnd;
    case RmwKind::kOr:
      return Alu::kOr;
    default:
      return Alu::kXor;
  }
}

/// Flags that the host instruction writes.
FlagMask written_by(RmwKind kind) {
  if (is_bit(kind)) return kFlagC;
  if (kind >= RmwKind::kRol && kind <= RmwKind::kRcr) return kFlagC | kFlagO;
  return kind == RmwKind::kNot || kind == RmwKind::kExchange ? kNoFlags : kAllFlags;
}

bool is_used(const Block& block, const Inst& value) {
  const auto id = static_cast<ValueId>(&value - block.insts.data());
  return std::any_of(block.insts.begin() + id, block.insts.end(), [id](const Inst& inst) {
    return inst.a == id || inst.b == id || inst.c == id;
  });
}

}  // namespace

bool may_share_check(const Block& block, const Inst& access) {
  if (access.op == Opcode::kLoad || access.op == Opcode::kStore) return true;
  if (access.op != Opcode::kRmw) return false;
  const auto kind = static_cast<RmwKind>(access.aux);
  if (kind == RmwKind::kExchange || kind == RmwKind::kAdd) return true;
  if (is_used(block, access)) return false;
  if (is_bit(kind)) return size_of(access.type) > 1;
  return !is_shift(kind) ||
         (!(access.extra & kMemoryLocked) && block.insts[access.b].op == Opcode::kConstant);
}

// Whether the host has one instruction for it; true if may_share_check() is.
bool CodeGenerator::rmw_is_native() const {
  const auto kind = static_cast<RmwKind>(inst().aux);
  const bool result_used = live_.uses(static_cast<ValueId>(at_)) != 0;
  const bool locked = inst().extra & kMemoryLocked;
  if (kind == RmwKind::kExchange) return true;
  if (result_used) return kind == RmwKind::kAdd;
  if (is_shift(kind)) {
    return !locked && (places_[inst().b].is_constant || places_[inst().b].host == kRcx);
  }
  return !is_bit(kind) || size() > 1;
}

void CodeGenerator::emit_rmw() {
  const auto kind = static_cast<RmwKind>(inst().aux);
  const bool gives_before = live_.uses(static_cast<ValueId>(at_)) != 0;
  const bool exchanges = kind == RmwKind::kExchange || gives_before;
  if (!rmw_is_native()) return emit_update_in_hook();
  const Reg target = target_register();
  const ValueId b = inst().b;
  // XCHG and XADD in place, if the operand is in the register that gets the result.
  const bool in_place = exchanges && target != kNoReg && place(b).host == target && !live_after(b);
  if (in_place) clobber(target);
  SlowStub stub = begin_check(inst());
  stub.value = b == kNoValue ? Source{} : source(b);
  emit_check(stub, true);
  const bool has_flags = inst().flags != 0;
  if (exchanges) {
    const bool adds = kind == RmwKind::kAdd;
    Mem mem = stub.operand;
    Reg reg = target;
    if (!in_place) {
      reg = operand_temporary(stub, mem);
      load_source(reg, size(), stub.value);
    }
    if (adds) begin_flags(kAllFlags);
    if (adds && (inst().extra & kMemoryLocked)) e_.byte(kLockPrefix);
    const uint8_t opcode = static_cast<uint8_t>((adds ? 0xc0 : 0x86) | (size() > 1));
    e_.rm({adds ? kMap0f : kMapOne, opcode}, size(), reg, mem);
    if (adds) end_flags();
    stub.result = gives_before ? reg : kNoReg;
    if (gives_before) define(reg, size() >= 4);
  } else {
    emit_rmw_operation(stub);
  }
  stub.restore_flags = has_flags && flags_ == kFlagsInHost;
  e_.bind(stub.done);
  keep_stub(stub);
}

void CodeGenerator::emit_rmw_operation(const SlowStub& stub) {
  const Source& value = stub.value;
  const auto kind = static_cast<RmwKind>(inst().aux);
  const bool immediate =
      value.kind == Source::Kind::kImm &&
      (size() < 8 || static_cast<int64_t>(value.imm) == static_cast<int32_t>(value.imm));
  const bool has_operand = kind != RmwKind::kNeg && kind != RmwKind::kNot;
  Mem mem = stub.operand;
  Reg reg = value.kind == Source::Kind::kReg ? value.reg : kNoReg;
  if (has_operand && !immediate && (reg == kNoReg || is_bit(kind)) && !is_shift(kind)) {
    reg = operand_temporary(stub, mem);
    load_source(reg, size(), value);
    // With a memory operand the bit index would reach beyond it.
    if (is_bit(kind)) e_.alu_imm(Alu::kAnd, 4, reg, static_cast<int32_t>(size() * 8 - 1));
  }
  const bool by_carry = kind == RmwKind::kAdc || kind == RmwKind::kSbb || kind == RmwKind::kRcl ||
                        kind == RmwKind::kRcr;
  const bool carry_kept =
      inst().flags && !(inst().flags & kFlagC) && (live_.flags_after(at_) & kFlagC);
  const bool adds_one =
      carry_kept && immediate && value.imm == 1 && (kind == RmwKind::kAdd || kind == RmwKind::kSub);
  const bool may_leave_flags = inst().flags && !always_writes_flags(block_, inst());
  if (may_leave_flags) need_host_flags();
  if (by_carry) need_carry();
  begin_flags(may_leave_flags ? kNoFlags
              : adds_one      ? FlagMask{kAllFlags & ~kFlagC}
                              : written_by(kind));
  if (inst().extra & kMemoryLocked) e_.byte(kLockPrefix);
  if (!has_operand) {
    e_.group3(kind == RmwKind::kNeg ? Group3::kNeg : Group3::kNot, size(), mem);
  } else if (is_shift(kind)) {
    immediate ? e_.shift_imm(shift_of(kind), size(), mem,
                             static_cast<uint8_t>(value.imm & (size() == 8 ? 63 : 31)))
              : e_.shift_cl(shift_of(kind), size(), mem);
  } else if (is_bit(kind)) {
    const unsigned digit = 5 + static_cast<unsigned>(kind) - static_cast<unsigned>(RmwKind::kBts);
    if (immediate) {
      e_.rm({kMap0f, 0xba}, size(), static_cast<uint8_t>(digit), mem);
      e_.byte(static_cast<uint8_t>(value.imm & (size() * 8 - 1)));
    } else {
      e_.rm({kMap0f, static_cast<uint8_t>(0x83 | digit << 3)}, size(), reg, mem);
    }
  } else if (adds_one) {
    kind == RmwKind::kAdd ? e_.inc(size(), mem) : e_.dec(size(), mem);
  } else if (immediate) {
    e_.alu_imm(alu_of(kind), size(), mem, static_cast<int32_t>(value.imm));
  } else {
    e_.alu_to(alu_of(kind), size(), mem, reg);
  }
  if (kind != RmwKind::kNot) end_flags();
}

void CodeGenerator::emit_update_in_hook() {
  const bool gives_before = live_.uses(static_cast<ValueId>(at_)) != 0;
  const size_t arguments = offsetof(Frame, helper_arguments);
  const Reg to = gives_before ? target_register() : kNoReg;
  need_memory_flags();
  if (to != kNoReg) clobber(to);
  SlowStub stub = begin_check(inst());
  stub.result = !gives_before ? kNoReg : to != kNoReg ? to : kAddressReg;
  if (inst().b != kNoValue) store_stub_value(arguments, source(inst().b), inst(inst().b).type);
  if (inst().c != kNoValue) store_stub_value(arguments + 8, source(inst().c), inst().type);
  e_.call_to(thunks_.access_full);
  e_.imm(pack(stub.operation), 4);
  e_.jump(stub.done);
  e_.bind(stub.done);
  finish_update(stub);
  flags_ = kFlagsInMemory;
  if (gives_before) define(stub.result, size() >= 4 || stub.result == kAddressReg);
}

// RAX is the expected value and gets the value before.
void CodeGenerator::emit_compare_exchange() {
  const ValueId b = inst().b, c = inst().c;
  const Reg target = target_register();
  const bool direct = place(b).host == kRax && target == kRax && place(c).host != kNoReg &&
                      place(c).host != kRax && !in_temporary(c);
  if (direct) clobber(kRax);
  SlowStub stub = begin_check(inst());
  if (direct) {  // b may have been moved away; RAX still holds it
    stub.value.kind = Source::Kind::kReg;
    stub.value.reg = kRax;
  } else {
    stub.value = source(b);
  }
  stub.replacement = source(c);
  emit_check(stub, true);
  Mem mem = kChecked;
  Reg replacement = stub.replacement.reg;
  if (!direct) {
    e_.lea(8, kTlbReg, kChecked);
    mem = {kTlbReg};
    replacement = kAddressReg;
    load_source(kAddressReg, size(), stub.replacement);
  }
  begin_flags(kAllFlags);
  if (!direct) {
    e_.mov_to(8, frame_at(scratch_offset(0)), kRax);
    load_source(kRax, size(), stub.value);
  }
  if (inst().extra & kMemoryLocked) e_.byte(kLockPrefix);
  const uint8_t opcode = static_cast<uint8_t>(0xb0 | (size() > 1));
  e_.rm({kMap0f, opcode}, size(), replacement, mem);
  if (!direct) {
    e_.mov(size() == 4 ? 4 : 8, kAddressReg, kRax);
    e_.mov(8, kRax, frame_at(scratch_offset(0)));
  }
  end_flags();
  stub.result = direct ? kRax : kAddressReg;
  define(stub.result, !direct && size() >= 4);
  stub.restore_flags = inst().flags != 0 && flags_ == kFlagsInHost;
  e_.bind(stub.done);
  keep_stub(stub);
}

}  // namespace vireo::tcg::x86_64
