// The rules of the IR.

#include "tcg/ir/verifier.h"

#include <fmt/format.h>

#include "tcg/ir/printer.h"
#include "tcg/ir/vector_info.h"

namespace vireo::tcg {
namespace {

constexpr unsigned kRegisters = 16;

class Verifier {
 public:
  explicit Verifier(const Block& block) : block_(block) {}

  util::Status run() {
    if (block_.insts.empty()) return fault("the block is empty");
    if (block_.insts.size() >= kNoValue) return fault("the block is too long");
    for (index_ = 0; index_ < block_.insts.size(); ++index_) {
      const char* problem = check(block_.insts[index_]);
      if (problem) return fault(problem);
    }
    return {};
  }

 private:
  util::Error fault(const char* problem) const {
    const bool printable = index_ < block_.insts.size() && is_known(block_.insts[index_]);
    const std::string text = printable ? to_string(block_, static_cast<ValueId>(index_)) : "";
    return {util::ErrorCode::kInvalidArgument,
            fmt::format("IR at {}: {}: {}", index_, problem, text)};
  }

  static bool is_known(const Inst& inst) {
    if (inst.op == Opcode::kVector) return inst.aux < static_cast<uint16_t>(VectorOpcode::kCount);
    return inst.op < Opcode::kVector;
  }

  const Inst& at(ValueId id) const { return block_.insts[id]; }
  Type type_of(ValueId id) const { return id == kNoValue ? Type::kVoid : at(id).type; }

  /// What is wrong with `inst`, or nullptr.
  const char* check(const Inst& inst) {
    if (!is_known(inst)) return "no such operation";
    if (const char* problem = check_operands_defined(inst)) return problem;
    if (const char* problem = check_order(inst)) return problem;
    if (inst.op == Opcode::kVector) return check_vector(inst);
    if (const char* problem = check_flags(inst, effects(inst))) return problem;
    return check_types(inst);
  }

  const char* check_operands_defined(const Inst& inst) const {
    for (ValueId id : {inst.a, inst.b, inst.c}) {
      if (id == kNoValue) continue;
      if (id >= index_) return "an operand is not defined before";
      const bool gives = info(at(id).op).result != OpcodeInfo::ResultKind::kNone;
      if (!gives || type_of(id) == Type::kVoid) return "an operand has no value";
    }
    return nullptr;
  }

  static const char* check_flags(const Inst& inst, uint16_t effects) {
    if (inst.flags & ~kAllFlags) return "no such flag";
    if (inst.flags && !(effects & kWritesFlags)) return "it writes no flags";
    return nullptr;
  }

  const char* check_order(const Inst& inst) {
    const bool last = index_ + 1 == block_.insts.size();
    if (index_ == 0 && inst.op != Opcode::kInsnStart) return "insn_start must come first";
    if (last != ((effects(inst) & kEndsBlock) != 0)) return "one ending operation must come last";
    if (inst.op == Opcode::kInsnStart) written_ = false;
    if ((effects(inst) & kMayFault) && !(effects(inst) & kSyncs) && written_) {
      return "may fault after a register was written";
    }
    if (inst.op == Opcode::kSetReg || inst.op == Opcode::kSetRegHigh8) written_ = true;
    if (inst.op == Opcode::kSecond) {
      const bool follows = inst.a + 1u == index_;
      const Opcode op = follows ? at(inst.a).op : Opcode::kConstant;
      if (op != Opcode::kMulWideU && op != Opcode::kMulWideS && op != Opcode::kDivU &&
          op != Opcode::kDivS) {
        return "second must directly follow what gives it";
      }
    }
    return nullptr;
  }

  bool integers(std::initializer_list<ValueId> ids, Type type) const {
    for (ValueId id : ids) {
      if (type_of(id) != type) return false;
    }
    return is_integer(type);
  }

  const char* check_types(const Inst& inst) const {
    switch (inst.op) {
      case Opcode::kConstant:
        return is_integer(inst.type) ? nullptr : "a constant is an integer";
      case Opcode::kGetReg:
      case Opcode::kGetRegHigh8:
      case Opcode::kSetReg:
      case Opcode::kSetRegHigh8:
      case Opcode::kLoadState:
      case Opcode::kStoreState:
        return check_state(inst);
      case Opcode::kLoad:
      case Opcode::kStore:
      case Opcode::kRmw:
      case Opcode::kCompareExchange:
      case Opcode::kProbe:
        return check_memory(inst);
      case Opcode::kPrefetch:
      case Opcode::kX87Load:
      case Opcode::kX87Store:
        return type_of(inst.a) == Type::kI64 ? nullptr : "the address must be an i64";
      case Opcode::kX87:
        return inst.a == kNoValue || type_of(inst.a) == Type::kI16 ? nullptr : "wrong type";
      case Opcode::kBranchFlags:
      case Opcode::kBranchNonzero:
      case Opcode::kBranchRuntime:
      case Opcode::kExitDirect:
      case Opcode::kExitIndirect:
      case Opcode::kExitReturn:
        return check_control(inst);
      case Opcode::kZeroExtend:
      case Opcode::kSignExtend:
      case Opcode::kTruncate:
        return check_conversion(inst);
      default:
        return check_computation(inst);
    }
  }

