// Forwards guest registers and vCPU state within a block: a read of what the block has just read or
// written becomes that value; a write of what is there already goes away.

#include <array>
#include <span>

#include "tcg/opt/rewrite.h"
#include "tcg/runtime/frame.h"

namespace vireo::tcg {
namespace {

/// What is known of the low part of a register.
struct Known {
  ValueId value = kNoValue;
  Type type = Type::kVoid;
  bool whole = false;  ///< A write of this value and type would change nothing at all.
};
struct KnownState {
  uint64_t offset = 0;
  ValueId value = kNoValue;
  Type type = Type::kVoid;
};

class Forwarder {
 public:
  Forwarder(Block& block, PassScratch& scratch) : insts_(block.insts), rewriter_(block, scratch) {}

  void run() {
    for (size_t id = 0; id < insts_.size(); ++id) {
      Inst& inst = insts_[id];
      rewriter_.visit(inst, id);
      visit(inst, id);
    }
  }

 private:
  void visit(Inst& inst, size_t id) {
    switch (inst.op) {
      case Opcode::kGetReg:
        return get_reg(inst, id);
      case Opcode::kSetReg:
        return set_reg(inst);
      case Opcode::kSetRegHigh8:
        if (integers_[inst.aux].type != Type::kI8) integers_[inst.aux] = {};
        return;
      case Opcode::kZeroUpper:
        return vectors_.fill({});
      case Opcode::kLoadState:
        return load_state(inst, id);
      case Opcode::kStoreState:
        return store_state(inst);
      case Opcode::kX87:
      case Opcode::kX87Load:
      case Opcode::kX87Store:
        return state_.fill({});
      default:
        if (effects(inst) & kWritesState) forget_all();
    }
  }

  Known& known(const Inst& inst) {
    return is_vector(inst.type) ? vectors_[inst.aux] : integers_[inst.aux];
  }

  void get_reg(Inst& inst, size_t id) {
    Known& reg = known(inst);
    if (reg.type == inst.type) return rewriter_.replace(id, reg.value);
    const bool constant = reg.value != kNoValue && insts_[reg.value].op == Opcode::kConstant;
    if (constant && inst.type < reg.type) {  // A part of a constant is one too.
      inst = {.op = Opcode::kConstant, .type = inst.type, .imm = insts_[reg.value].imm};
      inst.imm &= (uint64_t{1} << bits_of(inst.type)) - 1;
      return;
    }
    // A narrower read says nothing more than a wider value known already.
    if (reg.type < inst.type || is_vector(inst.type)) {
      reg = {static_cast<ValueId>(id), inst.type, inst.type != Type::kI32};
    }
  }

  void set_reg(Inst& inst) {
    Known& reg = known(inst);
    if (reg.whole && reg.type == inst.type && reg.value == inst.a) return make_removable(inst);
    reg = {inst.a, inst.type, true};
  }

  // Offsets within the Frame may be registers and flags under another name: they are not tracked.
  void load_state(Inst& inst, size_t id) {
    if (inst.imm < sizeof(Frame) || inst.extra != 0) return;
    for (const KnownState& entry : state_) {
      if (entry.value != kNoValue && entry.offset == inst.imm && entry.type == inst.type) {
        return rewriter_.replace(id, entry.value);
      }
    }
    remember_state(inst.imm, inst.type, static_cast<ValueId>(id));
  }

  void store_state(const Inst& inst) {
    if (inst.imm < sizeof(Frame)) forget_all();
    for (KnownState& entry : state_) {
      const bool apart = entry.offset + size_of(entry.type) <= inst.imm ||
                         inst.imm + size_of(inst.type) <= entry.offset;
      if (!apart) entry.value = kNoValue;
    }
    if (inst.imm >= sizeof(Frame)) remember_state(inst.imm, inst.type, inst.a);
  }

  void remember_state(uint64_t offset, Type type, ValueId value) {
    state_[next_state_++ % state_.size()] = {offset, value, type};
  }

  void forget_all() {
    integers_.fill({});
    vectors_.fill({});
    state_.fill({});
  }

  const std::span<Inst> insts_;
  Rewriter rewriter_;
  std::array<Known, 16> integers_ = {};
  std::array<Known, 16> vectors_ = {};
  std::array<KnownState, 8> state_ = {};
  unsigned next_state_ = 0;
};

}  // namespace

void forward_state(Block& block, PassScratch& scratch) { Forwarder(block, scratch).run(); }

}  // namespace vireo::tcg
