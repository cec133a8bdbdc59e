// Handlers of helper calls, x87 instructions and of exits that leave run().

#include "tcg/backend/interpreter/machine.h"
#include "util/bits.h"

namespace vireo::tcg::interpreter {
namespace {

const Operation* exit_runtime(Machine& machine, uint64_t* values, const Operation* o) {
  if (!o->extra) machine.show_ip(o->imm);
  return machine.exit(static_cast<ExitReason>(o->aux));
}

const Operation* branch_runtime(Machine& machine, uint64_t* values, const Operation* o) {
  if (values[o->a] == 0) return o + 1;
  machine.show_ip(o->imm);
  return machine.exit(static_cast<ExitReason>(o->aux));
}

const Operation* call_helper(Machine& machine, uint64_t* values, const Operation* o) {
  machine.save(o);
  const HelperFunction function = machine.config->helpers[o->aux].function;
  const uint64_t result = function(machine.frame, values[o->a], values[o->b], values[o->c]);
  machine.restore_flags();
  values[o->result] = result & util::low_mask(bits_of(o->type));
  return o + 1;
}

const Operation* x87(Machine& machine, uint64_t* values, const Operation* o) {
  machine.save(o);
  const uint64_t result = machine.config->x87(machine.frame, o->aux, values[o->a], 0);
  machine.restore_flags();
  values[o->result] = result & util::low_mask(bits_of(o->type));
  return o + 1;
}

}  // namespace

Handler control_handler(const Inst& inst) {
  switch (inst.op) {
    case Opcode::kBranchRuntime:
      return branch_runtime;
    case Opcode::kExitRuntime:
      return exit_runtime;
    case Opcode::kCallHelper:
      return call_helper;
    case Opcode::kX87:
      return x87;
    default:
      return nullptr;
  }
}

}  // namespace vireo::tcg::interpreter
