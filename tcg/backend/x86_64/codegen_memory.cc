// Guest memory: the soft-TLB check in front of each access, and what happens when it fails.

#include "tcg/backend/x86_64/codegen.h"
#include "util/bits.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr uint32_t kTemporaryMask = 1u << kAddressReg | 1u << kTlbReg;

bool is_temporary(Reg reg) { return reg == kAddressReg || reg == kTlbReg; }

}  // namespace

MemoryOperation CodeGenerator::memory_operation(const Inst& access) const {
  MemoryOperation operation{};
  operation.type = access.type;
  operation.op = access.op;
  operation.flags = access.extra & static_cast<uint8_t>(~kMemoryHints);
  if (access.op == Opcode::kRmw) operation.rmw = static_cast<RmwKind>(access.aux);
  operation.flags_out = access.flags;
  return operation;
}

// The linear address, plus `distance`, into kAddressReg.
void CodeGenerator::compute_address(const Inst& access, int32_t distance) {
  const ValuePlace& p = place(access.a);
  const auto disp = static_cast<int64_t>(access.imm) + distance;
  const bool short_disp = disp == static_cast<int32_t>(disp);
  const Mem with_disp{p.host, kNoReg, 0, static_cast<int32_t>(disp)};
  if (p.is_constant) {
    return e_.mov_imm(8, kAddressReg, p.imm + static_cast<uint64_t>(disp));
  }
  if (p.host != kNoReg && short_disp) {
    if (disp != 0) return e_.lea(8, kAddressReg, with_disp);
    if (p.host != kAddressReg) e_.mov(8, kAddressReg, p.host);
    return;
  }
  if (p.host == kNoReg && p.is_address && p.address_size == 8 && short_disp &&
      p.address.disp + disp == static_cast<int32_t>(p.address.disp + disp)) {
    Mem address = p.address;
    address.disp += static_cast<int32_t>(disp);
    return e_.lea(8, kAddressReg, address);
  }
  if (p.host != kAddressReg) load_into(kAddressReg, 8, access.a);
  if (disp == 0) return;
  if (short_disp)
    return e_.lea(8, kAddressReg, {kAddressReg, kNoReg, 0, static_cast<int32_t>(disp)});
  e_.mov_imm(8, kTlbReg, static_cast<uint64_t>(disp));
  e_.lea(8, kAddressReg, {kAddressReg, kTlbReg, 0, 0});
}

// The same, for which the temporaries become free.
void CodeGenerator::take_address(const Inst& access, int32_t distance) {
  free_temporaries(access.a);
  compute_address(access, distance);
  if (in_temporary(access.a)) place(access.a).host = kNoReg;  // lost; it has a copy if needed
}

// Everything up to the check; afterwards the temporaries in the operand belong to the access.
CodeGenerator::SlowStub CodeGenerator::begin_check(const Inst& access) {
  SlowStub stub{};
  stub.entry = e_.new_label();
  stub.retry = e_.new_label();
  stub.done = e_.new_label();
  stub.operation = memory_operation(access);
  stub.ip = ip_;
  locked_ = 0;
  const auto at = static_cast<size_t>(&access - block_.insts.data());
  stub.group = groups_.number_at(at);
  stub.checked = groups_.is_checked(at) || (in_loop_ && is_hoisted(stub.group));
  if (stub.checked) {
    stub.operand = group_operand(at);
    return stub;
  }
  const bool shown_only = recipe_ && live_.flags_read_before(at_) == 0;
  if (shown_only && !(flags_ & kFlagsInMemory)) {
    stub.recipe = recipe_;
  } else {
    need_memory_flags();
  }
  stub.on_stack = is_on_stack(access, stub);
  take_address(access, stub.group != AccessGroups::kNone ? groups_[stub.group].lowest : 0);
  return stub;
}

void CodeGenerator::emit_check(SlowStub& stub, bool write) {
  if (stub.checked) return;
  const bool group = stub.group != AccessGroups::kNone;
  stub.writes = group ? groups_[stub.group].writes : write;
  e_.bind(stub.retry);
  stub.on_stack ? emit_stack_check(stub) : emit_tlb_check(stub);
  flags_ = stub.recipe ? kFlagsNowhere : kFlagsInMemory;
  locked_ = kTemporaryMask;
  if (group) finish_group_check(stub);
}

unsigned CodeGenerator::checked_bytes(const SlowStub& stub) const {
  return stub.group != AccessGroups::kNone ? groups_[stub.group].bytes
                                           : size_of(stub.operation.type);
}

unsigned CodeGenerator::checked_alignment(const SlowStub& stub) const {
  if (stub.group != AccessGroups::kNone) return groups_[stub.group].alignment;
  return stub.operation.flags & kMemoryAligned ? size_of(stub.operation.type) : 1;
}

