#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tcg/ir/block.h"

namespace vireo::tcg {

/// Memory accesses of a block whose addresses differ by constants: one check, made by the first of
/// them, can serve all, as long as they lie in one page.
struct AccessGroup {
  ValueId first = 0, last = 0;  ///< Instructions.
  int32_t lowest = 0;     ///< From the address of the first access to the lowest byte of any; <= 0.
  uint16_t bytes = 0;     ///< From there to the end of the highest.
  uint8_t alignment = 1;  ///< What that address has to be a multiple of: 1, 16 or 32.
  bool writes = false;    ///< One of them does.
  // What their addresses have in common: root + (index << scale).
  ValueId root = kNoValue, index = kNoValue;
  uint8_t scale = 0;
};

/// The groups of one block. Kept from block to block, so that it allocates nothing.
class AccessGroups {
 public:
  static constexpr uint16_t kNone = 0xffff;
  /// The longer a group, the more often it crosses a page, where its check is for nothing.
  static constexpr int64_t kMostBytes = 1024;

  /// An address: root + (index << scale) + displacement.
  struct Address {
    ValueId root = kNoValue, index = kNoValue;
    uint8_t scale = 0;
    int64_t displacement = 0;
    bool same_page_as(const Address& other) const {
      return root == other.root && index == other.index && scale == other.scale;
    }
  };
  /// `value` as such a sum, as far as it is one.
  static Address sum_of(const Block& block, ValueId value);

  /// Whether the memory access may take part: nothing but its check can fail.
  using MayJoin = bool (*)(const Block& block, const Inst& access);

  /// A group begins with the first access of a guest instruction, so that the instruction can begin
  /// again without it, and ends where the address space may change.
  /// Single accesses are groups as well until drop_single_ones().
  void find(const Block& block, MayJoin may_join);
  /// All but those that `keep` (const) wants.
  template <class Keep>
  void drop_single_ones(Keep&& keep) {
    for (uint16_t number = 0; number < groups_.size(); ++number) {
      const AccessGroup& group = groups_[number];
      if (group.first == group.last && !keep(number)) members_[group.first].group = kNone;
    }
  }
  /// None at all.
  void clear(const Block& block);

  /// The group of the access at this index, or kNone.
  uint16_t number_at(size_t at) const { return members_[at].group; }
  const AccessGroup& operator[](uint16_t number) const { return groups_[number]; }
  size_t size() const { return groups_.size(); }
  /// Whether an earlier access has made the check.
  bool is_checked(size_t at) const {
    return number_at(at) != kNone && groups_[number_at(at)].first != at;
  }
  /// From the group's lowest byte to the access.
  int32_t offset_at(size_t at) const {
    return members_[at].displacement - groups_[number_at(at)].lowest;
  }

 private:
  /// A group that may still grow, with bounds relative to its Address without displacement.
  struct Candidate {
    Address address;  ///< Of the first access.
    int64_t lowest = 0, end = 0;
    int64_t aligned_at = 0;  ///< A displacement that is a multiple of `alignment`.
    uint8_t flags = 0;       ///< MemoryFlags that all share.
    uint8_t alignment = 1;
    uint16_t number = 0;
  };
  struct Member {
    uint16_t group;
    int32_t displacement;  ///< From the group's first access.
  };

  /// Makes `value` what it is without the constants that are added to it, and returns their sum.
  static int64_t take_constants(const Block& block, ValueId& value);
  Address address_of(const Block& block, const Inst& access);
  ValueId common_load_state(const Block& block, ValueId id);
  bool join(size_t at, const Inst& access, const Address& address);
  void open(size_t at, const Inst& access, const Address& address);

  std::vector<Member> members_;
  std::vector<AccessGroup> groups_;
  std::vector<Candidate> open_;
  std::vector<ValueId> loads_of_state_;  // each the first of its field
};

}  // namespace vireo::tcg
