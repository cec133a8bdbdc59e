#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tcg/backend/backend.h"
#include "tcg/backend/x86_64/block_store.h"
#include "tcg/backend/x86_64/codegen.h"
#include "tcg/backend/x86_64/host_cpu.h"
#include "tcg/backend/x86_64/liveness.h"
#include "tcg/backend/x86_64/self_loop.h"
#include "tcg/backend/x86_64/thunks.h"
#include "util/host/jit_mapping.h"

namespace vireo::tcg::x86_64 {

/// The x86-64 code generator: code cache, links, and the way in and out.
class JitBackend final : public Backend {
 public:
  static util::Result<std::unique_ptr<Backend>> create(const BackendConfig& config,
                                                       const HostCpu& cpu);
  ~JitBackend() override;

  util::Result<TranslatedBlock*> compile(const Block& block, const CodePage& page,
                                         const CodePage* second) override;
  const void* checked_entry(TranslatedBlock* block) override;
  void run(Frame* frame, TranslatedBlock* block, TranslatedBlock** last, unsigned* slot) override;
  const TranslatedBlock* left_block(const Frame& frame) const override;
  void link(TranslatedBlock* from, unsigned slot, TranslatedBlock* to) override;
  void invalidate(TranslatedBlock* block) override;
  void flush() override;
  size_t code_bytes_used() const override { return used_; }
  size_t code_bytes_total() const override { return mapping_.size(); }
  std::span<const std::byte> code_cache() const override {
    return {mapping_.executable(), mapping_.size()};
  }
  const TranslatedBlock* block_at(const void* code) const override { return find(code); }
  std::span<const std::byte> host_code(const TranslatedBlock& block) const override;
  std::vector<CodeMark> code_marks(const TranslatedBlock& block) const override;

  // For slow paths and signal handlers; any thread.
  const BackendConfig& config() const { return config_; }
  /// Of the guest's vector registers in the host's: 16 or 32. Upper halves that are not there stay
  /// in the Frame.
  unsigned vector_bytes() const { return config_.wide_vectors && cpu_.avx ? 32 : 16; }
  const Thunks& thunks() const { return thunks_; }
  bool contains(const void* code) const { return mapping_.contains_executable(code); }
  /// The block whose code holds the address, or null.
  BlockData* find(const void* code) const { return store_.find(static_cast<const uint8_t*>(code)); }
  /// The guest IP (relative to the page if the block is relocatable) of the instruction that the
  /// host address belongs to, and where flags are.
  uint64_t guest_ip_at(const BlockData& data, const void* code, FlagsPlace* flags = nullptr) const;
  /// The code at this offset of the cache.
  const uint8_t* code(uint32_t offset) const;
  /// Sets Frame::guest_ip from Frame::host_return.
  void set_guest_ip(Frame* frame) const;

 private:
  JitBackend(const BackendConfig& config, const HostCpu& cpu, util::JitMapping mapping);

  void mark_descriptors(const TranslatedBlock& block, std::vector<CodeMark>& marks) const;
  uint8_t* writable(uint32_t offset) const;
  /// Begins behind all code there is; take() keeps what is written there.
  Encoder& begin_code();
  void find_groups(const Block& block);
  void take(size_t bytes, size_t alignment);
  /// Makes the exit go to the code at this offset of the cache.
  void patch(const ExitSite& site, const BlockData& owner, uint32_t target);
  void unlink(ExitSite& site);
  static void forget_link(ExitSite& site);
  ExitSite* exit_at(const void* host_return) const;
  void resolve_exit(Frame* frame, TranslatedBlock** last, unsigned* slot) const;

  BackendConfig config_;
  HostCpu cpu_;
  util::JitMapping mapping_;
  size_t used_ = 0;
  size_t thunk_bytes_ = 0;
  Thunks thunks_{};
  AccessGroups groups_;
  SelfLoop loop_;
  Liveness liveness_;
  BlockStore store_;
  // Of what is being generated.
  Encoder encoder_;
  BlockTables tables_;
  CodeGenerator::Scratch scratch_;
};

}  // namespace vireo::tcg::x86_64
