#pragma once

// Integer operations: evaluate_opcode() instantiated for each opcode, width and form.

#include "tcg/backend/interpreter/machine.h"
#include "tcg/ir/evaluate_opcode.h"
#include "util/bits.h"

namespace vireo::tcg::interpreter {

template <Opcode Op>
constexpr bool kHasSecond = Op == Opcode::kMulWideU || Op == Opcode::kMulWideS;

/// Stores the result and returns all flags after.
template <Opcode Op, class T, unsigned kForm>
[[gnu::always_inline]] inline uint32_t compute(Machine& machine, uint64_t* values,
                                               const Operation* o) {
  const uint64_t b = kForm & kImmediate ? o->imm : values[o->b];
  const IntegerInput in{values[o->a], b, values[o->c], machine.flags, o->aux, o->imm};
  const Integer<T> result = evaluate_opcode<Op, T>(in);
  values[o->result] = result.value;
  if constexpr (kHasSecond<Op>) machine.second = result.second;
  if constexpr (!(kForm & kFlagless)) {
    machine.flags = (machine.flags & ~uint32_t{o->flags}) | (result.flags & o->flags);
  }
  return result.flags;
}

template <Opcode Op, class T, unsigned kForm>
[[gnu::always_inline]] inline const Operation* pure(Machine& machine, uint64_t* values,
                                                    const Operation* o) {
  compute<Op, T, kForm>(machine, values, o);
  return o + 1;
}

/// Whether the branch behind a comparison is taken.
template <Opcode Op, class T, unsigned kForm, Condition kCondition>
[[gnu::always_inline]] inline bool test(Machine& machine, uint64_t* values, const Operation* o) {
  return holds(kCondition, compute<Op, T, kForm>(machine, values, o));
}

/// An address without index.
template <class T>
[[gnu::always_inline]] inline const Operation* displace(uint64_t* values, const Operation* o) {
  values[o->result] = static_cast<T>(values[o->a] + o->imm);
  return o + 1;
}

template <Condition kCondition>
[[gnu::always_inline]] inline const Operation* set_condition(const Machine& machine,
                                                             uint64_t* values, const Operation* o) {
  values[o->result] = holds(kCondition, machine.flags);
  return o + 1;
}

}  // namespace vireo::tcg::interpreter