void CodeGenerator::emit_tlb_check(const SlowStub& stub) {
  const unsigned alignment = checked_alignment(stub);
  const TlbOperand entry = emit_tlb_lookup(e_, cpu_.bmi2, is_user(stub), stub.writes);
  e_.alu_imm(Alu::kCmp, 8, kAddressReg, static_cast<int32_t>(kPageSize - checked_bytes(stub)));
  e_.jump_if(kAbove, stub.entry);
  if (alignment > 1) {
    e_.test_imm(1, kAddressReg, static_cast<int32_t>(alignment - 1));
    e_.jump_if(kNotEqual, stub.entry);
  }
  e_.mov(8, kTlbReg, entry.host);
}

// Behind the access, whose place is stub.operand.
void CodeGenerator::keep_stub(const SlowStub& stub) {
  if (!stub.checked) slow_stubs_.push_back(stub);
}

// A temporary beside the operand, which may move for it.
Reg CodeGenerator::operand_temporary(const SlowStub& stub, Mem& operand) {
  operand = stub.operand;
  if (stub.group == AccessGroups::kNone) {
    e_.lea(8, kTlbReg, kChecked);
    operand = {kTlbReg};
  }
  return load_temporary(stub);
}

void CodeGenerator::emit_load_to(Reg host, unsigned bytes, const Mem& from) {
  if (bytes < 4 && is_temporary(host)) return e_.movzx(host, bytes, from);
  e_.mov(bytes, host, from);
}

void CodeGenerator::emit_load() {
  if (emit_folded_load()) return;
  if (is_vector(inst().type)) return emit_vector_load();
  const Reg target = target_register();
  if (target != kNoReg) clobber(target);
  SlowStub stub = begin_check(inst());
  emit_check(stub, false);
  const Reg to = target != kNoReg ? target : load_temporary(stub);
  e_.bind(stub.done);
  emit_load_to(to, size(), stub.operand);
  keep_stub(stub);
  define(to, size() >= 4 || is_temporary(to));
}

// A temporary that a load may go to: the operand is read before it is written.
Reg CodeGenerator::load_temporary(const SlowStub& stub) {
  return stub.group != AccessGroups::kNone ? allocate_temporary(kAddressReg) : kAddressReg;
}

// The index of the instruction that can take this load as its memory operand; 0 if there is none.
size_t CodeGenerator::folding_user() const {
  constexpr size_t kReach = 4;
  const auto load = static_cast<ValueId>(at_);
  const size_t user = live_.last_use(load);
  if (live_.uses(load) != 1 || user - at_ > kReach) return 0;
  for (size_t i = at_ + 1; i < user; ++i) {
    const Inst& between = block_.insts[i];
    const bool free_of_code = (between.op == Opcode::kGetReg || between.op == Opcode::kConstant) &&
                              (is_integer(between.type) || between.op == Opcode::kGetReg);
    if (!free_of_code) return 0;
  }
  return user;
}

// Whether the value is in a pinned register when instruction `user` runs.
bool CodeGenerator::will_be_pinned(ValueId id) const {
  if (id == kNoValue) return false;
  const Inst& from = inst(id);
  if (id > at_) {
    return from.op == Opcode::kGetReg && (is_vector(from.type) || kHostOfGuest[from.aux] != kNoReg);
  }
  return places_[id].host != kNoReg && !in_temporary(id);
}

bool CodeGenerator::emit_folded_load() {
  const size_t load = at_, user = folding_user();
  if (user == 0) return false;
  const Inst& op = block_.insts[user];
  FoldedOperation folded{.load = static_cast<ValueId>(load)};
  const bool extends = op.op == Opcode::kZeroExtend || op.op == Opcode::kSignExtend;
  if (op.op == Opcode::kVector) {
    if (!vector_folds(op, inst())) return false;
  } else if (extends ? is_vector(op.type) : !integer_folds(op, user, folded)) {
    return false;
  }
  for (at_ = load + 1; at_ < user; ++at_) emit_inst();
  if (op.op == Opcode::kVector) {
    emit_folded_vector(block_.insts[load]);
  } else if (extends) {
    emit_folded_extension(block_.insts[load]);
  } else {
    emit_folded_alu(block_.insts[load], folded);
  }
  return true;
}

