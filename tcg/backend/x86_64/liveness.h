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
  FlagMask flags_after(size_t at) const { return flags_after_[at]; }
  /// The same without those that only a fault of a memory access could show.
  FlagMask flags_read_after(size_t at) const { return flags_read_after_[at]; }
  FlagMask flags_read_before(size_t at) const { return flags_read_before_[at]; }
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
  bool shows_state(const Block& block, size_t at) const;
  void find_uses(const Block& block);
  static bool sets_for_nothing(const Inst& inst, uint16_t& overwritten);
  bool find_targets(const Block& block);
  void find_homes(const Block& block);
  void set_target(const Block& block, size_t setter, ValueId value, unsigned reg);
  void find_flags(const Block& block);
  static FirstFlagUse find_first_flag_use(const Block& block);

  const AccessGroups* groups_ = nullptr;
  std::vector<Info> values_;
  std::vector<FlagMask> flags_after_, flags_read_after_, flags_read_before_;
  std::vector<uint32_t> checks_before_;  // number of checks before each instruction
  std::vector<ValuePlace> places_;
  FirstFlagUse first_flag_use_ = FirstFlagUse::kNone;
};

/// Whether the instruction writes all of Inst::flags whatever its operands are.
bool always_writes_flags(const Block& block, const Inst& inst);
/// Flags that the instruction itself reads (not those that it may show by faulting).
FlagMask flags_read(const Block& block, const Inst& inst);

}  // namespace vireo::tcg::x86_64
