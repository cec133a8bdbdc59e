// Operations that the host has no instruction for: the operands go to the Frame, and evaluate()
// does there what it does for the interpreter.

#include "tcg/backend/x86_64/codegen.h"
#include "tcg/backend/x86_64/slow_path.h"

namespace vireo::tcg::x86_64 {

// All 32 bytes, with zeros above the type. Uses kTlbReg.
void CodeGenerator::store_vector(int32_t offset, ValueId id) {
  const unsigned bytes = size_of(inst(id).type);
  for (unsigned part = bytes & ~7u; part < 32; part += 8) {
    e_.mov_to_imm(8, frame_at(offset + part), 0);
  }
  emit_vector_store_source(frame_at(offset), bytes, source(id), kTlbReg);
}

void CodeGenerator::emit_evaluate() {
  need_memory_flags();
  const ValueId operands[] = {inst().a, inst().b, inst().c};
  for (unsigned i = 0; i < 3; ++i) {
    const bool integer = operands[i] != kNoValue && is_integer(inst(operands[i]).type);
    if (integer) store_argument(spill_offset(kFreeSpillSlots + i), operands[i]);
  }
  empty_temporary(kTlbReg);
  empty_temporary(kAddressReg);
  for (unsigned i = 0; i < 3; ++i) {
    const bool vector = operands[i] != kNoValue && is_vector(inst(operands[i]).type);
    if (vector) store_vector(static_cast<int32_t>(spill_offset(kFreeSpillSlots + i)), operands[i]);
  }
  store_guest_ip(ip_);
  const int32_t result = new_spill_slot();
  const bool by_second = inst().op == Opcode::kVector;
  const ValueId typed = by_second ? inst().b : inst().a;
  const Type type = typed == kNoValue ? Type::kVoid : inst(typed).type;
  const auto slot = static_cast<unsigned>(result - static_cast<int32_t>(spill_offset(0))) / 32;
  e_.mov_imm(8, kTlbReg, pack_evaluation(inst(), type, slot));
  e_.call_to(thunks_.evaluate);
  flags_ = kFlagsInMemory;
  recipe_ = {};
  define_in_frame(static_cast<size_t>(result));
}

}  // namespace vireo::tcg::x86_64