bool CodeGenerator::integer_folds(const Inst& op, size_t user, FoldedOperation& folded) const {
  const bool commutative = op.op == Opcode::kAdd || op.op == Opcode::kAnd || op.op == Opcode::kOr ||
                           op.op == Opcode::kXor || op.op == Opcode::kMul;
  if ((!commutative && op.op != Opcode::kSub) || size_of(op.type) != size()) return false;
  if (op.op == Opcode::kMul && size() == 1) return false;
  folded.compares = live_.uses(static_cast<ValueId>(user)) == 0 &&
                    (op.op == Opcode::kSub || op.op == Opcode::kAnd);
  folded.memory_first = op.a == folded.load;
  folded.other = folded.memory_first ? op.b : op.a;
  if (folded.other == folded.load) return false;
  if (folded.compares) {
    const Inst& other = inst(folded.other);
    const bool immediate =
        other.op == Opcode::kConstant && folded.memory_first &&
        (size() < 8 || static_cast<int64_t>(other.imm) == static_cast<int32_t>(other.imm));
    return immediate || will_be_pinned(folded.other);
  }
  const uint8_t guest = live_.target(static_cast<ValueId>(user));
  return guest != Liveness::kNoTarget && kHostOfGuest[guest] != kNoReg &&
         (commutative || !folded.memory_first) && will_be_pinned(folded.other);
}

void CodeGenerator::emit_folded_alu(const Inst& load, const FoldedOperation& folded) {
  constexpr auto alu_of = [](Opcode op) {
    return op == Opcode::kAdd   ? Alu::kAdd
           : op == Opcode::kSub ? Alu::kSub
           : op == Opcode::kAnd ? Alu::kAnd
           : op == Opcode::kOr  ? Alu::kOr
                                : Alu::kXor;
  };
  const Reg from = place(folded.other).host;
  const Reg to = folded.compares ? kNoReg : target_register();
  if (to != kNoReg) clobber(to);
  SlowStub stub = begin_check(load);
  emit_check(stub, false);
  begin_flags(kAllFlags);
  e_.bind(stub.done);
  keep_stub(stub);
  const Mem& memory = stub.operand;
  const bool tests = inst().op == Opcode::kAnd;
  if (folded.compares && place(folded.other).is_constant) {
    const auto value = static_cast<int32_t>(place(folded.other).imm);
    tests ? e_.test_imm(size(), memory, value) : e_.alu_imm(Alu::kCmp, size(), memory, value);
  } else if (folded.compares && tests) {
    e_.test(size(), memory, from);
  } else if (folded.compares) {
    folded.memory_first ? e_.alu_to(Alu::kCmp, size(), memory, from)
                        : e_.alu(Alu::kCmp, size(), from, memory);
  } else {
    if (from != to) e_.mov(size(), to, from);
    if (inst().op == Opcode::kMul) {
      e_.imul(size(), to, memory);
    } else {
      e_.alu(alu_of(inst().op), size(), to, memory);
    }
  }
  end_flags();
  const bool logical =
      inst().op == Opcode::kAnd || inst().op == Opcode::kOr || inst().op == Opcode::kXor;
  if (to != kNoReg && logical && inst().flags) set_recipe(FlagRecipe::Kind::kTest, to, to);
  if (to != kNoReg) define(to, size() >= 4);
}

void CodeGenerator::emit_folded_extension(const Inst& load) {
  const unsigned from = size_of(load.type);
  const Reg target = target_register();
  if (target != kNoReg) clobber(target);
  SlowStub stub = begin_check(load);
  emit_check(stub, false);
  const Reg to = target != kNoReg ? target : load_temporary(stub);
  e_.bind(stub.done);
  keep_stub(stub);
  if (inst().op == Opcode::kSignExtend) {
    e_.movsx(size(), to, from, stub.operand);
  } else if (size() == 2 && !is_temporary(to)) {
    e_.rm({kMap0f, 0xb6}, 2, to, stub.operand);
  } else {
    e_.movzx(to, from, stub.operand);
  }
  const bool zero_extends = inst().op == Opcode::kZeroExtend && is_temporary(to);
  define(to, size() >= 4 || zero_extends);
}

// Stores after a check. What is not in a register comes through a temporary.
void CodeGenerator::store_source(unsigned bytes, const SlowStub& stub) {
  using Kind = Source::Kind;
  const Source& value = stub.value;
  const bool short_imm =
      bytes < 8 || static_cast<int64_t>(value.imm) == static_cast<int32_t>(value.imm);
  if (value.kind == Kind::kReg) return e_.mov_to(bytes, stub.operand, value.reg);
  if (value.kind == Kind::kImm && short_imm) {
    return e_.mov_to_imm(bytes, stub.operand, static_cast<int32_t>(value.imm));
  }
  Mem to;
  const Reg temporary = operand_temporary(stub, to);
  load_source(temporary, bytes, value);
  e_.mov_to(bytes, to, temporary);
}

void CodeGenerator::load_source(Reg to, unsigned bytes, const Source& value) {
  switch (value.kind) {
    case Source::Kind::kReg:
      if (value.reg != to) e_.mov(8, to, value.reg);
      return;
    case Source::Kind::kImm:
      return e_.mov_imm(8, to, value.imm);
    case Source::Kind::kMem:
      return bytes < 4 ? e_.movzx(to, bytes, value.mem) : e_.mov(bytes, to, value.mem);
    case Source::Kind::kAddress:
      return e_.lea(value.address_size, to, value.mem);
  }
}

