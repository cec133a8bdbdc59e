#pragma once

#include <cstddef>

#include "util/host/memory.h"

namespace vireo::tcg {

/// The poll page lies this far behind the beginning of a Frame.
constexpr size_t kPollPageOffset = size_t{64} << 10;

/// Memory for a target's CPU state (which begins with its Frame), with the page behind it that
/// translated code reads at polls. A kick makes that page unreadable.
class FrameAllocation {
 public:
  /// `state_bytes` is at most kPollPageOffset. Running out of memory here ends the process.
  explicit FrameAllocation(size_t state_bytes);

  void* memory() const { return mapping_.data(); }

 private:
  util::MemoryMapping mapping_;
};

}  // namespace vireo::tcg
