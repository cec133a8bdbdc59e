#pragma once

#include "tcg/opt/pipeline.h"

namespace vireo::tcg {

/// Sends uses of values to what replaced them, for passes that walk forward.
class Rewriter {
 public:
  Rewriter(Block& block, PassScratch& scratch) : map_(scratch.map_for(block)) {}

  /// Brings the operands of instruction `id` up to date; it stands for itself from now on.
  void visit(Inst& inst, size_t id) {
    inst.a = map_[inst.a];
    inst.b = map_[inst.b];
    inst.c = map_[inst.c];
    map_[static_cast<ValueId>(id)] = static_cast<ValueId>(id);
  }
  /// Later uses of `id` mean `by`. The instruction itself stays until dead code is removed.
  void replace(size_t id, ValueId by) { map_[static_cast<ValueId>(id)] = by; }

 private:
  const ValueMap map_;
};

/// Makes `inst` a constant that nothing uses.
inline void make_removable(Inst& inst) { inst = {.op = Opcode::kConstant, .type = Type::kI8}; }

}  // namespace vireo::tcg
