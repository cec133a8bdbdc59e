// A guest for tests.

#include "tcg/backend/interpreter/test_machine.h"

namespace vireo::tcg {
namespace {

[[noreturn]] void fault(Frame* frame) {
  ++static_cast<TestGuest*>(frame->runtime)->hook_calls;
  leave(frame, static_cast<uint16_t>(ExitReason::kException));
}

}  // namespace

Hooks test_hooks() {
  return {
      .refill = [](Frame*, uint64_t, unsigned, Access, uint8_t) { return false; },
      .load = [](Frame* frame, uint64_t, const MemoryOperation&) -> const void* { fault(frame); },
      .store = [](Frame* frame, uint64_t, const MemoryOperation&, const void*) { fault(frame); },
      .update = [](Frame* frame, uint64_t, const MemoryOperation&, uint64_t, uint64_t) -> uint64_t {
        fault(frame);
      },
      .divide_error = [](Frame* frame) { fault(frame); },
      .simd_exception = [](Frame* frame) { fault(frame); },
  };
}

}  // namespace vireo::tcg
