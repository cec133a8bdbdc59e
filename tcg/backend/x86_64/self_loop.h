#pragma once

#include <cstdint>
#include <vector>

#include "tcg/ir/block.h"
#include "tcg/opt/access_groups.h"

namespace vireo::tcg::x86_64 {

/// A group of accesses of a loop whose address moves by a constant in each iteration, or not at
/// all.
struct LoopGroup {
  static constexpr uint8_t kNoRegister = 0xff;
  uint16_t group = 0;
  int16_t step = 0;           ///< Bytes from one iteration to the next.
  uint8_t reg = kNoRegister;  ///< The guest register that moves it; it counts by step >> scale.
  uint8_t scale = 0;
};

/// What is known of a block that ends in a branch to its own beginning.
class SelfLoop {
 public:
  /// Whether the block is such a loop, so that single accesses are of interest, too.
  static bool is_candidate(const Block& block);
  /// Finds the groups that need no check in the iterations that stay in a page.
  void find(const Block& block, const AccessGroups& groups);
  void clear() { groups_.clear(); }

  /// Empty: nothing is gained.
  const std::vector<LoopGroup>& groups() const { return groups_; }
  /// Null for AccessGroups::kNone, too.
  const LoopGroup* find_group(uint16_t group) const;
  /// A group whose register tells iterations apart.
  const LoopGroup& counter() const { return groups_[counter_]; }
  /// Whether all that move do so by the same power of two.
  bool is_uniform() const { return is_uniform_; }
  /// Whether nothing in it can fault, call or take long while SIMD exceptions are masked.
  bool is_closed() const { return is_closed_; }
  /// General registers that it reads or sets, a bit each.
  uint16_t registers() const { return registers_; }
  /// Whether SIMD exceptions have to be masked.
  bool has_floating_point() const { return has_floating_point_; }

 private:
  /// How a general register changes in an iteration.
  struct Change {
    bool constant = true;
    int64_t step = 0;
    /// The first instruction that sets it to anything but what the iteration began with, plus a
    /// constant.
    size_t other_use = ~size_t{0};
  };
  void find_changes(const Block& block);
  bool flags_are_free(const Block& block, const AccessGroups& groups);
  bool may_fault(const Block& block, const AccessGroups& groups, size_t at) const;
  void find_registers(const Block& block, const AccessGroups& groups);
  bool is_steady(const Block& block, ValueId value) const;
  bool moves(const Block& block, ValueId value, unsigned scale, const AccessGroup& accesses,
             LoopGroup& group) const;

  std::vector<LoopGroup> groups_;
  Change changes_[16];
  size_t counter_ = 0;
  bool is_uniform_ = false, is_closed_ = false;
  uint16_t registers_ = 0;
  bool has_floating_point_ = false;
};

}  // namespace vireo::tcg::x86_64
