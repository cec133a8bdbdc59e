#pragma once

#include <memory>
#include <string>

#include "target/i386/cpu/state.h"
#include "tcg/backend/backend.h"
#include "tcg/opt/pipeline.h"
#include "tcg/runtime/frame_allocation.h"
#include "tests/conformance/host_cpu/processor_state.h"

namespace vireo::host_cpu {

/// Runs single instructions through the translator and a backend. Guest addresses are host
/// addresses, but only the arena's data exists.
class GuestRunner {
 public:
  explicit GuestRunner(
      util::Result<std::unique_ptr<tcg::Backend>> (*make)(const tcg::BackendConfig&),
      bool wide_vectors = true);
  bool available() const { return backend_ != nullptr; }

  /// Runs the instruction at arena().code in a code segment of `bits` (32 or 64).
  Outcome run(unsigned bits, ProcessorState& state);
  /// What verify() said of a run, if it did not like the IR.
  const std::string& problem() const { return problem_; }
  /// The IR of the last run, for reports.
  std::string listing() const;

 private:
  void load(uint64_t mode, const ProcessorState& state);
  void store(ProcessorState& state) const;
  i386::CpuState& cpu() const { return *static_cast<i386::CpuState*>(allocation_.memory()); }

  tcg::FrameAllocation allocation_;
  std::unique_ptr<tcg::Tlb> tlb_;
  std::unique_ptr<tcg::JumpTarget[]> jump_cache_;
  std::unique_ptr<tcg::Backend> backend_;
  tcg::Pipeline pipeline_ = tcg::Pipeline::standard();
  tcg::Block block_;
  std::string problem_;
};

}  // namespace vireo::host_cpu
