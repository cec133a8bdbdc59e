// Which memory accesses of a block can share a check: those off one base, at constant distances.

#include "tcg/opt/access_groups.h"

#include <algorithm>

namespace vireo::tcg {
namespace {

uint8_t alignment_of(const Inst& access) {
  return (access.extra & kMemoryAligned) ? static_cast<uint8_t>(size_of(access.type)) : uint8_t{1};
}

}  // namespace

void AccessGroups::clear(const Block& block) {
  members_.assign(block.insts.size(), {kNone, 0});
  groups_.clear();
}

void AccessGroups::find(const Block& block, MayJoin may_join) {
  clear(block);
  open_.clear();
  loads_of_state_.clear();
  bool first_of_instruction = true;
  for (size_t at = 0; at < block.insts.size(); ++at) {
    const Inst& inst = block.insts[at];
    if (inst.op == Opcode::kInsnStart) first_of_instruction = true;
    if (inst.op == Opcode::kLoadState) common_load_state(block, static_cast<ValueId>(at));
    if (inst.op == Opcode::kStoreState) loads_of_state_.clear();
    if (effects(inst) & kSyncs) {
      open_.clear();
      loads_of_state_.clear();
    }
    if (!is_memory(inst.op)) continue;
    if (may_join(block, inst)) {
      const Address address = address_of(block, inst);
      if (!join(at, inst, address) && first_of_instruction) open(at, inst, address);
    }
    first_of_instruction = false;
  }
}

// The first load of the same field, so that values loaded from it are known to be the same.
ValueId AccessGroups::common_load_state(const Block& block, ValueId id) {
  for (const ValueId other : loads_of_state_) {
    const Inst &a = block.insts[other], &b = block.insts[id];
    if (a.imm == b.imm && a.type == b.type) return other;
  }
  if (std::ranges::find(loads_of_state_, id) == loads_of_state_.end()) {
    loads_of_state_.push_back(id);
  }
  return id;
}

int64_t AccessGroups::take_constants(const Block& block, ValueId& value) {
  int64_t sum = 0;
  while (value != kNoValue && block.insts[value].type == Type::kI64) {
    const Inst& inst = block.insts[value];
    const bool adds = inst.op == Opcode::kAdd || inst.op == Opcode::kSub;
    if (inst.op == Opcode::kAddress && inst.b == kNoValue) {
      sum += static_cast<int64_t>(inst.imm);
    } else if (adds && block.insts[inst.b].op == Opcode::kConstant) {
      const auto distance = static_cast<int64_t>(block.insts[inst.b].imm);
      sum += inst.op == Opcode::kAdd ? distance : -distance;
    } else {
      break;
    }
    value = inst.a;
  }
  return sum;
}

AccessGroups::Address AccessGroups::sum_of(const Block& block, ValueId value) {
  Address sum{.root = value};
  sum.displacement = take_constants(block, sum.root);
  if (sum.root == kNoValue) return sum;
  const Inst& inst = block.insts[sum.root];
  if (inst.type != Type::kI64 || inst.op != Opcode::kAddress) return sum;
  sum.index = inst.b;
  sum.scale = static_cast<uint8_t>(inst.aux);
  sum.displacement += static_cast<int64_t>(inst.imm);
  sum.root = inst.a;
  sum.displacement += take_constants(block, sum.root);
  sum.displacement += take_constants(block, sum.index) * (int64_t{1} << sum.scale);
  return sum;
}

AccessGroups::Address AccessGroups::address_of(const Block& block, const Inst& access) {
  Address address = sum_of(block, access.a);
  address.displacement += static_cast<int64_t>(access.imm);
  const bool from_state =
      address.root != kNoValue && block.insts[address.root].op == Opcode::kLoadState;
  if (from_state) address.root = common_load_state(block, address.root);
  return address;
}

bool AccessGroups::join(size_t at, const Inst& access, const Address& address) {
  const uint8_t alignment = alignment_of(access);
  for (Candidate& group : open_) {
    if (!group.address.same_page_as(address)) continue;
    if (((group.flags ^ access.extra) & kMemoryUser) != 0) continue;
    const int64_t end = address.displacement + size_of(access.type);
    const int64_t lowest = std::min(group.lowest, address.displacement);
    const int64_t highest = std::max(group.end, end);
    if (highest - lowest > kMostBytes) continue;
    const int64_t both = std::min(group.alignment, alignment);
    if ((address.displacement - group.aligned_at) % both != 0) continue;
    if (alignment > group.alignment) {
      group.alignment = alignment;
      group.aligned_at = address.displacement;
    }
    group.lowest = lowest;
    group.end = highest;
    AccessGroup& found = groups_[group.number];
    found.last = static_cast<ValueId>(at);
    found.writes |= access.op != Opcode::kLoad;
    const int64_t below = (lowest - group.aligned_at) & (group.alignment - 1);
    found.lowest = static_cast<int32_t>(lowest - below - group.address.displacement);
    found.bytes = static_cast<uint16_t>(highest - lowest + below);
    found.alignment = group.alignment;
    members_[at] = {group.number,
                    static_cast<int32_t>(address.displacement - group.address.displacement)};
    return true;
  }
  return false;
}

void AccessGroups::open(size_t at, const Inst& access, const Address& address) {
  Candidate group{.address = address,
                  .lowest = address.displacement,
                  .end = address.displacement + size_of(access.type),
                  .aligned_at = address.displacement,
                  .flags = access.extra,
                  .alignment = alignment_of(access),
                  .number = static_cast<uint16_t>(groups_.size())};
  const auto id = static_cast<ValueId>(at);
  groups_.push_back({.first = id,
                     .last = id,
                     .bytes = static_cast<uint16_t>(size_of(access.type)),
                     .alignment = group.alignment,
                     .writes = access.op != Opcode::kLoad,
                     .root = address.root,
                     .index = address.index,
                     .scale = address.scale});
  members_[at] = {group.number, 0};
  open_.push_back(group);
}

}  // namespace vireo::tcg
