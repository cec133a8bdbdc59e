// Removes instructions without use or effect, backward; then closes the gaps and renumbers.

#include <array>
#include <span>

#include "tcg/opt/pipeline.h"

namespace vireo::tcg {
namespace {

constexpr uint16_t kNotForResult =
    kMayFault | kWritesState | kWritesMemory | kEndsBlock | kLeavesBlock | kSyncs;

/// Opcodes that do something besides their result. Loads may fault, so they stay.
constexpr auto kHasEffect = [] {
  std::array<bool, static_cast<size_t>(Opcode::kCount)> has{};
  for (size_t op = 0; op < std::size(kOpcodeEffects); ++op) {
    has[op] = (kOpcodeEffects[op] & kNotForResult) != 0;
  }
  for (const Opcode op : {Opcode::kInsnStart, Opcode::kPushReturn, Opcode::kPrefetch}) {
    has[static_cast<size_t>(op)] = true;
  }
  return has;
}();

bool has_effect(const Inst& inst) {
  if (inst.flags != kNoFlags || kHasEffect[static_cast<size_t>(inst.op)]) return true;
  return inst.op == Opcode::kVector && (effects(inst) & kNotForResult) != 0;
}

/// Makes `is_used` say which instructions something needs.
void mark(std::span<const Inst> insts, ValueMap is_used) {
  for (size_t id = 0; id < insts.size(); ++id) is_used[static_cast<ValueId>(id)] = false;
  for (size_t id = insts.size(); id-- > 0;) {
    const Inst& inst = insts[id];
    uint16_t& used = is_used[static_cast<ValueId>(id)];
    if (!used && !has_effect(inst)) continue;
    const ValueId a = inst.a, b = inst.b, c = inst.c;
    used = is_used[a] = is_used[b] = is_used[c] = true;
  }
  is_used[kNoValue] = kNoValue;  // Absent operands have overwritten it.
}

}  // namespace

void remove_dead_code(Block& block, PassScratch& scratch) {
  const std::span<Inst> insts = block.insts;
  const ValueMap number = scratch.map_for(block);
  mark(insts, number);
  ValueId end = 0;
  for (size_t id = 0; id < insts.size(); ++id) {
    uint16_t& here = number[static_cast<ValueId>(id)];
    if (!here) continue;
    here = end;
    Inst inst = insts[id];
    inst.a = number[inst.a];
    inst.b = number[inst.b];
    inst.c = number[inst.c];
    insts[end++] = inst;
  }
  block.insts.resize(end);
}

}  // namespace vireo::tcg
