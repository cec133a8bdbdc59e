// Leaving translated code from a hook or a helper, for any backend.

#include "tcg/runtime/leave.h"

#include "tcg/runtime/frame.h"
#include "tcg/runtime/hooks.h"

namespace vireo::tcg {

void leave(Frame* frame, uint16_t exit_reason) {
  frame->exit_reason = exit_reason;
  auto* target = static_cast<LeaveTarget*>(frame->host_stack);
  target->resume(target, frame);
  __builtin_unreachable();
}

}  // namespace vireo::tcg
