#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tcg/ir/block.h"
#include "tcg/runtime/frame.h"
#include "tcg/runtime/hooks.h"
#include "util/result.h"

namespace vireo::tcg {

/// What identifies a translation. The guest-virtual address is part of it, so that code may hold
/// absolute addresses; of relocatable blocks only the offset within the page.
struct BlockKey {
  uint64_t physical = 0;  ///< Identifies the guest memory of the first byte (its host address).
  uint64_t ip = 0;        ///< RIP/EIP.
  uint64_t linear = 0;    ///< CS base + EIP: the guest-virtual address of the first byte.
  uint64_t mode =
      0;  ///< The target's mode, privilege and feature bits, as far as translations depend on them.
  bool operator==(const BlockKey&) const = default;
};

/// From this offset of a block's host code on, it does the guest instruction at `guest_ip`, which
/// is relative to its page if the block is relocatable.
struct CodeMark {
  uint32_t host_offset;
  uint64_t guest_ip;
  uint32_t data_bytes = 0;  ///< Not 0: here is no code, but data of that many bytes.
};

constexpr uint64_t kNoSecondPage = ~uint64_t{0};

/// A translation. Owned by the Backend that compiled it; stays valid until Backend::flush (an
/// invalidated one is unlinked and never entered again, but its memory stays until then).
struct TranslatedBlock {
  BlockKey key;
  uint32_t guest_size = 0;  ///< Bytes of guest code.
  uint32_t guest_insns = 0;
  uint64_t physical_second =
      ~0ull;                 ///< Page address of the second page if the code crosses into one.
  uint32_t code_page = 0;    ///< Number of its (first) page for checked entries.
  bool relocatable = false;  ///< See Block.
  bool valid = true;
  const void* checked_entry =
      nullptr;  ///< For run(), jump caches and return stacks: flags in memory.
  uint32_t host_size = 0;
  void* backend_data = nullptr;
  TranslatedBlock* next = nullptr;  ///< For the owner's lookup structures.
};

/// What Frame::code_pages holds in the block's slot while it may be entered at `guest_ip`.
inline uint64_t code_page_mapping(const TranslatedBlock& block, uint64_t guest_ip) {
  const uint64_t page = block.relocatable ? guest_ip & ~(kPageSize - 1) : 0;
  return page + code_page_tag(block.code_page);
}
/// What the block's guest IPs are relative to.
inline uint64_t code_base_of(const TranslatedBlock& block, const Frame& frame) {
  return block.relocatable ? frame.code_base : 0;
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

  /// Compiles `block` (verified, after the passes). `code_page` is the number of its page, below
  /// kCodePageNumbers. Errors: kNoMemory when the code cache is full: flush and retry.
  virtual util::Result<TranslatedBlock*> compile(const Block& block, const BlockKey& key,
                                                 uint32_t code_page) = 0;

  /// Runs from `block`, which begins at Frame::guest_ip, until something leaves; the reason is in
  /// Frame::exit_reason, the guest state in the Frame. With kLookup, *last is the block and *slot
  /// the link slot (0 or 1) that left, or nullptr if it cannot be linked.
  virtual void run(Frame* frame, TranslatedBlock* block, TranslatedBlock** last,
                   unsigned* slot) = 0;

  /// Makes `from`'s direct exit `slot` go straight to `to`; valid across pages, since `to`'s entry
  /// is then a checked one.
  virtual void link(TranslatedBlock* from, unsigned slot, TranslatedBlock* to) = 0;

  /// Unlinks `block` and makes all its entries return to the loop (kLookup).
  virtual void invalidate(TranslatedBlock* block) = 0;

  /// Forgets every translation. No vCPU runs translated code.
  virtual void flush() = 0;

  /// Makes `frame`'s vCPU leave translated code soon with kPoll; callable from any thread, and in a
  /// signal handler.
  virtual void kick(Frame* frame) = 0;

  /// Bytes of host code in use and available.
  virtual size_t code_bytes_used() const = 0;
  virtual size_t code_bytes_total() const = 0;

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
