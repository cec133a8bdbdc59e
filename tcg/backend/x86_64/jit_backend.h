#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tcg/backend/backend.h"
#include "tcg/backend/x86_64/code_cache.h"
#include "tcg/backend/x86_64/codegen.h"
#include "tcg/backend/x86_64/host_cpu.h"
#include "tcg/backend/x86_64/liveness.h"
#include "tcg/backend/x86_64/self_loop.h"
#include "tcg/backend/x86_64/thunks.h"

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
  const void* no_target() const override { return thunks_.lookup_again; }
  const TranslatedBlock* left_block(const Frame& frame) const override;
  void link(TranslatedBlock* from, unsigned slot, TranslatedBlock* to) override;
  void invalidate(TranslatedBlock* block) override;
  bool needs_room() const override { return needs_room_; }
  std::span<const std::byte> evict(const Forget& forget) override;
  void flush() override;
  size_t code_bytes_used() const override { return cache_.used(); }
  size_t code_bytes_total() const override { return cache_.size(); }
  std::span<const std::byte> code_cache() const override { return cache_.bytes(); }
  const TranslatedBlock* block_at(const void* code) const override { return find(code); }
  std::span<const std::byte> host_code(const TranslatedBlock& block) const override;
  std::vector<CodeMark> code_marks(const TranslatedBlock& block) const override;

  // For slow paths and signal handlers; any thread.
  const BackendConfig& config() const { return config_; }
  /// Of the guest's vector registers in the host's: 16 or 32. Upper halves that are not there stay
  /// in the Frame.
  unsigned vector_bytes() const { return config_.wide_vectors && cpu_.avx ? 32 : 16; }
  const Thunks& thunks() const { return thunks_; }
  bool contains(const void* code) const { return cache_.contains(code); }
  /// The block whose code holds the address, or null.
  BlockData* find(const void* code) const { return cache_.find(code); }
  void note_use(const void* code) const { cache_.note_use(code); }
  /// The guest IP (relative to the page if the block is relocatable) of the instruction that the
  /// host address belongs to, and where flags are.
  uint64_t guest_ip_at(const BlockData& data, const void* code, FlagsPlace* flags = nullptr) const;
  /// The code at this offset of the cache.
  const uint8_t* code(uint32_t offset) const { return cache_.code(offset); }
  /// Sets Frame::guest_ip from Frame::host_return.
  void set_guest_ip(Frame* frame) const;

 private:
  JitBackend(const BackendConfig& config, const HostCpu& cpu, util::JitMapping mapping);

  void mark_descriptors(const TranslatedBlock& block, std::vector<CodeMark>& marks) const;
  uint8_t* writable(uint32_t offset) const { return cache_.writable(offset); }
  /// Begins behind all code there is.
  Encoder& begin_code();
  util::Result<TranslatedBlock*> compile_here(const Block& block, const CodePage& page,
                                              const CodePage* second);
  const void* checked_entry_here(BlockData& data);
  void find_groups(const Block& block);
  void unlink_victim(const CodeCache::Victim& victim);
  /// Makes the exit go to the code at this offset of the cache.
  void change_code(uint32_t field, int32_t value);
  void patch(const ExitSite& site, const BlockData& owner, uint32_t target);
  void unlink(ExitSite& site);
  void close_entry(const BlockData& data);
  static void forget_link(ExitSite& site);
  ExitSite* exit_at(const void* host_return) const;
  void resolve_exit(Frame* frame, TranslatedBlock** last, unsigned* slot) const;

  BackendConfig config_;
  HostCpu cpu_;
  CodeCache cache_;
  bool needs_room_ = false;
  Thunks thunks_{};
  AccessGroups groups_;
  SelfLoop loop_;
  Liveness liveness_;
  // Of what is being generated.
  Encoder encoder_;
  BlockTables tables_;
  CodeGenerator::Scratch scratch_;
};

}  // namespace vireo::tcg::x86_64