  const char* check_state(const Inst& inst) const {
    const bool sets = info(inst.op).operands == 1;
    const bool state = inst.op == Opcode::kLoadState || inst.op == Opcode::kStoreState;
    const bool high = inst.op == Opcode::kGetRegHigh8 || inst.op == Opcode::kSetRegHigh8;
    if (inst.type == Type::kVoid || (sets && type_of(inst.a) != inst.type)) return "wrong type";
    if (high && inst.type != Type::kI8) return "wrong type";
    if (!state && inst.aux >= (high ? 4 : kRegisters)) return "no such register";
    return nullptr;
  }

  const char* check_memory(const Inst& inst) const {
    if (type_of(inst.a) != Type::kI64) return "the address must be an i64";
    if (inst.type == Type::kVoid) return "wrong type";
    if (inst.op == Opcode::kStore && type_of(inst.b) != inst.type) return "wrong type";
    if (inst.op == Opcode::kCompareExchange && !integers({inst.b, inst.c}, inst.type)) {
      return "wrong type";
    }
    if (inst.op != Opcode::kRmw) return nullptr;
    const auto kind = static_cast<RmwKind>(inst.aux);
    if (kind > RmwKind::kBtc) return "no such operation";
    const bool unary = kind == RmwKind::kNeg || kind == RmwKind::kNot;
    const bool shifts = kind >= RmwKind::kShl && kind <= RmwKind::kRcr;
    if (!is_integer(inst.type)) return "wrong type";
    if (unary) return nullptr;
    return type_of(inst.b) == (shifts ? Type::kI8 : inst.type) ? nullptr : "wrong type";
  }

  const char* check_control(const Inst& inst) const {
    if (inst.op == Opcode::kExitIndirect || inst.op == Opcode::kExitReturn) {
      return type_of(inst.a) == Type::kI64 ? nullptr : "the target must be an i64";
    }
    const bool tests = inst.op == Opcode::kBranchNonzero || inst.op == Opcode::kBranchRuntime;
    if (tests && !is_integer(type_of(inst.a))) return "wrong type";
    if (inst.op == Opcode::kBranchFlags && inst.aux > 15) return "no such condition";
    return inst.extra <= 1 ? nullptr : "no such link slot";
  }

  const char* check_conversion(const Inst& inst) const {
    const Type from = type_of(inst.a), to = inst.type;
    if (from == Type::kVoid || to == Type::kVoid || is_vector(from) != is_vector(to)) {
      return "wrong type";
    }
    if (inst.op == Opcode::kSignExtend && is_vector(to)) return "wrong type";
    return (inst.op == Opcode::kTruncate ? to < from : from < to) ? nullptr : "wrong type";
  }

  /// Opcodes whose operands have the result's type, with what differs by opcode.
  const char* check_computation(const Inst& inst) const {
    switch (inst.op) {
      case Opcode::kZeroUpper:
        return inst.aux <= kRegisters ? nullptr : "no such register";
      case Opcode::kInsnStart:
      case Opcode::kPushReturn:
      case Opcode::kFence:
      case Opcode::kExitRuntime:
        return nullptr;
      case Opcode::kCallHelper:
        for (ValueId id : {inst.a, inst.b, inst.c}) {
          if (is_vector(type_of(id))) return "a helper takes integers";
        }
        return is_vector(inst.type) ? "a helper gives an integer" : nullptr;
      case Opcode::kAddress:
        if (inst.aux > 3) return "no such scale";
        for (ValueId id : {inst.a, inst.b}) {
          if (id != kNoValue && type_of(id) != inst.type) return "wrong type";
        }
        return is_integer(inst.type) ? nullptr : "wrong type";
      case Opcode::kSetcc:
        return inst.aux <= 15 && inst.type == Type::kI8 ? nullptr : "wrong type or condition";
      case Opcode::kGetFlags:
      case Opcode::kGetMxcsr:
        return inst.type == Type::kI32 ? nullptr : "wrong type";
      case Opcode::kSelectNonzero:
        if (!is_integer(type_of(inst.c))) return "wrong type";
        return integers({inst.a, inst.b}, inst.type) ? nullptr : "wrong type";
      default:
        return check_uniform(inst);
    }
  }

