// Handlers of guest registers, the vCPU state and vector operations, and the choice of a handler.

#include "tcg/backend/interpreter/machine.h"
#include "tcg/ir/vector_info.h"
#include "util/shared_access.h"

namespace vireo::tcg::interpreter {
namespace {

uint8_t* state_at(uint64_t* values, const Operation* o) {
  return reinterpret_cast<uint8_t*>(values) + o->imm;
}

/// Of 8 or 16 bits: the others stay.
template <class T>
const Operation* set_part(Machine&, uint64_t* values, const Operation* o) {
  const uint64_t kept = values[o->result] & ~uint64_t{static_cast<T>(-1)};
  values[o->result] = kept | static_cast<T>(values[o->a]);
  return o + 1;
}
const Operation* get_high8(Machine&, uint64_t* values, const Operation* o) {
  values[o->result] = values[o->a] >> 8 & 0xff;
  return o + 1;
}
const Operation* set_high8(Machine&, uint64_t* values, const Operation* o) {
  uint64_t& reg = values[o->result];
  reg = (reg & ~uint64_t{0xff00}) | (values[o->a] & 0xff) << 8;
  return o + 1;
}
// Other threads set requests in the state.
template <class T>
const Operation* load_state(Machine&, uint64_t* values, const Operation* o) {
  values[o->result] = util::load_shared<T>(state_at(values, o));
  return o + 1;
}
template <class T>
const Operation* store_state(Machine&, uint64_t* values, const Operation* o) {
  const T value = static_cast<T>(values[o->a]);
  std::memcpy(state_at(values, o), &value, sizeof(T));
  return o + 1;
}

// Vectors: by the bytes of the type.
const Operation* read_vector(uint64_t* values, const Operation* o, const uint8_t* from) {
  VectorValue value;
  std::memcpy(value.bytes, from, size_of(o->type));
  set_vector(values, o->result, value);
  return o + 1;
}
const Operation* write_vector(uint64_t* values, const Operation* o, uint8_t* to) {
  std::memcpy(to, values + o->a, size_of(o->type));
  return o + 1;
}
const Operation* get_vector_reg(Machine& machine, uint64_t* values, const Operation* o) {
  return read_vector(values, o, machine.frame->vector[o->aux]);
}
const Operation* set_vector_reg(Machine& machine, uint64_t* values, const Operation* o) {
  return write_vector(values, o, machine.frame->vector[o->aux]);
}
const Operation* get_mxcsr(Machine& machine, uint64_t* values, const Operation* o) {
  values[o->result] = machine.frame->mxcsr;
  return o + 1;
}
const Operation* zero_upper(Machine& machine, uint64_t*, const Operation* o) {
  for (unsigned i = 0; i < o->aux; ++i) std::memset(machine.frame->vector[i] + 16, 0, 16);
  return o + 1;
}
const Operation* load_vector_state(Machine&, uint64_t* values, const Operation* o) {
  return read_vector(values, o, state_at(values, o));
}
const Operation* store_vector_state(Machine&, uint64_t* values, const Operation* o) {
  return write_vector(values, o, state_at(values, o));
}
const Operation* resize_vector(Machine&, uint64_t* values, const Operation* o) {
  VectorValue value = vector_at(values, o->a);
  const unsigned kept = size_of(o->type);
  std::memset(value.bytes + kept, 0, sizeof value.bytes - kept);
  set_vector(values, o->result, value);
  return o + 1;
}

/// An operation of vector_opcodes.inc.
const Operation* vector(Machine& machine, uint64_t* values, const Operation* o) {
  const Inst inst{
      .op = Opcode::kVector, .type = o->type, .flags = o->flags, .aux = o->aux, .imm = o->imm};
  const Operand operands[3] = {vector_at(values, o->a), vector_at(values, o->b),
                               vector_at(values, o->c)};
  const EvaluationResult result =
      evaluate(inst, o->source, operands, machine.flags, machine.frame->mxcsr);
  machine.frame->mxcsr = result.mxcsr;
  if (result.fault != EvaluationFault::kNone) {
    machine.save(o);
    machine.config->hooks.simd_exception(machine.frame);
    return nullptr;
  }
  machine.flags = result.flags;
  if (is_integer(o->type)) {
    values[o->result] = result.integer();
  } else {
    set_vector(values, o->result, result.value);
  }
  return o + 1;
}

template <class T>
Handler integer_handler(Opcode op) {
  switch (op) {
    case Opcode::kSetReg:
      return set_part<T>;
    case Opcode::kLoadState:
      return load_state<T>;
    case Opcode::kStoreState:
      return store_state<T>;
    default:
      return nullptr;
  }
}

Handler vector_handler(Opcode op) {
  switch (op) {
    case Opcode::kGetReg:
      return get_vector_reg;
    case Opcode::kSetReg:
      return set_vector_reg;
    case Opcode::kLoadState:
      return load_vector_state;
    case Opcode::kStoreState:
      return store_vector_state;
    case Opcode::kZeroExtend:
    case Opcode::kTruncate:
      return resize_vector;
    default:
      return nullptr;
  }
}

Handler state_handler(const Inst& inst) {
  if (inst.op == Opcode::kGetRegHigh8) return get_high8;
  if (inst.op == Opcode::kSetRegHigh8) return set_high8;
  switch (inst.type) {
    case Type::kI8:
      return integer_handler<uint8_t>(inst.op);
    case Type::kI16:
      return integer_handler<uint16_t>(inst.op);
    case Type::kI32:
      return integer_handler<uint32_t>(inst.op);
    case Type::kI64:
      return integer_handler<uint64_t>(inst.op);
    default:
      return vector_handler(inst.op);
  }
}

}  // namespace

Handler handler_of(const Inst& inst) {
  if (inst.op == Opcode::kVector) return vector;
  if (inst.op == Opcode::kZeroUpper) return zero_upper;
  if (inst.op == Opcode::kGetMxcsr) return get_mxcsr;
  if (Handler handler = control_handler(inst)) return handler;
  if (Handler handler = memory_handler(inst)) return handler;
  if (Handler handler = pure_handler(inst)) return handler;
  return state_handler(inst);
}

}  // namespace vireo::tcg::interpreter
