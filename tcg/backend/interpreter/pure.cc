// Handlers of integer arithmetic: evaluate_opcode() instantiated for each opcode and width.

#include "tcg/backend/interpreter/machine.h"
#include "tcg/ir/evaluate_opcode.h"
#include "util/bits.h"

namespace vireo::tcg::interpreter {
namespace {

template <Opcode Op>
constexpr bool kHasSecond = Op == Opcode::kMulWideU || Op == Opcode::kMulWideS;

template <Opcode Op, class T>
const Operation* pure(Machine& machine, const Operation* o) {
  uint64_t* values = machine.values;
  const IntegerInput in{values[o->a], values[o->b], values[o->c], machine.flags, o->aux, o->imm};
  const Integer<T> result = evaluate_opcode<Op, T>(in);
  values[o->result] = result.value;
  if constexpr (kHasSecond<Op>) machine.second = result.second;
  if (o->flags) machine.flags = (machine.flags & ~uint32_t{o->flags}) | (result.flags & o->flags);
  return o + 1;
}

template <class T>
const Operation* divide(Machine& machine, const Operation* o) {
  const uint64_t* values = machine.values;
  Integer<T> result;
  const auto low = static_cast<T>(values[o->a]), high = static_cast<T>(values[o->b]);
  const auto by = static_cast<T>(values[o->c]);
  const bool fits = o->op == Opcode::kDivU ? evaluate_div_unsigned(low, high, by, &result)
                                           : evaluate_div_signed(low, high, by, &result);
  if (!fits) {
    machine.save_flags();
    machine.config->hooks.divide_error(machine.frame);
    return nullptr;
  }
  machine.values[o->result] = result.value;
  machine.second = result.second;
  return o + 1;
}

const Operation* second(Machine& machine, const Operation* o) {
  machine.values[o->result] = machine.second;
  return o + 1;
}

const Operation* sign_extend(Machine& machine, const Operation* o) {
  const auto value =
      static_cast<uint64_t>(util::sign_extend(machine.values[o->a], bits_of(o->source)));
  machine.values[o->result] = value & util::low_mask(bits_of(o->type));
  return o + 1;
}

const Operation* set_flags(Machine& machine, const Operation* o) {
  const auto value = static_cast<uint32_t>(machine.values[o->a]);
  machine.flags = (machine.flags & ~uint32_t{o->flags}) | (value & o->flags);
  return o + 1;
}

template <class T>
Handler handler_for(Opcode op) {
  switch (op) {
#define X(name)         \
  case Opcode::k##name: \
    return pure<Opcode::k##name, T>;
    VIREO_PURE_INTEGER_OPCODES(X)
#undef X
    case Opcode::kDivU:
    case Opcode::kDivS:
      return divide<T>;
    case Opcode::kSecond:
      return second;
    case Opcode::kSignExtend:
      return sign_extend;
    case Opcode::kSetFlags:
      return set_flags;
    default:
      return nullptr;
  }
}

}  // namespace

Handler pure_handler(const Inst& inst) {
  switch (inst.type) {
    case Type::kI8:
      return handler_for<uint8_t>(inst.op);
    case Type::kI16:
      return handler_for<uint16_t>(inst.op);
    case Type::kI32:
      return handler_for<uint32_t>(inst.op);
    case Type::kI64:
      return handler_for<uint64_t>(inst.op);
    default:
      return nullptr;
  }
}

}  // namespace vireo::tcg::interpreter
