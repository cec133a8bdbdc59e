// String comparisons. They have lengths in RAX and RDX and give results in RCX or XMM0, which are
// the guest's own: usually the result is for just that one.

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr auto kXmm0 = Reg{0};

bool takes_lengths(const VectorOpcodeInfo& row) {
  return row.opcode == info(VectorOpcode::kPcmpestri).opcode ||
         row.opcode == info(VectorOpcode::kPcmpestrm).opcode;
}

}  // namespace

Reg CodeGenerator::text_result(const VectorOpcodeInfo& row) {
  return gives_integer(row.shape) ? kRcx : kXmm0;
}

void CodeGenerator::emit_text(const VectorOpcodeInfo& row, const Mem* memory) {
  const bool gives_index = gives_integer(row.shape), explicit_lengths = takes_lengths(row);
  uint32_t avoid = vector_operands_mask();
  if (!gives_index) clobber_vector(kXmm0);
  const Reg a = vector_in_register(inst().a, avoid);
  const Rm b = memory ? Rm(*memory) : vector_operand(inst().b, 16, false, avoid);
  const Rm lengths = explicit_lengths ? operand(inst().c) : Rm(kRax);
  Reg index = target_register();
  if (gives_index && index != kRcx) index = allocate_temporary();
  if (gives_index) clobber(index);
  begin_flags(kAllFlags);
  if (explicit_lengths) begin_lengths(lengths);
  const Mem saved_rcx = frame_at(offsetof(Frame, helper_arguments));
  if (gives_index && index != kRcx) e_.mov_to(8, saved_rcx, kRcx);
  emit_vector_instruction(row, 4, a, b);
  if (gives_index && index != kRcx) {
    e_.mov(4, index, kRcx);
    e_.mov(8, kRcx, saved_rcx);
  }
  if (explicit_lengths) end_lengths();
  end_flags();
  if (!gives_index) return finish_vector(kXmm0, true);
  give_back();
  define(index, true);
}

void CodeGenerator::begin_lengths(const Rm& lengths) {
  e_.mov_to(8, frame_at(scratch_offset(0)), kRax);
  e_.mov_to(8, frame_at(scratch_offset(1)), kRdx);
  e_.mov(8, kRax, lengths);
  e_.mov(8, kRdx, lengths);
  e_.shift_imm(Shift::kShr, 8, kRdx, 32);
}

void CodeGenerator::end_lengths() {
  e_.mov(8, kRax, frame_at(scratch_offset(0)));
  e_.mov(8, kRdx, frame_at(scratch_offset(1)));
}

// Explicit lengths need the registers that the check leaves none of.
bool CodeGenerator::text_folds(const VectorOpcodeInfo& row) const {
  const auto user = static_cast<ValueId>(live_.last_use(static_cast<ValueId>(at_)));
  const uint8_t guest = live_.target(user);
  return !takes_lengths(row) && guest != Liveness::kNoTarget &&
         (gives_integer(row.shape) ? kHostOfGuest[guest] : Reg{guest}) == text_result(row);
}

}  // namespace vireo::tcg::x86_64
