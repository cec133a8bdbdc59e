#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "target/i386/cpu/state.h"
#include "tcg/backend/backend.h"
#include "tcg/opt/pipeline.h"
#include "tcg/runtime/return_stacks.h"
#include "tests/conformance/host_cpu/batch.h"
#include "tests/conformance/host_cpu/guest_memory.h"

namespace vireo::host_cpu {

/// Runs batches through the translator and a backend: a CPU in user mode, with the arena as its
/// memory and the emulator's own helpers.
class GuestRunner {
 public:
  explicit GuestRunner(
      util::Result<std::unique_ptr<tcg::Backend>> (*make)(const tcg::BackendConfig&),
      bool wide_vectors = true);
  bool available() const { return backend_ != nullptr; }

  /// Fills in all of `result`, whose `done` is short if the translator made ill-formed IR.
  void run(const Batch& batch, BatchResult& result);
  /// What verify() said of it.
  const std::string& problem() const { return problem_; }
  /// The IR of the block translated last, for reports.
  std::string listing() const;

 private:
  void begin(const Batch& batch);
  void forget_blocks();
  void load(const Case& from);
  void store(ProcessorState& state) const;
  bool run_case(const Batch& batch, const Case& from, CaseResult& to);
  bool run_to_end(const Batch& batch, Ending& ending);
  tcg::TranslatedBlock* find_block(unsigned max_insns, bool separate_checks);
  const tcg::CodePage& page_of(uint64_t ip, uint64_t mode);
  tcg::TranslatedBlock* translate(unsigned max_insns, bool separate_checks);
  bool run_alone();
  bool refuse_branch();
  uint8_t* below_stack() const;
  i386::CpuState& cpu() const { return *state_; }

  std::unique_ptr<i386::CpuState> state_ = std::make_unique<i386::CpuState>();
  ArenaMachine machine_;
  i386::CpuConfig config_;
  std::unique_ptr<tcg::UserTables> tables_;
  std::unique_ptr<tcg::JumpTarget[]> jump_cache_;
  std::unique_ptr<tcg::ReturnStacks> return_stacks_;
  std::unique_ptr<tcg::Backend> backend_;
  tcg::Pipeline pipeline_ = tcg::Pipeline::standard();
  tcg::Block block_;
  std::map<std::pair<uint64_t, uint64_t>, tcg::CodePage> pages_;  ///< By IP and mode.
  using BlockKey = std::tuple<uint64_t, uint64_t, bool>;  ///< IP, mode, Block::separate_checks
  std::map<BlockKey, tcg::TranslatedBlock*> blocks_;
  std::string problem_;
};

}  // namespace vireo::host_cpu
