#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "tcg/runtime/x87_state.h"

namespace vireo::tcg {

/// One soft-TLB entry. An access of `size` bytes at `va` hits when va - tag <= 4096 - size
/// (unsigned), which covers the match and the page crossing at once. A tag that must not hit is
/// that of a page which never indexes this entry (see invalid_tag).
struct TlbEntry {
  uint64_t tag;   ///< Guest-virtual page address if accesses may go straight to `host`.
  uint8_t* host;  ///< Host address of the page's first byte.
};

constexpr unsigned kPageBits = 12;
constexpr uint64_t kPageSize = uint64_t{1} << kPageBits;
/// Where the page begins that an address, of the guest or of the host, lies in.
constexpr uint64_t page_of(uint64_t address) { return address & ~(kPageSize - 1); }
constexpr unsigned offset_in_page(uint64_t address) { return address & (kPageSize - 1); }

constexpr unsigned kTlbBits = 12;
constexpr unsigned kTlbEntries = 1u << kTlbBits;

constexpr unsigned tlb_index(uint64_t va) { return (va >> kPageBits) & (kTlbEntries - 1); }
/// A tag that no address indexing entry `index` can hit.
constexpr uint64_t invalid_tag(unsigned index) {
  return static_cast<uint64_t>(index ^ 1) << kPageBits;
}

/// A TlbEntry where it lies.
struct TlbPlace {
  uint64_t& tag;
  uint8_t*& host;

  const TlbPlace& operator=(const TlbEntry& entry) const {
    tag = entry.tag;
    host = entry.host;
    return *this;
  }
  operator TlbEntry() const { return {tag, host}; }  // NOLINT: what it holds
};

/// The soft TLB of a memory context. Reads and writes have entries of their own: what is copied
/// between pages of the same index does not thrash. Those for writes are withheld for code, clean
/// and watched pages. Tags and hosts lie apart, so that an index needs no scaling by more than 8.
struct Tlb {
  uint64_t tags[2][kTlbEntries];   ///< By whether it is for writes.
  uint8_t* hosts[2][kTlbEntries];  ///< Likewise.

  Tlb() {
    for (unsigned i = 0; i < kTlbEntries; ++i) {
      for (const bool is_write : {false, true}) {
        entry_at(i, is_write) = TlbEntry{invalid_tag(i), nullptr};
      }
    }
  }
  TlbPlace entry_at(unsigned index, bool is_write) {
    return {tags[is_write][index], hosts[is_write][index]};
  }
  TlbPlace entry(uint64_t va, bool is_write) { return entry_at(tlb_index(va), is_write); }
};

/// An entry of the per-vCPU indirect-jump cache: where to go for a guest IP.
struct JumpTarget {
  uint64_t guest_ip;
  const void* code;  ///< The block's checked entry, flags in memory.
};

constexpr unsigned kJumpCacheBits = 14;
/// 2^32 divided by the golden ratio, made odd: functions begin at multiples of 16, places within
/// them anywhere, and pages differ by process.
constexpr uint32_t kJumpCacheMultiplier = 0x9e3779b1;
constexpr unsigned kJumpCacheEntries = 1u << kJumpCacheBits;
constexpr unsigned kSpillSlots = 48;

// Pages that hold translated code have numbers. Frame::code_pages has a slot for each, which says
// where it is mapped. Numbers that share a slot differ in their tags.

constexpr unsigned kCodePageSlots = 16384;
/// No page has the first slots: what must not be entered compares with slot 0, and the displacement
/// of any other takes 32 bits.
constexpr unsigned kUnusedCodePageSlots = 16;
constexpr uint64_t kCodePageUnmapped = ~uint64_t{0};
constexpr uint32_t kUsedCodePageSlots = kCodePageSlots - kUnusedCodePageSlots;
/// Below this, tags fit beside a page address, and differ from kCodePageUnmapped's.
constexpr uint32_t kCodePageNumbers = kUsedCodePageSlots * (kPageSize - 1);

constexpr unsigned code_page_slot(uint32_t number) {
  return kUnusedCodePageSlots + number % kUsedCodePageSlots;
}
constexpr uint32_t code_page_tag(uint32_t number) { return number / kUsedCodePageSlots; }
/// The place of a guest IP in Frame::jump_cache.
constexpr unsigned jump_cache_index(uint64_t guest_ip) {
  return static_cast<uint32_t>(guest_ip) * kJumpCacheMultiplier >> (32 - kJumpCacheBits);
}

/// What user code of an address space looks at. Backends may address it from one host segment.
struct UserTables {
  Tlb tlb;
  /// Where Frame::code_pages points, for supervisor code as well.
  uint64_t code_pages[kCodePageSlots];
  /// Where indirect jumps of relocatable code go, by jump_cache_index(): to checked entries, which
  /// look at the whole guest IP, or to Backend::no_target(): null before forget_targets().
  const void* jump_targets[kJumpCacheEntries] = {};

