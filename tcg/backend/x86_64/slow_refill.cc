// The way from a thunk to a TLB refill. Compiled to use general registers only, since guest vector
// registers are live.

#include "tcg/backend/x86_64/jit_backend.h"
#include "tcg/backend/x86_64/slow_path.h"

namespace vireo::tcg::x86_64 {
namespace {

// Where unpack() finds them; refills decode by themselves, to call nothing that may use vector
// registers.
constexpr unsigned kTypeMask = 15, kOpShift = 4, kOpMask = 15, kFlagsShift = 8, kFlagsMask = 15;

}  // namespace

RefillResult slow_refill(Frame* frame, uint64_t va, uint32_t descriptor, const TlbPair* pair,
                         JitBackend* backend) {
  const auto flags = static_cast<uint8_t>(descriptor >> kFlagsShift & kFlagsMask);
  const bool user = (flags & kMemoryUser) != 0;
  const Tlb* tlb = frame->tlb[user ? kContextUser : kContextKernel];
  if (tlb_index(va) != static_cast<uint64_t>(pair - tlb->pairs)) return RefillResult::kChanged;
  const unsigned bytes = size_of(static_cast<Type>(descriptor & kTypeMask));
  const bool reads = (descriptor >> kOpShift & kOpMask) == 0;
  return backend->config().hooks.refill(frame, va, bytes, reads ? Access::kRead : Access::kWrite,
                                        flags)
             ? RefillResult::kFilled
             : RefillResult::kFailed;
}

}  // namespace vireo::tcg::x86_64
