#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "accel/accelerator.h"
#include "accel/tcg/block_map.h"
#include "accel/tcg/perf_map.h"
#include "accel/tcg/profile.h"
#include "core/memory/address_space.h"
#include "core/memory/ram_block.h"
#include "tcg/backend/backend.h"
#include "tcg/opt/pipeline.h"

namespace vireo::accel {

class GuestCpu;
struct CodePosition;
class TcgVcpu;

/// backend=jit, interpreter or lockstep (both, compared block by block).
enum class TcgBackend : uint8_t { jit, interpreter, lockstep };

/// `-accel tcg` and its options.
struct TcgConfig {
  TcgBackend backend = TcgBackend::jit;
  size_t code_cache_bytes = 0;              ///< tb-size=, in bytes
  bool perf_map = false;                    ///< -perfmap
  bool profile = false;                     ///< profile=on, or -d perf
  std::span<const tcg::Helper> helpers;     ///< The target's.
  tcg::X87Function x87 = nullptr;           ///< Likewise.
  size_t x87_offset = 0;                    ///< See tcg::BackendConfig.
  bool wide_vectors = false;                ///< Likewise.
  size_t state_bytes = sizeof(tcg::Frame);  ///< Of the target's vCPU state, for a lock-step.
  size_t asynchronous_byte = 0;             ///< In it; see tcg::LockstepConfig.
  std::function<void()> on_difference;      ///< A lock-step found one, and has told of it.
};

/// What a translation is wanted for.
enum class BlockKind : uint8_t {
  kUsual,
  kSeparateChecks,     ///< Where a check that several accesses share has failed.
  kSingleInstruction,  ///< An instruction that may modify its own bytes.
};

/// The translating accelerator: the backend and the translations that all vCPUs share. Follows
/// changes of guest memory that translations and soft TLBs depend on.
class TcgAccelerator final : public Accelerator,
                             private core::TopologyListener,
                             private core::RamObserver {
 public:
  /// Errors: the host has no code generator or no memory for the cache.
  static util::Result<std::unique_ptr<TcgAccelerator>> create(const TcgConfig& config,
                                                              core::AddressSpace& memory);
  ~TcgAccelerator() override;

  /// Errors: no memory.
  util::Result<std::unique_ptr<TcgVcpu>> create_vcpu(GuestCpu& cpu, unsigned index);
  std::string statistics(bool listings) override;
  void restart_profile() override;
  /// The same for one vCPU, on its thread.
  void restart_profile_of(TcgVcpu& vcpu);
  /// Whether vCPUs are to keep a Profile.
  bool profiling() const { return profiling_; }
  /// While it is so.
  const GuestCode& guest_code() const { return guest_code_; }

  /// Before the first vCPU: another memory that CPUs may see in some mode of theirs.
  void watch(core::AddressSpace& memory);
  /// The usual one first.
  const std::vector<core::AddressSpace*>& memories() const { return memories_; }
  tcg::Backend& backend() { return *backend_; }

  /// Finds or makes the translation for `vcpu`'s current position, `at`, whose code is at `host`.
  /// Null if the code could not be fetched (the fault is recorded), or if room had to be made: look
  /// again then. `last`: the page of the last block found at this linear page, or null.
  tcg::TranslatedBlock* block_for(TcgVcpu& vcpu, const CodePosition& at, const std::byte* host,
                                  BlockKind kind, const tcg::CodePage*& last);
  /// What jump caches hold to go to `block`; null if there is no room.
  const void* checked_entry(tcg::TranslatedBlock* block);
  /// The second page of a block that spans two.
  const tcg::CodePage& second_page(const tcg::TranslatedBlock& block) const;
  void link(tcg::TranslatedBlock* from, unsigned slot, tcg::TranslatedBlock* to);
  /// Drops translations of [host, host + length). Returns whether one of more than one instruction
  /// contains the instruction at `current`, that is, whether the running block has to be left.
  bool invalidate_for_store(core::RamBlock& block, const std::byte* host, size_t length,
                            const std::byte* current);

 private:
  TcgAccelerator() = default;
  util::Result<std::unique_ptr<tcg::Backend>> make_backend(const TcgConfig& config);

  void topology_changed(core::AddressSpace& space) override;
  void code_written(core::RamBlock& block, uint64_t offset, uint64_t length) override;
  void block_destroyed(core::RamBlock& block) override;
  void write_permission_withdrawn(core::RamBlock& block, uint64_t offset, uint64_t length) override;

  /// In CodePageKey::mode of a block that was limited to one instruction.
  static constexpr uint64_t kSingleInstruction = uint64_t{1} << 63;

  bool make_ir(TcgVcpu& vcpu, const CodePosition& at, BlockKind kind, unsigned max_insns);
  tcg::TranslatedBlock* translate(TcgVcpu& vcpu, const CodePosition& at, const tcg::CodePage& page,
                                  BlockKind kind, unsigned max_insns);
  bool ends_in_next_page(const tcg::CodePage& page) const;
  const tcg::CodePage& page_behind(TcgVcpu& vcpu, const CodePosition& at,
                                   const tcg::CodePage& page);
  bool second_page_matches(TcgVcpu& vcpu, const CodePosition& at,
                           const tcg::TranslatedBlock& block) const;
  void drop(tcg::TranslatedBlock* block);
  void report_difference(TcgVcpu& vcpu, const tcg::TranslatedBlock& block, const std::string& what);
  void protect_code_page(const std::byte* host_page);
  bool drop_range(core::RamBlock& block, const std::byte* first, size_t length,
                  const std::byte* current);
  void make_room();
  void flush_translations();
  void collect_profiles();
  void observe(core::AddressSpace& memory);
  core::RamBlock* block_of(const std::byte* host) const;
  std::string translation_figures() const;
  std::string exit_figures() const;
  std::string profile_of(TcgVcpu& vcpu, bool listings) const;

  std::vector<core::AddressSpace*> memories_;
  std::unique_ptr<tcg::Backend> backend_;
  mutable std::mutex translation_lock_;
  BlockMap blocks_;
  tcg::Block ir_;  // reused for every translation
  tcg::Pipeline pipeline_ = tcg::Pipeline::standard();
  std::function<void()> on_difference_;
  std::unique_ptr<PerfMap> perf_map_;  // null: not wanted
  bool profiling_ = false;
  GuestCode guest_code_;
  uint64_t flushes_ = 0, evictions_ = 0;
  uint64_t separate_checks_ = 0;  // blocks made for them
  std::vector<core::RamBlock*> ram_;
  std::vector<TcgVcpu*> vcpus_;
};

}  // namespace vireo::accel
