#pragma once

#include "tcg/opt/pipeline.h"

namespace vireo::tcg {

/// Sends uses of values to what replaced them, for passes that walk forward.
class Rewriter {
 public:
  Rewriter(Block& block, PassScratch& scratch) : map_(scratch.replacement) {
    map_.resize(block.insts.size());
  }

  /// Brings the operands of instruction `id` up to date; it stands for itself from now on.
  void visit(Inst& inst, size_t id) {
    inst.a = resolve(inst.a);
    inst.b = resolve(inst.b);
    inst.c = resolve(inst.c);
    map_[id] = static_cast<ValueId>(id);
  }
  /// Later uses of `id` mean `by`. The instruction itself stays until dead code is removed.
  void replace(size_t id, ValueId by) { map_[id] = by; }

 private:
  ValueId resolve(ValueId id) const { return id == kNoValue ? id : map_[id]; }

  std::vector<ValueId>& map_;
};

/// Makes `inst` a constant that nothing uses.
inline void make_removable(Inst& inst) { inst = {.op = Opcode::kConstant, .type = Type::kI8}; }

}  // namespace vireo::tcg
