// The C++ side of the thunks.

#include "tcg/backend/x86_64/slow_path.h"

#include "tcg/backend/x86_64/jit_backend.h"

namespace vireo::tcg::x86_64 {
namespace {

// Where unpack() finds them; refills decode by themselves, to call nothing that may use vector
// registers.
constexpr unsigned kTypeMask = 15, kOpShift = 4, kOpMask = 15, kFlagsShift = 8, kFlagsMask = 15;

// Bytes of a Type are 1 << the nibble with its number.
constexpr uint64_t kSizeLogarithms = 0x5'4323'2100;

}  // namespace

[[gnu::target("general-regs-only")]] RefillResult slow_refill(Frame* frame, uint64_t va,
                                                              uint32_t descriptor,
                                                              const TlbEntry* entry,
                                                              JitBackend* backend) {
  const auto flags = static_cast<uint8_t>(descriptor >> kFlagsShift & kFlagsMask);
  const bool user = (flags & kMemoryUser) != 0;
  const TlbEntry* tlb = frame->tlb[user ? kContextUser : kContextKernel];
  if (tlb_index(va) != static_cast<uint64_t>(entry - tlb)) return RefillResult::kChanged;
  const unsigned bytes = 1u << (kSizeLogarithms >> 4 * (descriptor & kTypeMask) & 15);
  const bool reads = (descriptor >> kOpShift & kOpMask) == 0;
  return backend->config().hooks.refill(frame, va, bytes, reads ? Access::kRead : Access::kWrite,
                                        flags)
             ? RefillResult::kFilled
             : RefillResult::kFailed;
}

const void* slow_access(Frame* frame, uint64_t va, uint32_t descriptor, JitBackend* backend) {
  const MemoryOperation operation = unpack(descriptor);
  const Hooks& hooks = backend->config().hooks;
  backend->set_guest_ip(frame);
  switch (operation.op) {
    case Opcode::kLoad:
      return hooks.load(frame, va, operation);
    case Opcode::kRmw:
    case Opcode::kCompareExchange:
      frame->helper_result = hooks.update(frame, va, operation, frame->helper_arguments[0],
                                          frame->helper_arguments[1]);
      return nullptr;
    default:
      hooks.store(frame, va, operation, frame->helper_arguments);
      return nullptr;
  }
}

void slow_call_helper(Frame* frame, uint32_t index, JitBackend* backend) {
  const uint64_t* arguments = frame->helper_arguments;
  frame->helper_result =
      backend->config().helpers[index].function(frame, arguments[0], arguments[1], arguments[2]);
}

void slow_restart(Frame* frame, JitBackend* backend) {
  backend->set_guest_ip(frame);
  frame->host_return = nullptr;
  frame->exit_reason = static_cast<uint16_t>(ExitReason::kLookup);
}

// The hooks leave; if one should return, the instruction begins again.
void slow_divide_error(Frame* frame, JitBackend* backend) {
  frame->exit_reason = static_cast<uint16_t>(ExitReason::kLookup);
  backend->config().hooks.divide_error(frame);
}

void slow_simd_exception(Frame* frame, JitBackend* backend) {
  frame->exit_reason = static_cast<uint16_t>(ExitReason::kLookup);
  backend->config().hooks.simd_exception(frame);
}

}  // namespace vireo::tcg::x86_64
