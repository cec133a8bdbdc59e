#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tcg/backend/backend.h"

namespace vireo::tcg {

/// Makes one of the two backends.
using BackendFactory =
    std::function<util::Result<std::unique_ptr<Backend>>(const BackendConfig& config)>;

struct LockstepConfig {
  size_t state_bytes = sizeof(Frame);  ///< Of a vCPU's state, which begins with its Frame.
  /// Offset of a byte in it that other threads may set at any time (requests), and that is left
  /// alone; 0: there is none.
  size_t asynchronous_byte = 0;
  BackendFactory reference = &make_interpreter_backend;
  BackendFactory subject = &make_jit_backend;
  /// A block is compared this many times, and after that once in so many runs; in the others the
  /// subject runs alone.
  uint32_t always = 1000, then_once_in = 32;
  /// Told of the first difference, on the vCPU's thread; the state is that before the block. After
  /// it only the reference runs.
  std::function<void(Frame* frame, const TranslatedBlock& block, const std::string& what)> report;
};

/// A backend that runs each block on two others and compares registers, vCPU state and memory.
///
/// The reference runs first and for real; all its memory accesses, helper calls and faults go
/// through hooks that write them down. The subject then starts from the same state. If all that the
/// block touched was plain memory, it runs on copies of those pages; else every access and call of
/// it is compared with the next one written down, which gives it the result, so that devices and
/// helpers see everything once. Flags that the SDM leaves undefined are left out. Counts are told
/// on standard error at the end.
util::Result<std::unique_ptr<Backend>> make_lockstep_backend(const BackendConfig& config,
                                                             LockstepConfig lockstep);

}  // namespace vireo::tcg
