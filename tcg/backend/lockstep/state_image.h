#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tcg/ir/types.h"
#include "tcg/runtime/frame.h"

namespace vireo::tcg::lockstep {

/// A copy of what a guest can see of a vCPU: the guest's part of its Frame, and the target's state
/// behind it.
class StateImage {
 public:
  /// `state_bytes` with the Frame. The byte at offset `asynchronous` (0: none) is no part of it.
  void take(const Frame& frame, size_t state_bytes, size_t asynchronous);
  void put(Frame& frame) const;
  /// The arithmetic flags alone.
  void put_flags(Frame& frame) const;
  /// Whether `frame` holds this, apart from the arithmetic flags in `ignored`.
  bool matches(const Frame& frame, FlagMask ignored) const;
  /// What of `frame` differs, a line a field: "  r3: 0x1 became 0x2".
  std::string differences(const Frame& frame, FlagMask ignored) const;

 private:
  uint32_t flags() const;
  bool same_target(const Frame& frame) const;

  uint64_t general_[16];
  uint64_t guest_ip_;
  uint32_t mxcsr_;
  uint8_t flag_overflow_, flags_low_;
  uint8_t kernel_tlb_;  ///< Index in Frame::kernel_tlb of the one in use.
  uint8_t vector_[16][32];
  std::vector<uint8_t> target_;
  size_t asynchronous_ = 0;  ///< In target_; its size if there is none.
};

}  // namespace vireo::tcg::lockstep
