// One backward pass over a block finds last uses and what registers are set to; one forward pass
// gives places and writes operations. This is not the code generator's analysis
// (x86_64/liveness.h): a mistake in a shared one would be the same on both sides of the lock-step.

#include "tcg/backend/interpreter/compiler.h"

#include <algorithm>
#include <bit>

#include "tcg/backend/interpreter/loop_codes.h"

namespace vireo::tcg::interpreter {
namespace {

/// How far a value may be made ahead of the SetReg that it is for.
constexpr uint32_t kTargetReach = 24;

constexpr unsigned width_of(Type type) {
  return static_cast<unsigned>(std::countr_zero(size_of(type)));
}
constexpr uint16_t register_place(unsigned reg) {
  return static_cast<uint16_t>(kRegisterPlace + reg);
}

bool is_integer_op(const Inst& inst, Opcode op) { return inst.op == op && is_integer(inst.type); }

bool gives_value(const Inst& inst) {
  return info(inst.op).result != OpcodeInfo::ResultKind::kNone && inst.type != Type::kVoid;
}

/// Whether guest registers have to be right before `inst` is over.
bool shows_registers(const Inst& inst) {
  return (effects(inst) & (kMayFault | kSyncs | kLeavesBlock | kEndsBlock)) != 0;
}

/// Whether it is an access to what may be a general register under another name.
bool reaches_frame(const Inst& inst) {
  const bool state = inst.op == Opcode::kLoadState || inst.op == Opcode::kStoreState;
  return state && inst.imm < sizeof(Frame);
}

bool names_register(const Inst& inst, unsigned reg) {
  const bool high = inst.op == Opcode::kGetRegHigh8 || inst.op == Opcode::kSetRegHigh8;
  const bool named =
      high || is_integer_op(inst, Opcode::kGetReg) || is_integer_op(inst, Opcode::kSetReg);
  return (named && inst.aux == reg) || reaches_frame(inst);
}

/// Loads and stores that the loop does itself.
bool is_plain_access(const Inst& inst) {
  const bool access = inst.op == Opcode::kLoad || inst.op == Opcode::kStore;
  return access && is_integer(inst.type) && (inst.extra & (kMemoryLocked | kMemoryAligned)) == 0;
}

/// Whether `inst` reads all 64 bits of the place of operand `id`, whatever its type.
bool reads_whole_place(const Inst& inst, ValueId id) {
  switch (inst.op) {
    case Opcode::kBranchNonzero:
    case Opcode::kBranchRuntime:
    case Opcode::kCallHelper:
    case Opcode::kX87:
    case Opcode::kX87Load:
    case Opcode::kX87Store:
    case Opcode::kVector:
      return true;
    case Opcode::kSelectNonzero:
      return id == inst.c;
    default:
      return false;
  }
}

}  // namespace

bool Compiler::compile(const Block& block, Program* program) {
  block_ = &block;
  program_ = program;
  next_place_ = kFirstPlace;
  free_words_.clear();
  free_vectors_.clear();
  ip_ = block.guest_ip;
  fits_ = true;
  analyse();
  for (uint32_t at = 0; at < block.insts.size(); ++at) visit(block.insts[at], at);
  program->operations.shrink_to_fit();
  program->ips.shrink_to_fit();
  return fits_;
}

const Inst* Compiler::index_of(const Inst& inst) const {
  if (!is_plain_access(inst)) return nullptr;
  const Inst& address = block_->insts[inst.a];
  return address.op == Opcode::kAddress ? &address : nullptr;
}

template <class F>
void Compiler::for_each_operand(const Inst& inst, F&& visit) const {
  const Inst* address = index_of(inst);
  for (const ValueId id : {address ? address->a : inst.a, inst.b, inst.c}) {
    if (id != kNoValue) visit(id);
  }
  if (address && address->b != kNoValue) visit(address->b);
}

void Compiler::analyse() {
  const auto count = static_cast<uint32_t>(block_->insts.size());
  values_.assign(count, {});
  next_write_.fill(count);
  for (uint32_t at = count; at-- > 0;) {
    const Inst& inst = block_->insts[at];
    note_setter(inst, at);
    note_uses(inst, at);
    note_writes(inst, at);
  }
}

void Compiler::note_setter(const Inst& inst, uint32_t at) {
  const bool sets = is_integer_op(inst, Opcode::kSetReg);
  if (sets || is_integer_op(inst, Opcode::kGetReg)) values_[at].rewritten = next_write_[inst.aux];
  if (!sets || inst.type < Type::kI32) return;
  ValueId id = inst.a;
  values_[id].setter = at;
  while (block_->insts[id].op == Opcode::kZeroExtend) {
    id = block_->insts[id].a;
    values_[id].setter = at;
  }
}

void Compiler::note_writes(const Inst& inst, uint32_t at) {
  if (is_integer_op(inst, Opcode::kSetReg) || inst.op == Opcode::kSetRegHigh8) {
    next_write_[inst.aux] = at;
  } else if ((effects(inst) & kSyncs) != 0 || reaches_frame(inst)) {
    next_write_.fill(at);
  }
}

void Compiler::note_uses(const Inst& inst, uint32_t at) {
  if (inst.op == Opcode::kAddress && !values_[at].wanted) return;  // a part of its users
  const bool alias = inst.op == Opcode::kTruncate || inst.op == Opcode::kZeroExtend;
  const uint32_t until = alias ? std::max(at, values_[at].last_use) : at;
  for_each_operand(inst, [&](ValueId id) {
    ValueInfo& value = values_[id];
    value.last_use = std::max(value.last_use, until);
    const bool immediate = is_binary(inst.op) && id != inst.a && is_constant(id);
    value.wanted |= !immediate;
    value.whole |= reads_whole_place(inst, id);
  });
}

void Compiler::visit(const Inst& inst, uint32_t at) {
  if (inst.op == Opcode::kInsnStart) ip_ = inst.imm;
  if (inst.op == Opcode::kInsnStart || inst.op == Opcode::kPushReturn) return;
  const bool optional = inst.op == Opcode::kConstant || inst.op == Opcode::kAddress;
  if (optional && !values_[at].wanted) return;
  const bool done = alias_register(inst, at) || alias_value(inst, at) || is_set_already(inst);
  release_operands(inst, at);
  if (done) return;
  give_place(inst, at);
  emit(inst, at);
}

bool Compiler::alias_register(const Inst& inst, uint32_t at) {
  ValueInfo& value = values_[at];
  if (!is_integer_op(inst, Opcode::kGetReg) || value.last_use > value.rewritten) return false;
  value.exact = inst.type == Type::kI64;
  if (value.whole && !value.exact) return false;
  value.place = register_place(inst.aux);
  value.root = static_cast<ValueId>(at);
  return true;
}

bool Compiler::alias_value(const Inst& inst, uint32_t at) {
  const bool truncates = is_integer_op(inst, Opcode::kTruncate);
  const bool extends = is_integer_op(inst, Opcode::kZeroExtend);
  ValueInfo& value = values_[at];
  if (!truncates && !(extends && values_[inst.a].exact)) return false;
  if (truncates && value.whole) return false;
  value.place = values_[inst.a].place;
  value.root = values_[inst.a].root;
  value.exact = extends;
  return true;
}

bool Compiler::is_set_already(const Inst& inst) const {
  if (!is_integer_op(inst, Opcode::kSetReg)) return false;
  const ValueInfo& value = values_[inst.a];
  return value.place == register_place(inst.aux) && (inst.type != Type::kI32 || value.exact);
}

void Compiler::release_operands(const Inst& inst, uint32_t at) {
  for_each_operand(inst, [&](ValueId id) {
    const ValueId root = values_[id].root;
    if (root == kNoValue) return;  // an immediate
    ValueInfo& value = values_[root];
    if (!value.owns || value.last_use != at) return;
    value.owns = false;
    (is_vector(block_->insts[root].type) ? free_vectors_ : free_words_).push_back(value.place);
  });
}

void Compiler::give_place(const Inst& inst, uint32_t at) {
  ValueInfo& value = values_[at];
  value.root = static_cast<ValueId>(at);
  value.exact = true;
  value.place = kSinkPlace;
  if (!gives_value(inst) || value.last_use == 0) return;
  value.place = is_integer(inst.type) ? target_of(at) : uint16_t{0};
  if (value.place != 0) return;
  value.place = take_words(is_vector(inst.type));
  value.owns = true;
}

/// The register that the value is set to next, if it may be made there; else 0.
uint16_t Compiler::target_of(uint32_t at) const {
  const ValueInfo& value = values_[at];
  const uint32_t setter = value.setter;
  if (setter == 0 || setter - at > kTargetReach) return 0;
  if (value.last_use > values_[setter].rewritten) return 0;
  const unsigned reg = block_->insts[setter].aux;
  const uint16_t place = register_place(reg);
  for (uint32_t between = at + 1; between < setter; ++between) {
    const Inst& inst = block_->insts[between];
    if (shows_registers(inst) || names_register(inst, reg)) return 0;
    bool reads = false;
    for_each_operand(inst, [&](ValueId id) { reads |= values_[id].place == place; });
    if (reads) return 0;
  }
  return place;
}

uint16_t Compiler::take_words(bool vector) {
  std::vector<uint16_t>& free = vector ? free_vectors_ : free_words_;
  if (!free.empty()) {
    const uint16_t place = free.back();
    free.pop_back();
    return place;
  }
  const auto place = static_cast<uint16_t>(next_place_);
  next_place_ += vector ? 4 : 1;
  if (next_place_ <= kEndPlace) return place;
  fits_ = false;
  return kSinkPlace;
}

void Compiler::emit(const Inst& inst, uint32_t at) {
  const bool by_second = inst.op == Opcode::kVector || inst.op == Opcode::kStore;
  const ValueId typed = by_second ? inst.b : inst.a;
  Operation o{.handler = nullptr,
              .imm = inst.imm,
              .code = kByHandler,
              .result = values_[at].place,
              .a = place_of(inst.a),
              .b = place_of(inst.b),
              .c = place_of(inst.c),
              .aux = inst.aux,
              .flags = inst.flags,
              .op = inst.op,
              .extra = inst.extra,
              .type = inst.type,
              .source = typed == kNoValue ? Type::kVoid : block_->insts[typed].type};
  choose_registers(inst, o);
  choose_code(inst, o);
  if (o.code == kByHandler) o.handler = handler_of(inst);
  if (inst.op == Opcode::kBranchFlags) join_test(inst);
  program_->operations.push_back(o);
  program_->ips.push_back(ip_);
}

/// Makes one of the branch and a comparison right before it.
void Compiler::join_test(const Inst& branch) {
  if (program_->operations.empty()) return;
  Operation& before = program_->operations.back();
  const bool compares = before.op == Opcode::kSub || before.op == Opcode::kAnd;
  const auto condition = static_cast<Condition>(branch.aux);
  if (!compares || (flags_read_by(condition) & ~before.flags) != 0) return;
  before.code = code_of_test(before.op, width_of(before.type), before.code & 3, condition);
}

/// Guest registers are operands like others.
void Compiler::choose_registers(const Inst& inst, Operation& o) const {
  if (is_integer_op(inst, Opcode::kGetReg) || inst.op == Opcode::kGetRegHigh8) {
    o.a = register_place(inst.aux);
  } else if (is_integer_op(inst, Opcode::kSetReg) || inst.op == Opcode::kSetRegHigh8) {
    o.result = register_place(inst.aux);
  }
}

void Compiler::choose_code(const Inst& inst, Operation& o) const {
  if (inst.op == Opcode::kBranchFlags || inst.op == Opcode::kSetcc) {
    o.code = code_of(inst.op, static_cast<Condition>(inst.aux));
  } else if (inst.op == Opcode::kBranchNonzero || inst.op == Opcode::kExitDirect) {
    o.code = code_of(inst.op, 0, 0);
  } else if (inst.op == Opcode::kExitIndirect || inst.op == Opcode::kExitReturn) {
    o.code = code_of(Opcode::kExitIndirect, 0, 0);
  } else if (is_plain_access(inst)) {
    choose_access(inst, o);
  } else if (is_integer(inst.type)) {
    choose_integer(inst, o);
  }
}

void Compiler::choose_access(const Inst& inst, Operation& o) const {
  unsigned form = inst.extra & kMemoryUser ? unsigned{kUser} : 0;
  if (const Inst* address = index_of(inst)) {
    o.imm += address->imm;
    o.a = place_of(address->a);
    o.aux = address->aux;
    (inst.op == Opcode::kLoad ? o.b : o.c) = place_of(address->b);
    if (address->b != kNoValue) form |= kIndexed;
  }
  o.code = code_of(inst.op, width_of(inst.type), form);
}

void Compiler::choose_integer(const Inst& inst, Operation& o) const {
  const unsigned width = width_of(inst.type);
  if (is_binary(inst.op)) {
    unsigned form = inst.flags == 0 ? unsigned{kFlagless} : 0;
    if (is_constant(inst.b)) {
      o.imm = block_->insts[inst.b].imm;
      form |= kImmediate;
    }
    o.code = code_of(inst.op, width, form);
  } else if (inst.op == Opcode::kAddress) {
    o.code = code_of(inst.op, width, inst.b == kNoValue ? unsigned{kImmediate} : 0);
  } else if (inst.op == Opcode::kZeroExtend) {
    o.code = code_of(inst.op, width_of(o.source), 0);
  } else if (inst.op == Opcode::kGetReg || inst.op == Opcode::kTruncate ||
             (inst.op == Opcode::kSetReg && inst.type >= Type::kI32)) {
    o.code = code_of(Opcode::kZeroExtend, width, 0);
  } else if (is_plain(inst.op)) {
    o.code = code_of(inst.op, width, 0);
  }
}

}  // namespace vireo::tcg::interpreter
