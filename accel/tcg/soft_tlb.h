#pragma once

#include <cstdint>
#include <memory>

#include "tcg/runtime/frame.h"

namespace vireo::accel {

/// One memory context's direct-mapped TLB, with a list of the entries in use, so that a flush costs
/// what was filled. Its methods use general registers only.
class SoftTlb {
 public:
  SoftTlb();

  tcg::TlbEntry* entries() { return entries_.get(); }

  /// Makes `page` (guest-virtual) hit: reads and writes go to `host` as far as allowed.
  void fill(uint64_t page, std::byte* host, bool readable, bool writable, bool global);
  /// Whether the entry of `page` belongs to it.
  bool holds(uint64_t page) const;
  void flush();
  /// Keeps global entries.
  void flush_non_global();
  void flush_page(uint64_t page);
  /// Takes the write permission of entries that lead to host memory in [first, last].
  void withdraw_write_range(const std::byte* first, const std::byte* last);

 private:
  void clear(unsigned index);

  std::unique_ptr<tcg::TlbEntry[]> entries_;
  uint16_t used_[tcg::kTlbEntries];  // indices of entries that may be valid, each once
  unsigned used_count_ = 0;
};

}  // namespace vireo::accel
