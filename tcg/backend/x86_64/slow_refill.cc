// The way from a thunk to a TLB refill. Compiled to use general registers only, since guest vector
// registers are live.

#include "tcg/backend/x86_64/jit_backend.h"
#include "tcg/backend/x86_64/slow_path.h"
#include "tcg/backend/x86_64/thunks.h"

namespace vireo::tcg::x86_64 {
namespace {

// Where unpack() finds them; refills decode by themselves, to call nothing that may use vector
// registers.
constexpr unsigned kTypeMask = 15, kOpShift = 4, kOpMask = 15, kFlagsShift = 8, kFlagsMask = 15;

Tlb& tlb_of(const Frame* frame, bool user) { return *frame->tlb[context_of(user)]; }

bool is_place_of(uint64_t va, const uint64_t* place, const Frame* frame, bool user) {
  return place == &tlb_of(frame, user).tags[0][tlb_index(va)];
}

}  // namespace

RefillResult slow_refill(Frame* frame, uint64_t va, const uint8_t* behind_call,
                         const uint64_t* place, JitBackend* backend) {
  backend->note_use(behind_call);
  const auto descriptor = util::load_little<uint32_t>(behind_call);
  const auto flags = static_cast<uint8_t>(descriptor >> kFlagsShift & kFlagsMask);
  const bool user = (flags & kMemoryUser) != 0;
  if (!is_place_of(va, place, frame, user)) return RefillResult::kChanged;
  const unsigned bytes = size_of(static_cast<Type>(descriptor & kTypeMask));
  const bool reads = (descriptor >> kOpShift & kOpMask) == 0;
  return backend->config().hooks.refill(frame, va, bytes, reads ? Access::kRead : Access::kWrite,
                                        flags)
             ? RefillResult::kFilled
             : RefillResult::kFailed;
}

// A page that a later access writes to has to be writable already: what a write would do to the
// page table must not be done before it.
RefillResult slow_group_refill(Frame* frame, uint64_t va, const uint8_t* behind_call,
                               const uint64_t* place, JitBackend* backend) {
  backend->note_use(behind_call);
  const GroupDescriptor group(util::load_little<uint32_t>(behind_call));
  if (!is_place_of(va, place, frame, group.user())) return RefillResult::kChanged;
  if (va % group.alignment() != 0) return RefillResult::kFailed;
  const Access access = group.begins_with_write() ? Access::kWrite : Access::kRead;
  const uint8_t flags = group.user() ? kMemoryUser : 0;
  if (!backend->config().hooks.refill(frame, va, group.bytes(), access, flags)) {
    return RefillResult::kFailed;
  }
  const TlbPlace entry = tlb_of(frame, group.user()).entry(va, group.writes());
  const bool filled = __atomic_load_n(&entry.tag, __ATOMIC_RELAXED) == page_of(va);
  return filled ? RefillResult::kFilled : RefillResult::kFailed;
}

}  // namespace vireo::tcg::x86_64
