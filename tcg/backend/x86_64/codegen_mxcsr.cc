// MXCSR, which is in the host's register; the Frame has the value that was loaded last, with what
// had been raised when it was read last.

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {

void CodeGenerator::emit_get_mxcsr() {
  const Mem mxcsr = frame_at(offsetof(Frame, mxcsr));
  const Reg to = destination();
  clobber(to);
  e_.stmxcsr(mxcsr);
  emit_load_to(to, 4, mxcsr);
  define(to, true);
}

// Some hosts know bit 17 as well, guests do not.
void CodeGenerator::emit_load_mxcsr(Encoder::Label done) {
  const Encoder::Label call = e_.new_label();
  e_.mov(4, kAddressReg, frame_at(offsetof(Frame, helper_arguments)));
  e_.alu_imm(Alu::kCmp, 4, kAddressReg, 0xffff);
  e_.jump_if(kAbove, call);
  e_.mov_to(4, frame_at(offsetof(Frame, mxcsr)), kAddressReg);
  e_.ldmxcsr(frame_at(offsetof(Frame, helper_arguments)));
  e_.jump(done);
  e_.bind(call);
}

}  // namespace vireo::tcg::x86_64