void CodeGenerator::emit_store() {
  SlowStub stub = begin_check(inst());
  stub.value = source(inst().b);
  emit_check(stub, true);
  if (is_vector(inst().type)) {
    Mem to = stub.operand;
    const bool in_register = stub.value.kind == Source::Kind::kReg;
    if (in_register && (inst().extra & kMemoryNonTemporal)) {
      e_.movntps(size(), to, stub.value.reg);
    } else {
      const Reg temporary = in_register ? kNoReg : operand_temporary(stub, to);
      emit_vector_store_source(to, size(), stub.value, temporary);
    }
  } else {
    store_source(size(), stub);
  }
  e_.bind(stub.done);
  keep_stub(stub);
}

void CodeGenerator::emit_probe() {
  SlowStub stub = begin_check(inst());
  emit_check(stub, true);
  e_.bind(stub.done);
  slow_stubs_.push_back(stub);
}

// Where the TLB has another page, or none, the host is given a hint of no use: that does no harm.
void CodeGenerator::emit_prefetch() {
  before_clobbering_flags();
  locked_ = 0;
  take_address(inst(), 0);
  e_.mov(8, kTlbReg, emit_tlb_lookup(e_, cpu_.bmi2, inst().extra & kMemoryUser, false).host);
  constexpr uint8_t kT0 = 1;
  e_.sse({kMap0f, 0x18}, kT0, kChecked);
}

// The value for a hook into the Frame, with every register kept. Upper bits do not matter.
void CodeGenerator::store_stub_value(size_t offset, const Source& value, Type type) {
  using Kind = Source::Kind;
  if (is_vector(type)) {
    if (value.kind == Kind::kReg && type == Type::kV256) {
      return e_.vmovups_to(32, frame_at(offset), value.reg);
    }
    if (value.kind == Kind::kReg) return e_.movups_to(frame_at(offset), value.reg);
    e_.mov_to(8, frame_at(scratch_offset(1)), kRax);
    emit_vector_store_source(frame_at(offset), size_of(type), value, kRax);
    return e_.mov(8, kRax, frame_at(scratch_offset(1)));
  }
  if (value.kind == Kind::kReg) return e_.mov_to(8, frame_at(offset), value.reg);
  if (value.kind == Kind::kImm &&
      static_cast<int64_t>(value.imm) == static_cast<int32_t>(value.imm)) {
    return e_.mov_to_imm(8, frame_at(offset), static_cast<int32_t>(value.imm));
  }
  e_.mov_to(8, frame_at(scratch_offset(1)), kRax);
  load_source(kRax, size_of(type), value);
  e_.mov_to(8, frame_at(offset), kRax);
  e_.mov(8, kRax, frame_at(scratch_offset(1)));
}

// The flags that a fault would show go to memory.
void CodeGenerator::begin_slow_stub(const SlowStub& stub) {
  tables_.rows.push_back({static_cast<uint16_t>(e_.size()), guest_offset(stub.ip), kFlagsInMemory});
  e_.bind(stub.entry);
  if (stub.recipe) {
    e_.mov_to(8, frame_at(scratch_offset(0)), kAddressReg);
    emit_recipe(stub.recipe, kAddressReg);
    e_.call_to(thunks_.save_flags);
  }
}

void CodeGenerator::emit_slow_stub(const SlowStub& stub) {
  if (stub.on_stack) emit_stack_stub(stub);
  if (stub.group != AccessGroups::kNone) return emit_group_stub(stub);
  if (stub.x87_store != 0) return emit_x87_store_stub(stub);
  const MemoryOperation& operation = stub.operation;
  const size_t arguments = offsetof(Frame, helper_arguments);
  begin_slow_stub(stub);
  if (operation.op != Opcode::kLoad && operation.op != Opcode::kProbe) {
    store_stub_value(arguments, stub.value, operation.type);
  }
  if (operation.op == Opcode::kCompareExchange) {
    store_stub_value(arguments + 8, stub.replacement, operation.type);
  }
  e_.call_to(thunks_.accesses[is_user(stub)][stub.writes]);
  e_.imm(pack(operation), 4);
  e_.jump(stub.retry);
  finish_update(stub);
  e_.jump(stub.done);
}

// After the update hook: its result and flags to where the inline code has them.
void CodeGenerator::finish_update(const SlowStub& stub) {
  if (stub.result != kNoReg) {
    emit_load_to(stub.result, size_of(stub.operation.type),
                 frame_at(offsetof(Frame, helper_result)));
  }
  if (stub.restore_flags) {
    emit_restore_flags(e_, stub.result == kTlbReg ? kAddressReg : kTlbReg);
  }
}

}  // namespace vireo::tcg::x86_64
