// Liveness of the arithmetic flags, backward: an instruction keeps in Inst::flags what is read
// before it is overwritten. Whatever may fault, leave or call shows all flags to the guest.

#include <span>

#include "tcg/ir/flag_use.h"
#include "tcg/opt/pipeline.h"

namespace vireo::tcg {

void narrow_flags(Block& block, PassScratch&) {
  const std::span<Inst> insts = block.insts;
  FlagMask live = kAllFlags;
  for (size_t id = insts.size(); id-- > 0;) {
    Inst& inst = insts[id];
    if (inst.flags) {
      inst.flags &= live;
      if (inst.flags && always_writes_flags(block, inst))
        live &= static_cast<FlagMask>(~inst.flags);
    }
    live |= effects(inst) & kShowsFlags ? FlagMask{kAllFlags} : flags_read(block, inst);
  }
}

}  // namespace vireo::tcg
