#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "block/drive.h"

namespace vireo::hw {

/// Takes what changes in a memory to a drive that holds the same: one request at a time; what
/// changes meanwhile goes with the next, so that a run of single bytes becomes few requests. Those
/// on their way keep it alive, so that a device may leave before they have ended. Machine lock.
class WriteThrough : public std::enable_shared_from_this<WriteThrough> {
 public:
  /// `contents` stay the caller's, who calls leave() before they go; the drive outlives this.
  WriteThrough(block::Drive& drive, const std::byte* contents)
      : drive_(drive), contents_(contents) {}

  /// Bytes [offset, offset + length) have new values.
  void changed(uint64_t offset, uint64_t length);
  /// Nothing more will change, and the contents go. What changed before still reaches the drive.
  void leave();

 private:
  void gather();
  void submit_next();

  block::Drive& drive_;
  const std::byte* contents_;  // null after leave()
  // The part that the drive does not have yet, its bytes once gathered, and what is on its way.
  uint64_t first_ = 0, end_ = 0;
  std::vector<std::byte> next_;
  bool writing_ = false;
  std::vector<std::byte> written_;
};

}  // namespace vireo::hw
