// The C++ side of the thunks.

#include "tcg/backend/x86_64/slow_path.h"

#include "tcg/backend/x86_64/jit_backend.h"
#include "tcg/backend/x86_64/layout.h"
#include "tcg/backend/x86_64/segment_base.h"
#include "tcg/ir/evaluate.h"

namespace vireo::tcg::x86_64 {
namespace {

X87State* x87_of(Frame* frame, size_t offset) {
  return reinterpret_cast<X87State*>(reinterpret_cast<char*>(frame) + offset);
}

constexpr unsigned kTypeShift = 8, kSourceShift = 12, kFlagsShift = 16, kAuxShift = 32,
                   kImmShift = 48, kSlotShift = 56;
static_assert(static_cast<unsigned>(Opcode::kCount) <= 256);

}  // namespace

uint64_t pack_evaluation(const Inst& inst, Type source, unsigned result_slot) {
  return static_cast<uint64_t>(inst.op) | static_cast<uint64_t>(inst.type) << kTypeShift |
         static_cast<uint64_t>(source) << kSourceShift | uint64_t{inst.flags} << kFlagsShift |
         uint64_t{inst.aux} << kAuxShift | (inst.imm & 0xff) << kImmShift |
         uint64_t{result_slot} << kSlotShift;
}

void slow_evaluate(Frame* frame, uint64_t packed, JitBackend* backend) {
  const Inst inst{.op = static_cast<Opcode>(packed & 0xff),
                  .type = static_cast<Type>(packed >> kTypeShift & 15),
                  .flags = static_cast<FlagMask>(packed >> kFlagsShift),
                  .aux = static_cast<uint16_t>(packed >> kAuxShift),
                  .imm = packed >> kImmShift & 0xff};
  const auto slot = [frame](unsigned i) { return frame->spill + i * sizeof(Operand); };
  Operand operands[3];
  std::memcpy(operands, slot(kFreeSpillSlots), sizeof operands);
  const EvaluationResult result =
      evaluate(inst, static_cast<Type>(packed >> kSourceShift & 15), operands,
               pack_flags(frame->flag_overflow, frame->flags_low), frame->mxcsr);
  frame->mxcsr = result.mxcsr;
  if (result.fault != EvaluationFault::kNone) backend->config().hooks.simd_exception(frame);
  unpack_flags(result.flags, frame->flag_overflow, frame->flags_low);
  std::memcpy(slot(static_cast<unsigned>(packed >> kSlotShift)), result.value.bytes,
              sizeof result.value.bytes);
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
  select_user_tlb(*frame);
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
