// The C++ side of the thunks.

#include "tcg/backend/x86_64/slow_path.h"

#include "tcg/backend/x86_64/jit_backend.h"

namespace vireo::tcg::x86_64 {
namespace {

X87State* x87_of(Frame* frame, size_t offset) {
  return reinterpret_cast<X87State*>(reinterpret_cast<char*>(frame) + offset);
}

}  // namespace

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

void store_x87(Frame* frame, size_t x87_offset) {
  from_x87_image(frame->x87_image, *x87_of(frame, x87_offset));
}
void load_x87(Frame* frame, size_t x87_offset) {
  to_x87_image(*x87_of(frame, x87_offset), frame->x87_image);
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
