// Recording exceptions, and leaving what found them.

#include "target/i386/helper/raise.h"

#include <csetjmp>

#include "tcg/ir/block.h"
#include "tcg/runtime/hooks.h"

namespace vireo::i386 {

struct RaiseTarget {
  jmp_buf place;
};

void record_exception(CpuState& state, uint8_t vector) {
  state.pending = PendingException{};
  state.pending.vector = vector;
}

void record_exception(CpuState& state, uint8_t vector, uint32_t error) {
  record_exception(state, vector);
  state.pending.has_error_code = true;
  state.pending.error_code = error;
}

namespace {

[[noreturn]] void leave_for_exception(CpuState& state) {
  if (state.raise_target) longjmp(state.raise_target->place, 1);
  tcg::leave(&state.frame, static_cast<uint16_t>(tcg::ExitReason::kException));
}

}  // namespace

void raise_exception(CpuState& state, uint8_t vector) {
  record_exception(state, vector);
  leave_for_exception(state);
}

void raise_exception(CpuState& state, uint8_t vector, uint32_t error) {
  record_exception(state, vector, error);
  leave_for_exception(state);
}

void raise_gp(CpuState& state, uint32_t error) { raise_exception(state, kGp, error); }

void raise_walk_fault(CpuState& state, uint64_t linear, const Walk& walk) {
  if (walk.vector == kPf) state.cr2 = linear;
  raise_exception(state, walk.vector, walk.error);
}

bool run_guarded(CpuState& state, void (*body)(void*), void* context) {
  RaiseTarget target;
  RaiseTarget* const outer = state.raise_target;
  state.raise_target = &target;
  const bool completed = setjmp(target.place) == 0;
  if (completed) body(context);
  state.raise_target = outer;
  return completed;
}

}  // namespace vireo::i386