  UserTables() {
    for (uint64_t& page : code_pages) page = kCodePageUnmapped;
  }
  void forget_targets(const void* no_target) {
    for (const void*& target : jump_targets) target = no_target;
  }
};

/// One of the stacks of ReturnStacks. It grows down; below its entries, `bottom` is where the
/// backend has returns go that find none.
struct ReturnStack {
  uint64_t* bottom = nullptr;
  uint64_t* top = nullptr;  ///< While it is not in use.
};

/// The page that a context's stack accesses saw last, if it may be written: its place does not
/// depend on the address, unlike a TlbEntry's. The soft TLB has it, or has had it: whoever drops
/// entries there calls Frame::forget_stack_pages() afterwards.
struct StackPage {
  uint64_t tag = 0;    ///< As TlbEntry::tag.
  uint64_t below = 0;  ///< kStackPageRoom, or 0 if nothing is known.
  uint8_t* host = nullptr;
};
/// The largest range that a check against a StackPage covers, in bytes.
constexpr unsigned kMostStackBytes = 64;
/// An access hits if va - tag is below this.
constexpr uint64_t kStackPageRoom = kPageSize - kMostStackBytes + 1;

/// A memory context: supervisor accesses and user accesses have a TLB each at a time.
enum MemoryContext : uint8_t { kContextKernel = 0, kContextUser = 1, kMemoryContexts = 2 };
[[gnu::always_inline]] constexpr MemoryContext context_of(bool user) {
  return user ? kContextUser : kContextKernel;
}

inline constexpr uint32_t kPollWord = 0;

/// Frames begin at multiples of this, in bytes: then backends know the low bits of addresses in
/// them.
constexpr size_t kFrameAlignment = size_t{1} << 16;
/// How far behind a Frame's beginning its first field lies.
constexpr size_t kFrameRoom = 0xb80;

/// The part of a vCPU's state that translated code and its runtime share; the target's state begins
/// with it. Translated code addresses it (and the rest of the state) from one pinned host register.
struct alignas(kFrameAlignment) Frame {
  alignas(64) std::byte room[kFrameRoom] = {};  ///< Not used.
  uint32_t mxcsr = 0x1f80;  ///< Guest SIMD control and status; in the host's register while
                            ///< translated code runs.
  uint32_t host_mxcsr = 0x1f80;
  uint32_t return_stack_in_use = 0;
  // Arithmetic flags while not in host flags: SETO and LAHF results, so that one 16-bit store saves
  // both.
  uint8_t flag_overflow = 0;  ///< 0 or 1.
  uint8_t flags_low = 2;      ///< S Z - A - P 1 C, the low byte of EFLAGS.
  uint16_t exit_reason = 0;   ///< ExitReason of the last return to the loop.
  /// Guest general registers (GetReg/SetReg of an integer type). While translated code runs, those
  /// that the backend pins live in host registers; the others live here always.
  uint64_t general[16] = {};
  uint64_t guest_ip = 0;  ///< RIP/EIP; valid outside translated code and at full synchronisations.
  Tlb* tlb[kMemoryContexts] = {};  ///< That of user accesses is part of UserTables.
  /// While a relocatable block runs: the guest-virtual address of the page that it begins in.
  uint64_t code_base = 0;
  /// What code pages are mapped now: kCodePageSlots words. A checked entry compares with
  /// code_page_mapping().
  uint64_t* code_pages = nullptr;
  JumpTarget* jump_cache = nullptr;
  /// By what Backend::left_block knows the block that a return or an indirect exit left.
  uint64_t left_from = 0;
  StackPage stack_pages[kMemoryContexts];
  /// What polls of translated code read. A kick makes it null, so that they fault.
  const uint32_t* poll_word = &kPollWord;
  uint64_t scratch[4] = {};  ///< For the backend.
  uint64_t helper_arguments[4] = {};
  /// Bytes of a load that could not be done in place (device, page crossing); the load is retried
  /// here.
  alignas(32) uint8_t bounce[64] = {};
  uint64_t helper_result = 0;
  /// What the target switches tlb[kContextKernel] between: translations with its usual rights, and
  /// with rights to user pages (x86: while EFLAGS.AC is set).
  Tlb* kernel_tlb[2] = {};
  /// 0: the X87State holds the x87 unit's state; 1: the host's x87 unit does; 2: the X87State until
  /// translated code goes on, which has it in the host's.
  uint8_t x87_place = 0;
  alignas(8) uint8_t x87_image[kX87ImageBytes] = {};  ///< On its way from or to the host's unit.
  const void* host_return =
      nullptr;                  ///< Where in translated code the current slow path was called from.
  void* host_stack = nullptr;   ///< Of the backend: what it needs to leave from anywhere.
  void* accelerator = nullptr;  ///< The accelerator's per-vCPU object, for the hooks.
  void* runtime = nullptr;      ///< The target's per-vCPU object, for the helpers.
  alignas(32) uint8_t vector[16][32] =
      {};  ///< Guest vector registers (GetReg/SetReg of a vector type); pinned likewise.
  alignas(32) uint8_t spill[kSpillSlots * 32] = {};
  /// By privilege: supervisor, user. Neither may return to what the other has called.
  ReturnStack return_stacks[2];
  uint64_t* return_stack_top = nullptr;  ///< Of that, while no translated code runs.
  void* owner_stack = nullptr;           ///< While translated code runs: its caller's.

  /// Any thread. Translated code sets a page, then looks whether the soft TLB still has it: behind
  /// the fence, either it sees that it has not, or this sees that it was set.
  void forget_stack_pages() {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (StackPage& page : stack_pages) __atomic_store_n(&page.below, 0, __ATOMIC_RELAXED);
  }

  /// Makes the vCPU leave translated code soon with kPoll, and not enter it again until `unkick`.
  /// Any thread, also in a signal handler.
  void kick() { __atomic_store_n(&poll_word, nullptr, __ATOMIC_SEQ_CST); }
  bool is_kicked() const { return __atomic_load_n(&poll_word, __ATOMIC_SEQ_CST) == nullptr; }
  void unkick() { __atomic_store_n(&poll_word, &kPollWord, __ATOMIC_SEQ_CST); }
};

/// Which of Frame::kernel_tlb supervisor accesses use: 1 with rights to user pages.
inline unsigned kernel_tlb_in_use(const Frame& frame) {
  const Tlb* used = frame.tlb[kContextKernel];
  return used != nullptr && used == frame.kernel_tlb[1] ? 1 : 0;
}

}  // namespace vireo::tcg