  const char* check_uniform(const Inst& inst) const {
    const unsigned count = info(inst.op).operands;
    const bool shift = inst.op >= Opcode::kShl && inst.op <= Opcode::kRcr;
    const bool double_shift = inst.op == Opcode::kShld || inst.op == Opcode::kShrd;
    if (double_shift && inst.type == Type::kI8) return "wrong type";
    if (inst.op == Opcode::kSelect && inst.aux > 15) return "no such condition";
    const ValueId ids[] = {inst.a, inst.b, inst.c};
    for (unsigned i = 0; i < count; ++i) {
      const bool is_count = (shift && i == 1) || (double_shift && i == 2);
      if (!integers({ids[i]}, is_count ? Type::kI8 : inst.type)) return "wrong type";
    }
    return nullptr;
  }

  const char* check_vector(const Inst& inst) const {
    const VectorOpcodeInfo& row = info(static_cast<VectorOpcode>(inst.aux));
    if (const char* problem = check_flags(inst, row.effects)) return problem;
    const bool needs_b = row.shape != VectorShape::kShiftImm;
    if (needs_b != (inst.b != kNoValue)) return "operand b is missing or too many";
    if (has_first_operand(row.shape) != (inst.a != kNoValue)) {
      return "operand a is missing or too many";
    }
    if (has_third_operand(row.shape) != (inst.c != kNoValue)) {
      return "operand c is missing or too many";
    }
    if (inst.imm > 0xff) return "the immediate has 8 bits";
    if (!vector_result_fits(inst, row)) return "wrong result type";
    if (compares_text(row.shape)) return check_text(inst);
    if (inst.a != kNoValue && !vector_first_fits(inst, row)) return "wrong type of a";
    if (has_third_operand(row.shape)) return check_fused(inst, row);
    return needs_b && !vector_second_fits(inst, row) ? "wrong type of b" : nullptr;
  }

  const char* check_fused(const Inst& inst, const VectorOpcodeInfo& row) const {
    if (type_of(inst.b) != inst.type) return "wrong type of b";
    const Type type = type_of(inst.c);
    const bool fits = inst.type == Type::kV256 ? type == inst.type : type >= row.operand;
    return is_vector(type) && fits ? nullptr : "wrong type of c";
  }

  const char* check_text(const Inst& inst) const {
    const bool vectors = type_of(inst.a) == Type::kV128 && type_of(inst.b) == Type::kV128;
    return vectors && type_of(inst.c) == Type::kI64 ? nullptr : "wrong type of an operand";
  }

  static bool vector_result_fits(const Inst& inst, const VectorOpcodeInfo& row) {
    if (row.shape == VectorShape::kCompareFlags) return inst.type == Type::kVoid;
    if (gives_integer(row.shape)) return inst.type == Type::kI32 || inst.type == Type::kI64;
    if (row.operand == Type::kV64 && row.prefix == 0 && (row.forms & kMmxOwn)) {
      return inst.type == Type::kV64;
    }
    const bool narrows = (row.forms & kNarrows) != 0;
    if (inst.type == Type::kV256) return !narrows && (row.forms & kWideForms) != 0;
    if (inst.type == Type::kV128) return narrows || !(row.forms & kCrossLane);
    return inst.type == Type::kV64 && (row.forms & (kMmxForms | kMmxOperand)) != 0;
  }
  bool vector_first_fits(const Inst& inst, const VectorOpcodeInfo& row) const {
    const Type type = type_of(inst.a);
    if (row.shape == VectorShape::kCompareFlags) return is_vector(type) && type >= row.operand;
    return type == inst.type;
  }
  bool vector_second_fits(const Inst& inst, const VectorOpcodeInfo& row) const {
    const Type type = type_of(inst.b);
    if (takes_integer(row.shape)) return type == Type::kI32 || type == Type::kI64;
    const bool mmx = inst.type == Type::kV64 && (row.forms & kMmxForms);
    if (mmx) return type == Type::kV64;
    if (inst.type == Type::kV256 && (row.forms & kWide) && !(row.forms & kWideShared)) {
      return type == Type::kV256;
    }
    const bool mmx_source = gives_integer(row.shape) && (row.forms & kMmxForms);
    return is_vector(type) && (type >= row.operand || (mmx_source && type == Type::kV64));
  }

  const Block& block_;
  size_t index_ = 0;
  bool written_ = false;  ///< The current guest instruction wrote a register.
};

}  // namespace

util::Status verify(const Block& block) { return Verifier(block).run(); }

}  // namespace vireo::tcg
