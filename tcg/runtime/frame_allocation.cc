// Placing a Frame and its poll page.

#include "tcg/runtime/frame_allocation.h"

#include <cstdlib>

#include "util/log.h"

namespace vireo::tcg {

FrameAllocation::FrameAllocation(size_t state_bytes) {
  auto mapping =
      util::MemoryMapping::create("the state of a CPU", kPollPageOffset + util::host_page_size());
  if (!mapping || state_bytes > kPollPageOffset) {
    util::warn("no memory for the state of a CPU");
    std::abort();
  }
  mapping_ = std::move(*mapping);
}

}  // namespace vireo::tcg
