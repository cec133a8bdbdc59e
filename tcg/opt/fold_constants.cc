// Computes what is known: constants through evaluate_integer(), algebraic identities, and sums
// that an address or a memory operation can take into its displacement.

#include <span>

#include "tcg/ir/evaluate.h"
#include "tcg/opt/rewrite.h"
#include "util/bits.h"

namespace vireo::tcg {
namespace {

class Folder {
 public:
  Folder(Block& block, PassScratch& scratch)
      : block_(block), insts_(block.insts), rewriter_(block, scratch) {}

  void run() {
    for (size_t id = 0; id < insts_.size(); ++id) {
      Inst& inst = insts_[id];
      rewriter_.visit(inst, id);
      if (is_memory(inst.op)) absorb_displacement(inst);
      if (inst.op == Opcode::kBranchNonzero && fold_branch(inst)) {
        block_.insts.resize(id + 1);
        return;
      }
      if (inst.flags == kNoFlags && is_pure(inst.op) && inst.op != Opcode::kVector) {
        simplify(inst, id);
      }
    }
  }

 private:
  const Inst& at(ValueId id) const { return insts_[id]; }
  bool is_constant(ValueId id) const { return id != kNoValue && at(id).op == Opcode::kConstant; }
  bool is_constant(ValueId id, uint64_t value) const {
    return is_constant(id) && constant(id) == value;
  }
  uint64_t constant(ValueId id) const { return at(id).imm & util::low_mask(bits_of(at(id).type)); }

  static void make_constant(Inst& inst, uint64_t value) {
    inst = {.op = Opcode::kConstant,
            .type = inst.type,
            .imm = value & util::low_mask(bits_of(inst.type))};
  }

  /// Adds to the displacement if the sum, as a number of `bits` bits, is one that machine code can
  /// hold (32 bits, signed).
  static bool displace(Inst& inst, uint64_t more, unsigned bits) {
    const int64_t sum = util::sign_extend(inst.imm + more, bits);
    if (sum != static_cast<int32_t>(sum)) return false;
    inst.imm = static_cast<uint64_t>(sum);
    return true;
  }

  /// Base + constant behind the address becomes part of the displacement.
  void absorb_displacement(Inst& inst) {
    const Inst& address = at(inst.a);
    if (address.flags != kNoFlags) return;
    uint64_t more = 0;
    if (address.op == Opcode::kAddress && address.a != kNoValue && address.b == kNoValue) {
      more = address.imm;
    } else if (address.op == Opcode::kAdd && is_constant(address.b)) {
      more = constant(address.b);
    } else if (address.op == Opcode::kSub && is_constant(address.b)) {
      more = uint64_t{0} - constant(address.b);
    } else {
      return;
    }
    if (displace(inst, more, 64)) inst.a = address.a;
  }

  /// Returns whether the branch is always taken and has become the end of the block.
  bool fold_branch(Inst& inst) {
    if (!is_constant(inst.a)) return false;
    if (constant(inst.a) == 0) {
      make_removable(inst);
      return false;
    }
    inst = {.op = Opcode::kExitDirect, .extra = inst.extra, .imm = inst.imm};
    return true;
  }

  void simplify(Inst& inst, size_t id) {
    if (inst.op == Opcode::kConstant || is_vector(inst.type)) return;
    if (inst.op == Opcode::kAddress) return simplify_address(inst, id);
    if (operands_constant(inst) && depends_on_operands_alone(inst.op)) return compute(inst);
    const ValueId same = identity(inst);
    if (same != kNoValue) return rewriter_.replace(id, same);
    if ((inst.op == Opcode::kXor || inst.op == Opcode::kSub) && inst.a == inst.b) {
      make_constant(inst, 0);
    } else if (inst.op == Opcode::kAnd && is_constant(inst.b, 0)) {
      make_constant(inst, 0);
    } else if (inst.op == Opcode::kMul && is_constant(inst.b, 0)) {
      make_constant(inst, 0);
    }
  }

