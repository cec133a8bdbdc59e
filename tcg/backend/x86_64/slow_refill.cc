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
constexpr unsigned kLoadOp = 0, kStoreOp = 1;

Tlb& tlb_of(const Frame* frame, bool user) { return *frame->tlb[context_of(user)]; }

bool is_place_of(uint64_t va, const uint64_t* place, const Frame* frame, bool user) {
  return place == &tlb_of(frame, user).tags[0][tlb_index(va)];
}

/// Where the byte at `va` is, if the TLB has its page.
uint8_t* host_of(Frame* frame, uint64_t va, bool user, bool writes) {
  const TlbPlace entry = tlb_of(frame, user).entry(va, writes);
  uint8_t* page = __atomic_load_n(&entry.host, __ATOMIC_ACQUIRE);
  if (__atomic_load_n(&entry.tag, __ATOMIC_RELAXED) != page_of(va)) return nullptr;
  return page + offset_in_page(va);
}

/// Volatile, since compilers make memcpy() of other loops, which may use vector registers.
void copy(volatile uint8_t* to, const volatile uint8_t* from, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) to[i] = from[i];
}

/// A load or store that ends in the next page, whose value is in Frame::helper_arguments. Returns
/// false, with nothing done, if the TLB cannot have both pages.
bool cross_pages(Frame* frame, uint64_t va, unsigned bytes, Access access, uint8_t flags,
                 const Hooks& hooks) {
  const bool user = flags & kMemoryUser, writes = access == Access::kWrite;
  const unsigned first = kPageSize - offset_in_page(va);
  if (first >= bytes || (flags & kMemoryAligned)) return false;
  const auto find = [&](uint64_t address, unsigned size) -> uint8_t* {
    if (uint8_t* host = host_of(frame, address, user, writes)) return host;
    if (!hooks.refill(frame, address, size, access, flags)) return nullptr;
    return host_of(frame, address, user, writes);
  };
  uint8_t* low = find(va, first);
  uint8_t* high = low != nullptr ? find(va + first, bytes - first) : nullptr;
  if (high == nullptr) return false;
  const auto* value = reinterpret_cast<const uint8_t*>(frame->helper_arguments);
  copy(writes ? low : frame->bounce, writes ? value : low, first);
  copy(writes ? high : frame->bounce + first, writes ? value + first : high, bytes - first);
  return true;
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
  const unsigned op = descriptor >> kOpShift & kOpMask;
  const Access access = op == kLoadOp ? Access::kRead : Access::kWrite;
  const Hooks& hooks = backend->config().hooks;
  if (hooks.refill(frame, va, bytes, access, flags)) return RefillResult::kFilled;
  const bool is_plain = op == kLoadOp || op == kStoreOp;
  return is_plain && cross_pages(frame, va, bytes, access, flags, hooks) ? RefillResult::kDone
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
