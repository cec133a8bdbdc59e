#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tcg/ir/block.h"
#include "tcg/opt/access_groups.h"

namespace vireo::tcg::x86_64 {

struct ValuePlace;

/// What code generation has to know ahead: last uses, flags read later, and which guest register a
/// value is made for. Kept from block to block, so that it allocates nothing.
class Liveness {
 public:
  static constexpr uint32_t kNever = 0;
  static constexpr uint8_t kNoTarget = 0xff;

  Liveness();
  ~Liveness();

  /// `groups` stays while the results are used. `is_loop`: registers that move accesses hold what
  /// the guest's do.
  void analyse(const Block& block, const AccessGroups& groups, bool is_loop);

  /// Whether it makes nothing that anybody needs.
  bool is_needless(size_t at) const { return values_[at].needless; }

  /// Index of the last instruction that uses the value, or kNever.
  uint32_t last_use(ValueId id) const { return values_[id].last_use; }
  unsigned uses(ValueId id) const { return values_[id].uses; }
  /// The guest register (general or vector, by type) that the value is set to while nothing that
  /// may fault, leave or look at that register comes between, or would be, if anybody could see it;
  /// or kNoTarget.
  uint8_t target(ValueId id) const { return values_[id].target; }
  /// Whether the write to that (vector) register leaves none of its bits as they were.
  bool target_whole(ValueId id) const { return values_[id].whole; }
  /// Flags that are read, or could be shown to the guest, after instruction `at` and before they
  /// are overwritten.
  FlagMask flags_after(size_t at) const { return flags_[at].after; }
  /// The same without those that only a fault of a memory access could show.
  FlagMask flags_read_after(size_t at) const { return flags_[at].read_after; }
  FlagMask flags_read_before(size_t at) const { return flags_[at].read_before; }
  /// Whether a memory check or a call (after which r12 and r14 are lost) comes in (from, to).
  bool check_between(size_t from, size_t to) const;
  /// What a block does first with flags that it is entered with.
  enum class FirstFlagUse { kNone, kRead, kShown };
  FirstFlagUse first_flag_use() const { return first_flag_use_; }

  std::vector<ValuePlace>& places() { return places_; }

 private:
  struct Info {
    uint32_t last_use;
    uint16_t uses;
    uint8_t target;
    bool whole;
    bool needless;
  };
  struct Flags {
    FlagMask after, read_after, read_before;
  };
  bool shows_state(const Block& block, size_t at) const;
  void walk(const Block& block);
  void note_uses(const Inst& inst, size_t at, bool is_checked);
  static bool sets_for_nothing(const Inst& inst, uint16_t& overwritten);
  bool find_targets(const Block& block);
  void find_homes(const Block& block);
  void set_target(const Block& block, size_t setter, ValueId value, unsigned reg);
  static FirstFlagUse find_first_flag_use(const Block& block);

  const AccessGroups* groups_ = nullptr;
  std::vector<Info> values_;
  std::vector<Flags> flags_;
  std::vector<uint32_t> checks_from_;  // number of checks in and behind each instruction
  std::vector<ValuePlace> places_;
  FirstFlagUse first_flag_use_ = FirstFlagUse::kNone;
};

}  // namespace vireo::tcg::x86_64