  static bool depends_on_operands_alone(Opcode op) {
    switch (op) {
      case Opcode::kAdc:
      case Opcode::kAdox:
      case Opcode::kSbb:
      case Opcode::kRcl:
      case Opcode::kRcr:
      case Opcode::kSetcc:
      case Opcode::kSelect:
      case Opcode::kGetFlags:
      case Opcode::kSetFlags:
      case Opcode::kMulWideU:  // Two results.
      case Opcode::kMulWideS:
      case Opcode::kDivU:
      case Opcode::kDivS:
        return false;
      default:
        return true;
    }
  }
  bool operands_constant(const Inst& inst) const {
    for (ValueId operand : {inst.a, inst.b, inst.c}) {
      if (operand != kNoValue && !is_constant(operand)) return false;
    }
    return true;
  }
  void compute(Inst& inst) {
    const auto value = [&](ValueId id) { return id == kNoValue ? 0 : constant(id); };
    const Type source = inst.a == kNoValue ? Type::kVoid : at(inst.a).type;
    const IntegerEvaluation result =
        evaluate_integer(inst, source, value(inst.a), value(inst.b), value(inst.c), 0);
    make_constant(inst, result.value);
  }

  /// The operand that `inst` always equals, or kNoValue.
  ValueId identity(const Inst& inst) const {
    switch (inst.op) {
      case Opcode::kAdd:
      case Opcode::kOr:
      case Opcode::kXor:
        if (is_constant(inst.a, 0)) return inst.b;
        [[fallthrough]];
      case Opcode::kSub:
      case Opcode::kShl:
      case Opcode::kShr:
      case Opcode::kSar:
      case Opcode::kRol:
      case Opcode::kRor:
        if (is_constant(inst.b, 0)) return inst.a;
        return inst.op == Opcode::kOr && inst.a == inst.b ? inst.a : kNoValue;
      case Opcode::kAnd:
        if (inst.a == inst.b) return inst.a;
        return is_constant(inst.b, util::low_mask(bits_of(inst.type))) ? inst.a : kNoValue;
      case Opcode::kMul:
        return is_constant(inst.b, 1) ? inst.a : kNoValue;
      case Opcode::kSelect:
        return inst.a == inst.b ? inst.a : kNoValue;
      case Opcode::kSelectNonzero:
        if (!is_constant(inst.c)) return inst.a == inst.b ? inst.a : kNoValue;
        return constant(inst.c) ? inst.a : inst.b;
      case Opcode::kTruncate:
        return widened_from(inst);
      default:
        return kNoValue;
    }
  }
  /// x, of trunc.T of zext or sext of a T x.
  ValueId widened_from(const Inst& inst) const {
    const Inst& wide = at(inst.a);
    if (wide.op != Opcode::kZeroExtend && wide.op != Opcode::kSignExtend) return kNoValue;
    return at(wide.a).type == inst.type ? wide.a : kNoValue;
  }

  void simplify_address(Inst& inst, size_t id) {
    if (operands_constant(inst)) return compute(inst);
    const unsigned bits = bits_of(inst.type);
    if (is_constant(inst.b) && displace(inst, constant(inst.b) << inst.aux, bits)) {
      inst.b = kNoValue;
      inst.aux = 0;
    }
    if (is_constant(inst.a) && displace(inst, constant(inst.a), bits)) inst.a = kNoValue;
    if (inst.a != kNoValue) {
      const Inst& base = at(inst.a);
      const bool sum = base.op == Opcode::kAddress && base.b == kNoValue && base.a != kNoValue;
      if (sum && displace(inst, base.imm, bits)) inst.a = base.a;
    }
    if (inst.b == kNoValue && (inst.imm & util::low_mask(bits)) == 0) {
      rewriter_.replace(id, inst.a);
    }
  }

  Block& block_;
  const std::span<Inst> insts_;
  Rewriter rewriter_;
};

}  // namespace

void fold_constants(Block& block, PassScratch& scratch) { Folder(block, scratch).run(); }

}  // namespace vireo::tcg
