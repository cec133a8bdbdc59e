// A guest for tests.

#include "tcg/backend/interpreter/test_machine.h"

#include "tcg/ir/evaluate.h"

namespace vireo::tcg {
namespace {

[[noreturn]] void fault(Frame* frame) {
  ++static_cast<TestGuest*>(frame->runtime)->hook_calls;
  leave(frame, static_cast<uint16_t>(ExitReason::kException));
}

// What code generators ask for where the host has no instruction, though the TLB has the page.
uint64_t update(Frame* frame, uint64_t va, const MemoryOperation& operation, uint64_t operand,
                uint64_t replacement) {
  auto& guest = *static_cast<TestGuest*>(frame->runtime);
  const unsigned size = size_of(operation.type);
  if (va - TestGuest::kMemory > kPageSize - size) fault(frame);
  uint8_t* const at = guest.memory + (va - TestGuest::kMemory);
  uint64_t before = 0;
  std::memcpy(&before, at, size);
  const uint32_t flags = pack_flags(frame->flag_overflow, frame->flags_low);
  IntegerEvaluation result;
  if (operation.op == Opcode::kRmw) {
    result =
        evaluate_rmw(operation.rmw, operation.type, before, operand, flags, operation.flags_out);
  } else {
    result.value = before == operand ? replacement : before;
    result.flags = evaluate_compare(operation.type, operand, before, flags, operation.flags_out);
  }
  std::memcpy(at, &result.value, size);
  unpack_flags(result.flags, frame->flag_overflow, frame->flags_low);
  return before;
}

}  // namespace

Hooks test_hooks() {
  return {
      .refill = [](Frame*, uint64_t, unsigned, Access, uint8_t) { return false; },
      .load = [](Frame* frame, uint64_t, const MemoryOperation&) -> const void* { fault(frame); },
      .store = [](Frame* frame, uint64_t, const MemoryOperation&, const void*) { fault(frame); },
      .update = &update,
      .divide_error = [](Frame* frame) { fault(frame); },
      .simd_exception = [](Frame* frame) { fault(frame); },
  };
}

}  // namespace vireo::tcg
