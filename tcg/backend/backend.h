#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tcg/ir/block.h"
#include "tcg/runtime/frame.h"
#include "tcg/runtime/hooks.h"
#include "util/result.h"

namespace vireo::tcg {

/// What tells a CodePage from others. Blocks may hold absolute guest addresses, so these are part
/// of it; not so if they are relocatable.
struct CodePageKey {
  uint64_t host = 0;    ///< Identifies the guest memory: the host address of the first byte.
  uint64_t linear = 0;  ///< Guest-virtual address; 0 if relocatable.
  uint64_t ip = 0;      ///< RIP/EIP of the first byte modulo 2^64 (`linear` - CS base); likewise.
  uint64_t mode = 0;  ///< The target's mode, privilege and feature bits, as far as blocks depend on
                      ///< them.
  bool operator==(const CodePageKey&) const = default;
};

/// A page of guest memory that blocks begin in. Outlives them.
struct CodePage {
  CodePageKey key;
  bool relocatable = false;  ///< Of all its blocks; see Block.
  uint32_t number = 0;       ///< In Frame::code_pages; below kCodePageNumbers.
  /// What guest IPs are taken modulo if it is relocatable, less one: 32 or 64 bits.
  uint64_t ip_mask = ~uint64_t{0};
};

/// From this offset of a block's host code on, it does the guest instruction at `guest_ip`, which
/// is relative to its page if the block is relocatable.
struct CodeMark {
  uint32_t host_offset;
  uint64_t guest_ip;
  uint32_t data_bytes = 0;  ///< Not 0: here is no code, but data of that many bytes.
};

/// A translation. Owned by the Backend that compiled it; stays valid until Backend::evict takes it
/// or Backend::flush (an invalidated one is unlinked and never entered again, but its memory stays
/// until then).
struct TranslatedBlock {
  const CodePage* page = nullptr;
  uint16_t offset = 0;      ///< Of the first byte in the page.
  uint16_t guest_size = 0;  ///< Bytes of guest code; may reach into the next page.
  uint16_t guest_insns = 0;
  bool valid = true;
  bool separate_checks = false;  ///< See Block.
  uint32_t host_size = 0;

  /// Relative to Frame::code_base if the page is relocatable.
  uint64_t guest_ip() const { return page->key.ip + offset; }
  bool spans_pages() const { return offset + guest_size > kPageSize; }
};

/// The link slot of an exit for the same guest code with Block::separate_checks.
constexpr unsigned kSeparateChecksSlot = 3;

/// What Frame::code_pages holds in the page's slot while it may be entered at `guest_ip`.
inline uint64_t code_page_mapping(const CodePage& page, uint64_t guest_ip) {
  const uint64_t address = page.relocatable ? page_of(guest_ip) : 0;
  return address + code_page_tag(page.number);
}
/// What `ip`, of one of its blocks, stands for while that runs.
inline uint64_t guest_ip_of(const CodePage& page, const Frame& frame, uint64_t ip) {
  return page.relocatable ? (frame.code_base + ip) & page.ip_mask : ip;
}

struct CompileStatistics {
  uint64_t blocks = 0, guest_bytes = 0, guest_insns = 0, host_bytes = 0, ir_insts = 0;
};

/// Turns IR into something runnable and runs it. One object serves all vCPUs; compile, link,
/// invalidate and flush are called under the owner's translation lock, run by each vCPU thread
/// without it.
class Backend {
 public:
  virtual ~Backend() = default;

  /// Compiles `block` (verified, after the passes), which begins in `page`. If it ends in another,
  /// `second` is that: the block looks itself whether it still follows; null: whoever enters does.
  /// Errors: kNoMemory when the code cache is full: evict and retry; others: half of the
  /// instructions may do.
  virtual util::Result<TranslatedBlock*> compile(const Block& block, const CodePage& page,
                                                 const CodePage* second) = 0;

  /// What jump caches hold to go to `block`, with flags in memory: looks at Frame::code_pages. Null
  /// if there is no room.
  virtual const void* checked_entry(TranslatedBlock* block) = 0;

  /// What UserTables::jump_targets hold where nothing is known.
  virtual const void* no_target() const { return nullptr; }

  /// Runs from `block`, which begins at Frame::guest_ip, until something leaves; the reason is in
  /// Frame::exit_reason, the guest state in the Frame. With kLookup, *last is the block and *slot
  /// the link slot that left (0, 1 or kSeparateChecksSlot), or nullptr if it cannot be linked.
  virtual void run(Frame* frame, TranslatedBlock* block, TranslatedBlock** last,
                   unsigned* slot) = 0;

  /// After run() came back with kLookup or kPoll: the block that was left for Frame::guest_ip, by
  /// what its last instruction did; null if that is not known.
  virtual const TranslatedBlock* left_block(const Frame& frame) const = 0;

  /// Makes `from`'s direct exit `slot` go straight to `to`; valid across pages, since `to`'s entry
  /// is then a checked one.
  virtual void link(TranslatedBlock* from, unsigned slot, TranslatedBlock* to) = 0;

  /// Unlinks `block` and makes all its entries return to the loop (kLookup).
  virtual void invalidate(TranslatedBlock* block) = 0;

  /// Whether something found no room since the last eviction or flush.
  virtual bool needs_room() const { return false; }

  /// Told of the valid blocks that go, sorted by address, while they are still there.
  using Forget = std::function<void(std::span<TranslatedBlock* const>)>;
  /// Forgets the translations that were of least use lately, and returns where their code was:
  /// nothing may go there any more. Empty if only a flush makes room. No vCPU runs translated code.
  virtual std::span<const std::byte> evict(const Forget&) { return {}; }

  /// Forgets every translation. No vCPU runs translated code.
  virtual void flush() = 0;

  /// Bytes of host code in use and available.
  virtual size_t code_bytes_used() const = 0;
  virtual size_t code_bytes_total() const = 0;

  /// Where translations lie in host memory; empty for an interpreter.
  virtual std::span<const std::byte> code_cache() const { return {}; }
  /// The translation whose host code holds the address, or null. Any thread, translation lock held.
  virtual const TranslatedBlock* block_at(const void*) const { return nullptr; }
  /// The host code of `block`, for listings and perf maps; empty for an interpreter.
  virtual std::span<const std::byte> host_code(const TranslatedBlock& block) const = 0;
  /// Where in it guest instructions begin, and where data lies, by offset.
  virtual std::vector<CodeMark> code_marks(const TranslatedBlock& block) const = 0;

  const CompileStatistics& statistics() const { return statistics_; }

 protected:
  CompileStatistics statistics_;
};

/// What a backend is made from. `helpers` and `hooks` outlive it.
struct BackendConfig {
  Hooks hooks;
  std::span<const Helper> helpers;
  X87Function x87 = nullptr;
  size_t x87_offset = 0;      ///< Where the X87State is in the vCPU state.
  bool wide_vectors = false;  ///< Guest vector registers have 256 bits (else 128).
  size_t code_cache_bytes = size_t{256} << 20;  ///< Reserved, touched as it fills.
  bool link_blocks = true;                      ///< Off for `-d exec,cpu` and lock-step.
};

util::Result<std::unique_ptr<Backend>> make_interpreter_backend(const BackendConfig& config);
/// The code generator for this host. Errors: kUnsupported where there is none.
util::Result<std::unique_ptr<Backend>> make_jit_backend(const BackendConfig& config);

}  // namespace vireo::tcg
