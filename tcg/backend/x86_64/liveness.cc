// Next-use information for one forward pass of code generation.

#include "tcg/backend/x86_64/liveness.h"

#include <span>

#include "tcg/backend/x86_64/codegen.h"
#include "tcg/ir/evaluate.h"
#include "tcg/ir/flag_use.h"

namespace vireo::tcg::x86_64 {
namespace {

/// How far a value may be made ahead of the SetReg that it is for.
constexpr size_t kTargetReach = 24;

/// Of instructions that do nothing but make a value.
bool makes_nothing(const Inst& inst, unsigned uses) {
  if (uses != 0 || inst.flags != kNoFlags) return false;
  return (is_pure(inst.op) && inst.op != Opcode::kVector) || inst.op == Opcode::kGetReg ||
         inst.op == Opcode::kLoadState;
}

/// Leaves with flags in memory, or destroys those in the host.
bool wants_memory_flags(Opcode op) {
  switch (op) {
    case Opcode::kExitIndirect:
    case Opcode::kExitReturn:
    case Opcode::kExitRuntime:
    case Opcode::kBranchNonzero:
    case Opcode::kBranchRuntime:
    case Opcode::kDivU:
    case Opcode::kDivS:
      return true;
    default:
      return false;
  }
}

bool touches(const Inst& inst, unsigned reg, bool vector) {
  switch (inst.op) {
    case Opcode::kGetReg:
    case Opcode::kSetReg:
      return inst.aux == reg && is_vector(inst.type) == vector;
    case Opcode::kGetRegHigh8:
    case Opcode::kSetRegHigh8:
      return inst.aux == reg && !vector;
    case Opcode::kZeroUpper:
      return vector;
    default:
      return false;
  }
}

}  // namespace

Liveness::Liveness() = default;
Liveness::~Liveness() = default;

// Whether guest registers and flags have to be right before the instruction is over.
bool Liveness::shows_state(const Block& block, size_t at) const {
  return (effects(block.insts[at]) & kShowsFlags) != 0 && !groups_->is_checked(at);
}

// An unmasked SIMD exception shows flags wherever they are, but they have to be somewhere.
Liveness::FirstFlagUse Liveness::find_first_flag_use(const Block& block) {
  FlagMask overwritten = 0;
  bool may_show = false;
  for (const Inst& inst : block.insts) {
    const uint16_t effect = effects(inst);
    const bool checks = is_memory(inst.op) || (effect & kSyncs) != 0;
    if (checks || wants_memory_flags(inst.op)) return FirstFlagUse::kShown;
    if (flags_read(block, inst) & ~overwritten) return FirstFlagUse::kRead;
    if (effect & (kLeavesBlock | kEndsBlock)) return FirstFlagUse::kRead;
    may_show |= (effect & kMayFault) != 0;
    if (always_writes_flags(block, inst)) overwritten |= inst.flags;
    if (overwritten == kAllFlags) break;
    // Partly overwritten flags are merged in the host.
    if (inst.flags) return FirstFlagUse::kRead;
  }
  return may_show ? FirstFlagUse::kRead : FirstFlagUse::kNone;
}

void Liveness::set_target(const Block& block, size_t setter, ValueId value, unsigned reg) {
  const bool vector = is_vector(block.insts[value].type);
  // Narrower vector writes keep the upper lanes, which making the value there would not.
  if (vector && block.insts[setter].type < Type::kV128) return;
  if (values_[value].target != kNoTarget || setter - value > kTargetReach) return;
  for (size_t at = setter; --at > value;) {
    const bool touched = touches(block.insts[at], reg, vector) && !values_[at].needless;
    if (touched || shows_state(block, at)) return;
  }
  values_[value].target = static_cast<uint8_t>(reg);
  values_[value].whole = block.insts[setter].type == Type::kV256;
}

// Returns whether there are needless writes.
bool Liveness::find_targets(const Block& block) {
  const std::span<const Inst> insts = block.insts;
  bool any_needless = false;
  for (size_t at = 0; at < insts.size(); ++at) {
    const Inst& inst = insts[at];
    if (inst.op != Opcode::kSetReg) continue;
    if (values_[at].needless) {
      any_needless = true;
      continue;
    }
    set_target(block, at, inst.a, inst.aux);
    const Inst& from = insts[inst.a];
    if (from.op != Opcode::kZeroExtend || values_[from.a].uses != 1) continue;
    const Type type = insts[from.a].type;
    const bool widens_for_free = type == Type::kI32 || is_vector(type);
    if (widens_for_free) set_target(block, at, from.a, inst.aux);
  }
  return any_needless;
}

// What a needless write sets may still be there as long as it is used: the guest has no other use
// for that register meanwhile, and temporaries are few.
void Liveness::find_homes(const Block& block) {
  for (size_t at = 0; at < block.insts.size(); ++at) {
    const Inst& inst = block.insts[at];
    if (inst.op != Opcode::kSetReg || !values_[at].needless || size_of(inst.type) < 4) continue;
    const bool pinned = is_integer(inst.type) && kHostOfGuest[inst.aux] != kNoReg;
    if (pinned && values_[inst.a].last_use > at) set_target(block, at, inst.a, inst.aux);
  }
}

bool Liveness::check_between(size_t from, size_t to) const {
  return checks_from_[from + 1] != checks_from_[to];
}

// Finds uses, needless instructions, flags and checks: backward, since what only needless
// instructions use is needless itself.
void Liveness::walk(const Block& block) {
  const std::span<const Inst> insts = block.insts;
  FlagMask live = kAllFlags, read = kAllFlags;
  uint16_t overwritten = 0;  // general registers, before anybody can see what they hold now
  uint32_t checks = 0;
  checks_from_[insts.size()] = 0;
  for (size_t at = insts.size(); at-- > 0;) {
    const Inst& inst = insts[at];
    const bool checked = groups_->is_checked(at);
    const bool shows = shows_state(block, at);
    checks += (is_memory(inst.op) && !checked) || (effects(inst) & kSyncs) != 0;
    checks_from_[at] = checks;
    Flags& flags = flags_[at];
    flags.after = live;
    flags.read_after = read;
    const FlagMask reads = flags_read(block, inst);
    FlagMask kept = kAllFlags;
    if (inst.flags && always_writes_flags(block, inst)) kept = static_cast<FlagMask>(~inst.flags);
    live = shows ? FlagMask{kAllFlags} : static_cast<FlagMask>((live & kept) | reads);
    read = shows && !is_memory(inst.op) ? FlagMask{kAllFlags}
                                        : static_cast<FlagMask>((read & kept) | reads);
    flags.read_before = read;
    if (shows) overwritten = 0;
    Info& info = values_[at];
    info.needless = makes_nothing(inst, info.uses) || sets_for_nothing(inst, overwritten);
    if (!info.needless) note_uses(inst, at, checked);
  }
}

// Accesses that are already checked have the host address of their group.
void Liveness::note_uses(const Inst& inst, size_t at, bool is_checked) {
  const ValueId address = is_checked ? inst.a : kNoValue;
  for (const ValueId used : {inst.a, inst.b, inst.c}) {
    if (used == kNoValue || (used == address && used != inst.b)) continue;
    Info& value = values_[used];
    if (value.last_use == kNever) value.last_use = static_cast<uint32_t>(at);
    ++value.uses;
  }
}

// Notes whole general registers that `inst` sets or reads.
bool Liveness::sets_for_nothing(const Inst& inst, uint16_t& overwritten) {
  const bool access = inst.op == Opcode::kGetReg || inst.op == Opcode::kSetReg ||
                      inst.op == Opcode::kGetRegHigh8 || inst.op == Opcode::kSetRegHigh8;
  if (!access || is_vector(inst.type)) return false;
  const auto bit = static_cast<uint16_t>(1u << inst.aux);
  if (inst.op == Opcode::kSetReg && (overwritten & bit)) return true;
  const bool whole = inst.op == Opcode::kSetReg && size_of(inst.type) >= 4;
  overwritten = static_cast<uint16_t>(whole ? overwritten | bit : overwritten & ~bit);
  return false;
}

void Liveness::analyse(const Block& block, const AccessGroups& groups, bool is_loop) {
  const size_t count = block.insts.size();
  groups_ = &groups;
  values_.assign(count, {kNever, 0, kNoTarget, false, false});
  flags_.resize(count);
  checks_from_.resize(count + 1);
  places_.assign(count, {});
  walk(block);
  const bool any_needless = find_targets(block);
  if (any_needless && !is_loop) find_homes(block);
  first_flag_use_ = find_first_flag_use(block);
}

}  // namespace vireo::tcg::x86_64
