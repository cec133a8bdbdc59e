// Checks of stack accesses: against the page that they saw last (StackPage), which is shorter than
// one that has to find its TLB entry.

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {

// By the stack pointer: the other register that implies the stack segment is used for all kinds of
// pointers.
bool CodeGenerator::is_on_stack(const Inst& access, const SlowStub& stub) const {
  constexpr unsigned kStackPointer = 4;
  constexpr Reg kHost = kHostOfGuest[kStackPointer];
  if ((stub.operation.flags & kMemoryStack) == 0 || checked_bytes(stub) > kMostStackBytes ||
      checked_alignment(stub) != 1) {
    return false;
  }
  const ValuePlace& p = places_[access.a];
  return p.host == kHost || (p.is_address && p.address.base == kHost && p.address.index == kNoReg);
}

void CodeGenerator::emit_stack_check(SlowStub& stub) {
  const bool user = is_user(stub);
  stub.stack_misses = e_.new_label();
  stub.stack_hits = e_.new_label();
  e_.alu(Alu::kSub, 8, kAddressReg, stack_page_field(user, offsetof(StackPage, tag)));
  e_.alu(Alu::kCmp, 8, kAddressReg, stack_page_field(user, offsetof(StackPage, below)));
  e_.jump_if(kAboveOrEqual, stub.stack_misses);
  e_.mov(8, kTlbReg, stack_page_field(user, offsetof(StackPage, host)));
  e_.bind(stub.stack_hits);
}

// The thunk finds the page in the TLB, or leaves what stub.entry begins with.
void CodeGenerator::emit_stack_stub(const SlowStub& stub) {
  const bool user = is_user(stub);
  e_.bind(stub.stack_misses);
  e_.mov_imm(4, kTlbReg, checked_bytes(stub));
  e_.call_to(thunks_.stack_misses[user][stub.writes]);
  e_.jump(stub.stack_hits);
  e_.jump(stub.entry);
}

}  // namespace vireo::tcg::x86_64
