// Removes instructions without use or effect, backward; then closes the gaps and renumbers.

#include "tcg/opt/pipeline.h"

namespace vireo::tcg {
namespace {

/// Whether `inst` does something besides its result. Loads may fault, so they stay.
bool has_effect(const Inst& inst) {
  constexpr uint16_t kEffects =
      kMayFault | kWritesState | kWritesMemory | kEndsBlock | kLeavesBlock | kSyncs;
  return inst.flags != kNoFlags || (effects(inst) & kEffects) || inst.op == Opcode::kInsnStart ||
         inst.op == Opcode::kPushReturn || inst.op == Opcode::kPrefetch;
}

}  // namespace

void remove_dead_code(Block& block, PassScratch& scratch) {
  std::vector<Inst>& insts = block.insts;
  for (Inst& inst : insts) inst.uses = 0;
  scratch.replacement.assign(insts.size(), kNoValue);
  for (size_t id = insts.size(); id-- > 0;) {
    const Inst& inst = insts[id];
    if (inst.uses == 0 && !has_effect(inst)) continue;
    scratch.replacement[id] = 0;
    for (ValueId operand : {inst.a, inst.b, inst.c}) {
      if (operand != kNoValue) ++insts[operand].uses;
    }
  }
  size_t end = 0;
  for (size_t id = 0; id < insts.size(); ++id) {
    if (scratch.replacement[id] == kNoValue) continue;
    Inst inst = insts[id];
    for (ValueId* operand : {&inst.a, &inst.b, &inst.c}) {
      if (*operand != kNoValue) *operand = scratch.replacement[*operand];
    }
    scratch.replacement[id] = static_cast<ValueId>(end);
    insts[end++] = inst;
  }
  insts.resize(end);
}

}  // namespace vireo::tcg
