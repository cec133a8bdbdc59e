// Handlers of the integer arithmetic that the loop has no code for.

#include "tcg/backend/interpreter/integer.h"

namespace vireo::tcg::interpreter {
namespace {

template <class T>
const Operation* divide(Machine& machine, uint64_t* values, const Operation* o) {
  Integer<T> result;
  const auto low = static_cast<T>(values[o->a]), high = static_cast<T>(values[o->b]);
  const auto by = static_cast<T>(values[o->c]);
  const bool fits = o->op == Opcode::kDivU ? evaluate_div_unsigned(low, high, by, &result)
                                           : evaluate_div_signed(low, high, by, &result);
  if (!fits) {
    machine.save(o);
    machine.config->hooks.divide_error(machine.frame);
    return nullptr;
  }
  values[o->result] = result.value;
  machine.second = result.second;
  return o + 1;
}

const Operation* second(Machine& machine, uint64_t* values, const Operation* o) {
  values[o->result] = machine.second;
  return o + 1;
}

const Operation* sign_extend(Machine&, uint64_t* values, const Operation* o) {
  const auto value = static_cast<uint64_t>(util::sign_extend(values[o->a], bits_of(o->source)));
  values[o->result] = value & util::low_mask(bits_of(o->type));
  return o + 1;
}

const Operation* set_flags(Machine& machine, uint64_t* values, const Operation* o) {
  const auto value = static_cast<uint32_t>(values[o->a]);
  machine.flags = (machine.flags & ~uint32_t{o->flags}) | (value & o->flags);
  return o + 1;
}

template <class T>
Handler handler_for(Opcode op) {
  switch (op) {
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
