// Loops of one block: which of their accesses walk through memory in constant steps.

#include "tcg/backend/x86_64/self_loop.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "tcg/ir/flag_use.h"

namespace vireo::tcg::x86_64 {
namespace {

// Longer ones leave a page too soon.
constexpr int64_t kLongestStep = 512;
constexpr size_t kMostGroups = 6;

}  // namespace

bool SelfLoop::is_candidate(const Block& block) {
  const size_t count = block.insts.size();
  if (count < 2 || block.separate_checks) return false;
  const Inst& branch = block.insts[count - 2];
  if (branch.op != Opcode::kBranchFlags && branch.op != Opcode::kBranchNonzero) return false;
  if (branch.imm != block.guest_ip || block.insts[count - 1].op != Opcode::kExitDirect)
    return false;
  constexpr uint16_t kNotPlain = kSyncs | kLeavesBlock | kEndsBlock;
  return std::all_of(block.insts.begin(), block.insts.end() - 2, [](const Inst& inst) {
    return (effects(inst) & kNotPlain) == 0 && inst.op != Opcode::kStoreState;
  });
}

void SelfLoop::find(const Block& block, const AccessGroups& groups) {
  clear();
  find_changes(block);
  for (uint16_t number = 0; number < groups.size(); ++number) {
    const AccessGroup& group = groups[number];
    LoopGroup found{.group = number};
    const bool knows = moves(block, group.root, 0, group, found) &&
                       moves(block, group.index, group.scale, group, found) &&
                       found.step % group.alignment == 0;
    if (knows && groups_.size() < kMostGroups) groups_.push_back(found);
  }
  const auto counts = [](const LoopGroup& group) { return group.step != 0; };
  const auto counter = std::ranges::find_if(groups_, counts);
  if (counter == groups_.end() || !flags_are_free(block, groups)) return clear();
  counter_ = static_cast<size_t>(counter - groups_.begin());
  find_registers(block, groups);
  const int step = counter->step;
  is_uniform_ = std::has_single_bit(static_cast<unsigned>(std::abs(step))) &&
                std::ranges::all_of(groups_, [step](const LoopGroup& group) {
                  return group.step == 0 || group.step == step;
                });
}

// In the copy: there the accesses of the groups cannot.
bool SelfLoop::may_fault(const Block& block, const AccessGroups& groups, size_t at) const {
  return (effects(block.insts[at]) & kMayFault) != 0 && find_group(groups.number_at(at)) == nullptr;
}

// And whether the loop is closed.
void SelfLoop::find_registers(const Block& block, const AccessGroups& groups) {
  registers_ = 0;
  is_closed_ = true;
  for (size_t at = 0; at < block.insts.size(); ++at) {
    const Inst& inst = block.insts[at];
    switch (inst.op) {
      case Opcode::kGetReg:
      case Opcode::kSetReg:
      case Opcode::kGetRegHigh8:
      case Opcode::kSetRegHigh8:
        if (is_integer(inst.type)) registers_ |= static_cast<uint16_t>(1u << inst.aux);
        break;
      case Opcode::kX87:
      case Opcode::kX87Load:
      case Opcode::kX87Store:
        is_closed_ = false;
        break;
      default:
        is_closed_ &= inst.op == Opcode::kVector || !may_fault(block, groups, at);
    }
  }
}

const LoopGroup* SelfLoop::find_group(uint16_t group) const {
  const auto found = std::ranges::find(groups_, group, &LoopGroup::group);
  return found == groups_.end() ? nullptr : &*found;
}

// From the last value that each register is set to back to what it was at the beginning.
void SelfLoop::find_changes(const Block& block) {
  std::ranges::fill(changes_, Change{});
  for (size_t at = 0; at < block.insts.size(); ++at) {
    const Inst& set = block.insts[at];
    const bool sets = set.op == Opcode::kSetReg || set.op == Opcode::kSetRegHigh8;
    if (!sets || is_vector(set.type)) continue;
    Change& change = changes_[set.aux];
    change.constant = false;
    if (set.op == Opcode::kSetReg && set.type == Type::kI64) {
      const AccessGroups::Address sum = AccessGroups::sum_of(block, set.a);
      const Inst* from = sum.root == kNoValue ? nullptr : &block.insts[sum.root];
      change.constant = from != nullptr && sum.index == kNoValue && from->op == Opcode::kGetReg &&
                        from->type == Type::kI64 && from->aux == set.aux;
      change.step = sum.displacement;
    }
    if (!change.constant) change.other_use = std::min(change.other_use, at);
  }
}

// Whether the value is the same in each iteration.
bool SelfLoop::is_steady(const Block& block, ValueId value) const {
  const Inst& inst = block.insts[value];
  if (inst.op == Opcode::kConstant || inst.op == Opcode::kLoadState) return true;
  return inst.op == Opcode::kGetReg && inst.type == Type::kI64 && changes_[inst.aux].constant &&
         changes_[inst.aux].step == 0;
}

// Whether the part of an address moves as is known; notes the register that does it.
bool SelfLoop::moves(const Block& block, ValueId value, unsigned scale, const AccessGroup& accesses,
                     LoopGroup& group) const {
  if (value == kNoValue || is_steady(block, value)) return true;
  const Inst& inst = block.insts[value];
  if (inst.op != Opcode::kGetReg || inst.type != Type::kI64 ||
      group.reg != LoopGroup::kNoRegister) {
    return false;
  }
  const Change& change = changes_[inst.aux];
  const int64_t step = change.step << scale;
  if (!change.constant || change.other_use < accesses.last) return false;
  if (step > kLongestStep || step < -kLongestStep) return false;
  // What is read behind a change is not what the iteration began with.
  const auto is_change = [&](const Inst& other) {
    return other.op == Opcode::kSetReg && !is_vector(other.type) && other.aux == inst.aux;
  };
  if (std::any_of(block.insts.begin(), block.insts.begin() + value, is_change)) return false;
  group.reg = static_cast<uint8_t>(inst.aux);
  group.scale = static_cast<uint8_t>(scale);
  group.step = static_cast<int16_t>(step);
  return true;
}

// Whether nobody looks at the flags with which an iteration begins.
bool SelfLoop::flags_are_free(const Block& block, const AccessGroups& groups) {
  FlagMask overwritten = 0;
  has_floating_point_ = false;
  for (size_t at = 0; at < block.insts.size(); ++at) {
    const Inst& inst = block.insts[at];
    const uint16_t effect = effects(inst);
    const bool faults = may_fault(block, groups, at);
    const bool is_vector_operation = inst.op == Opcode::kVector;
    has_floating_point_ |= faults && is_vector_operation;
    if (overwritten == kAllFlags) continue;
    if ((flags_read(block, inst) & ~overwritten) != 0) return false;
    if (effect & (kLeavesBlock | kEndsBlock)) return false;
    if (faults && !is_vector_operation) return false;
    if (always_writes_flags(block, inst)) overwritten |= inst.flags;
  }
  return true;
}

}  // namespace vireo::tcg::x86_64
