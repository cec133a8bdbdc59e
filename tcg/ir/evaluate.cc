// evaluate(): the meaning of every pure opcode on given operands.

#include "tcg/ir/evaluate.h"

#include <algorithm>

#include "tcg/ir/evaluate_float.h"
#include "tcg/ir/evaluate_opcode.h"
#include "tcg/ir/vector_info.h"
#include "util/bits.h"

namespace vireo::tcg {
namespace {

uint32_t merge_flags(uint32_t before, uint32_t after, FlagMask written) {
  return (before & ~uint32_t{written}) | (after & written);
}

template <class T>
IntegerEvaluation divide(const Inst& inst, const IntegerInput& in) {
  Integer<T> result;
  const auto low = static_cast<T>(in.a), high = static_cast<T>(in.b), by = static_cast<T>(in.c);
  const bool fits = inst.op == Opcode::kDivU ? evaluate_div_unsigned(low, high, by, &result)
                                             : evaluate_div_signed(low, high, by, &result);
  return {result.value, result.second, in.flags,
          fits ? EvaluationFault::kNone : EvaluationFault::kDivideError};
}

template <Opcode Op, class T>
IntegerEvaluation evaluate_as(const Inst& inst, const IntegerInput& in) {
  const Integer<T> result = evaluate_opcode<Op, T>(in);
  return {result.value, result.second, merge_flags(in.flags, result.flags, inst.flags)};
}

template <class T>
IntegerEvaluation evaluate_typed(const Inst& inst, const IntegerInput& in) {
  switch (inst.op) {
#define X(name)         \
  case Opcode::k##name: \
    return evaluate_as<Opcode::k##name, T>(inst, in);
    VIREO_PURE_INTEGER_OPCODES(X)
#undef X
    default:
      return divide<T>(inst, in);
  }
}

/// ZeroExtend and Truncate of vectors: the low bytes that both types have.
VectorValue resize(const VectorValue& value, Type from, Type to) {
  VectorValue result;
  const unsigned bytes = size_of(from) < size_of(to) ? size_of(from) : size_of(to);
  std::memcpy(result.bytes, value.bytes, bytes);
  return result;
}

void run_vector(VectorOpcode op, VectorOperation& o) {
  if (keeps_first_operand(op)) o.result = o.a;
  vector_evaluator(op)(o);
}

VectorValue from_byte(const VectorValue& value, unsigned first) {
  VectorValue part;
  std::memcpy(part.bytes, value.bytes + first, sizeof part.bytes - first);
  return part;
}

/// Where the upper lane's part of b begins.
unsigned upper_part(VectorOpcode op) {
  const VectorOpcodeInfo& row = info(op);
  if (row.forms & kWideShared) return 0;
  if (!(row.forms & kWidens)) return 16;
  const bool from_words = op == VectorOpcode::kPmovsxbq || op == VectorOpcode::kPmovzxbq;
  return from_words ? 2 : size_of(row.operand);
}

/// Immediate bits that one 128-bit lane uses where the upper one has its own; 0: both use all.
unsigned immediate_bits_of_lane(VectorOpcode op) {
  switch (op) {
    case VectorOpcode::kShufpd:
    case VectorOpcode::kBlendpd:
    case VectorOpcode::kVpermilpdImm:
      return 2;
    case VectorOpcode::kMpsadbw:
      return 3;
    case VectorOpcode::kBlendps:
    case VectorOpcode::kVpblendd:
      return 4;
    default:
      return 0;
  }
}

/// Bits of an integer result that come from one 128-bit lane.
unsigned result_bits_of_lane(VectorOpcode op) {
  return op == VectorOpcode::kMovmskpd ? 2 : op == VectorOpcode::kMovmskps ? 4 : 16;
}

/// Both 128-bit lanes; `o` has the operands and gets the result.
void run_lanes(VectorOpcode op, VectorOperation& o) {
  constexpr uint32_t kRaised = softfloat::kAllExceptions;
  const VectorOpcodeInfo& row = info(op);
  VectorOperation lower = o, upper = o;
  lower.mxcsr = upper.mxcsr = o.mxcsr & ~kRaised;
  upper.a = from_byte(o.a, 16);
  upper.b = from_byte(o.b, upper_part(op));
  upper.c = from_byte(o.c, 16);
  upper.imm = static_cast<uint8_t>(o.imm >> immediate_bits_of_lane(op));
  run_vector(op, lower);
  run_vector(op, upper);
  o.integer_result = lower.integer_result | upper.integer_result << result_bits_of_lane(op);
  o.flags = lower.flags & upper.flags;
  o.fault = lower.fault || upper.fault;
  uint32_t raised = (lower.mxcsr | upper.mxcsr) & kRaised;
  const uint32_t unmasked = raised & ~(o.mxcsr >> 7);
  if (unmasked & softfloat::kPreComputation) raised &= softfloat::kPreComputation;
  o.mxcsr |= raised;
  const unsigned half = row.forms & kNarrows ? 8 : 16;
  o.result = {};
  std::memcpy(o.result.bytes, lower.result.bytes, half);
  std::memcpy(o.result.bytes + half, upper.result.bytes, half);
}

EvaluationResult evaluate_vector(const Inst& inst, Type source, const Operand operands[3],
                                 uint32_t flags, uint32_t mxcsr) {
  const auto op = static_cast<VectorOpcode>(inst.aux);
  const VectorOpcodeInfo& row = info(op);
  const bool mmx = (gives_integer(row.shape) ? source : inst.type) == Type::kV64;
  const bool wide = inst.type == Type::kV256 || source == Type::kV256;
  VectorOperation o{.a = operands[0],
                    .b = operands[1],
                    .c = operands[2],
                    .integer = operands[1].lane<uint64_t>(0),
                    .imm = static_cast<uint8_t>(inst.imm),
                    .bytes = mmx ? 8u : 16u,
                    .mxcsr = mxcsr};
  o.wide = inst.type == Type::kI64 || (takes_integer(row.shape) && source == Type::kI64);
  // A product of one lane that faults keeps the other's from being summed.
  const bool is_whole = (row.forms & kCrossLane) || (wide && op == VectorOpcode::kDpps);
  if (is_whole) {
    o.bytes = 32;
    run_vector(op, o);
  } else if (wide && (row.forms & kWideForms)) {
    run_lanes(op, o);
  } else {
    run_vector(op, o);
  }
  EvaluationResult result{.flags = flags, .mxcsr = o.mxcsr};
  if (o.fault) {
    result.fault = EvaluationFault::kSimdException;
    return result;
  }
  result.flags = merge_flags(flags, o.flags, inst.flags);
  if (gives_integer(row.shape)) {
    result.value.set_lane<uint64_t>(0, o.integer_result & util::low_mask(bits_of(inst.type)));
  } else {
    result.value = resize(o.result, inst.type, inst.type);
  }
  return result;
}

/// The opcode that computes what each RmwKind stores; kConstant stands for the operand itself.
constexpr Opcode kRmwOpcodes[] = {
    Opcode::kConstant, Opcode::kAdd, Opcode::kAdc, Opcode::kSub, Opcode::kSbb,
    Opcode::kAnd,      Opcode::kOr,  Opcode::kXor, Opcode::kNeg, Opcode::kNot,
    Opcode::kShl,      Opcode::kShr, Opcode::kSar, Opcode::kRol, Opcode::kRor,
    Opcode::kRcl,      Opcode::kRcr, Opcode::kBts, Opcode::kBtr, Opcode::kBtc,
};

}  // namespace

// No opcode is taken for pure that nobody evaluates.
#define X(name) static_assert(is_pure(Opcode::k##name));
VIREO_PURE_INTEGER_OPCODES(X)
#undef X
#define X(name) +1
constexpr int kOthers = 5;  // SignExtend, DivU, DivS, SetFlags and vectors
static_assert(std::ranges::count(internal::kIsPure, true) ==
              0 VIREO_PURE_INTEGER_OPCODES(X) + kOthers);
#undef X

IntegerEvaluation evaluate_integer(const Inst& inst, Type source, uint64_t a, uint64_t b,
                                   uint64_t c, uint32_t flags) {
  if (inst.op == Opcode::kSetFlags) {
    return {0, 0, merge_flags(flags, static_cast<uint32_t>(a), inst.flags)};
  }
  if (inst.op == Opcode::kSignExtend) {
    const auto value = static_cast<uint64_t>(util::sign_extend(a, bits_of(source)));
    return {value & util::low_mask(bits_of(inst.type)), 0, flags};
  }
  const IntegerInput in{a, b, c, flags, inst.aux, inst.imm};
  switch (inst.type) {
    case Type::kI8:
      return evaluate_typed<uint8_t>(inst, in);
    case Type::kI16:
      return evaluate_typed<uint16_t>(inst, in);
    case Type::kI32:
      return evaluate_typed<uint32_t>(inst, in);
    default:
      return evaluate_typed<uint64_t>(inst, in);
  }
}

IntegerEvaluation evaluate_rmw(RmwKind kind, Type type, uint64_t before, uint64_t operand,
                               uint32_t flags, FlagMask written) {
  const Inst inst{.op = kRmwOpcodes[static_cast<unsigned>(kind)],
                  .type = type,
                  .flags = written,
                  .imm = operand};
  return evaluate_integer(inst, type, before, operand, 0, flags);
}

uint32_t evaluate_compare(Type type, uint64_t expected, uint64_t before, uint32_t flags,
                          FlagMask written) {
  const Inst inst{.op = Opcode::kSub, .type = type, .flags = written};
  return evaluate_integer(inst, type, expected, before, 0, flags).flags;
}

EvaluationResult evaluate(const Inst& inst, Type source, const Operand operands[3], uint32_t flags,
                          uint32_t mxcsr) {
  if (inst.op == Opcode::kVector) return evaluate_vector(inst, source, operands, flags, mxcsr);
  if (is_vector(inst.type)) {
    return {.value = resize(operands[0], source, inst.type), .flags = flags, .mxcsr = mxcsr};
  }
  const IntegerEvaluation integer =
      evaluate_integer(inst, source, operands[0].lane<uint64_t>(0), operands[1].lane<uint64_t>(0),
                       operands[2].lane<uint64_t>(0), flags);
  EvaluationResult result{
      .second = integer.second, .flags = integer.flags, .mxcsr = mxcsr, .fault = integer.fault};
  result.value.set_lane(0, integer.value);
  return result;
}

}  // namespace vireo::tcg
