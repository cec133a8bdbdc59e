// Handlers of exits, branches and helper calls. Blocks are chained here: a direct exit goes to the
// linked block, an indirect one to what the jump cache has, without leaving run(). The call/return
// stack is not used: for an interpreter it saves nothing over the jump cache.

#include "tcg/backend/interpreter/machine.h"
#include "tcg/ir/evaluate_integer.h"
#include "util/bits.h"

namespace vireo::tcg::interpreter {
namespace {

/// Whether `to` may be entered from the current block: still valid, and its pages mapped as when it
/// was translated. A block of the page that runs now needs no look.
bool enterable(const Machine& machine, const TranslatedBlock* to) {
  if (!__atomic_load_n(&to->valid, __ATOMIC_RELAXED)) return false;
  if (to->code_page == machine.program->block.code_page) return true;
  return machine.frame->code_pages[code_page_slot(to->key.linear >> kPageBits)] == to->code_page;
}

const Operation* enter(Machine& machine, const TranslatedBlock* to) {
  machine.program = program_of(to);
  return machine.program->operations.data();
}

/// Whether a kick asks to leave; run() reports it once.
bool kicked(const Machine& machine) {
  return __atomic_load_n(&machine.frame->kick, __ATOMIC_RELAXED) != 0;
}

const Operation* go_direct(Machine& machine, const Operation* o) {
  machine.frame->guest_ip = o->imm;
  if (kicked(machine)) return machine.exit(ExitReason::kPoll);
  if (machine.config->link_blocks) {
    const TranslatedBlock* to =
        __atomic_load_n(&machine.program->links[o->extra], __ATOMIC_ACQUIRE);
    if (to && enterable(machine, to)) return enter(machine, to);
    machine.last = &machine.program->block;
    machine.slot = o->extra;
  }
  return machine.exit(ExitReason::kLookup);
}

const Operation* exit_indirect(Machine& machine, const Operation* o) {
  const uint64_t target = machine.values[o->a];
  machine.frame->guest_ip = target;
  if (kicked(machine)) return machine.exit(ExitReason::kPoll);
  if (machine.config->link_blocks && machine.frame->jump_cache) {
    const JumpTarget& entry = machine.frame->jump_cache[jump_cache_index(target)];
    const auto* to = static_cast<const TranslatedBlock*>(entry.code);
    if (to && entry.guest_ip == target && enterable(machine, to)) return enter(machine, to);
  }
  return machine.exit(ExitReason::kLookup);
}

const Operation* branch_flags(Machine& machine, const Operation* o) {
  if (!holds(static_cast<Condition>(o->aux), machine.flags)) return o + 1;
  return go_direct(machine, o);
}
const Operation* branch_nonzero(Machine& machine, const Operation* o) {
  return machine.values[o->a] == 0 ? o + 1 : go_direct(machine, o);
}

const Operation* exit_runtime(Machine& machine, const Operation* o) {
  if (!o->extra) machine.frame->guest_ip = o->imm;
  return machine.exit(static_cast<ExitReason>(o->aux));
}

const Operation* branch_runtime(Machine& machine, const Operation* o) {
  if (machine.values[o->a] == 0) return o + 1;
  machine.frame->guest_ip = o->imm;
  return machine.exit(static_cast<ExitReason>(o->aux));
}

const Operation* insn_start(Machine& machine, const Operation* o) {
  machine.frame->guest_ip = o->imm;
  return o + 1;
}
const Operation* nothing(Machine&, const Operation* o) { return o + 1; }

const Operation* call_helper(Machine& machine, const Operation* o) {
  const uint64_t* values = machine.values;
  machine.save_flags();
  const HelperFunction function = machine.config->helpers[o->aux].function;
  const uint64_t result = function(machine.frame, values[o->a], values[o->b], values[o->c]);
  machine.restore_flags();
  machine.values[o->result] = result & util::low_mask(bits_of(o->type));
  return o + 1;
}

}  // namespace

Handler control_handler(const Inst& inst) {
  switch (inst.op) {
    case Opcode::kInsnStart:
      return insn_start;
    case Opcode::kPushReturn:
      return nothing;
    case Opcode::kBranchFlags:
      return branch_flags;
    case Opcode::kBranchNonzero:
      return branch_nonzero;
    case Opcode::kBranchRuntime:
      return branch_runtime;
    case Opcode::kExitDirect:
      return go_direct;
    case Opcode::kExitIndirect:
    case Opcode::kExitReturn:
      return exit_indirect;
    case Opcode::kExitRuntime:
      return exit_runtime;
    case Opcode::kCallHelper:
      return call_helper;
    default:
      return nullptr;
  }
}

}  // namespace vireo::tcg::interpreter
