// A block that runs into a loop goes on with two more of its iterations: short loops end there, and
// accesses off the same base share a check, whatever iteration they belong to. A block that is a
// loop and nothing else is left to the backend.

#include <algorithm>

#include "tcg/opt/pipeline.h"

namespace vireo::tcg {
namespace {

constexpr size_t kMostCopies = 2;
constexpr size_t kMostInsts = 320;  ///< Of a block with its copies, before other passes.

/// Whether an iteration can be repeated: nothing leaves, calls or changes what others look at, and
/// no value comes from before it.
bool is_plain(const Block& block, size_t first, size_t end) {
  constexpr uint16_t kNotPlain = kSyncs | kLeavesBlock | kEndsBlock;
  return std::all_of(block.insts.begin() + static_cast<ptrdiff_t>(first),
                     block.insts.begin() + static_cast<ptrdiff_t>(end), [first](const Inst& inst) {
                       return (effects(inst) & kNotPlain) == 0 && inst.a >= first &&
                              inst.b >= first && inst.c >= first;
                     });
}

/// Where the loop begins that `block` runs into and ends with; 0 if there is none, or not simply.
size_t find_start(const Block& block) {
  const size_t count = block.insts.size();
  if (count < 2 || block.separate_checks) return 0;
  const Inst& branch = block.insts[count - 2];
  if (branch.op != Opcode::kBranchFlags || block.insts[count - 1].op != Opcode::kExitDirect) {
    return 0;
  }
  if (branch.imm == block.guest_ip || branch.imm - block.guest_ip >= block.guest_size) return 0;
  const auto start = std::ranges::find_if(block.insts, [&branch](const Inst& inst) {
    return inst.op == Opcode::kInsnStart && inst.imm == branch.imm;
  });
  const auto first = static_cast<size_t>(start - block.insts.begin());
  return first < count && is_plain(block, first, count - 2) ? first : 0;
}

/// Behind `block` again what begins with `first`; what left the loop before leaves it there, too.
void append_copy(Block& block, size_t first, size_t body) {
  std::vector<Inst>& insts = block.insts;
  const size_t end = insts.size() - 2;
  const Inst branch = insts[end], exit = insts[end + 1];
  insts[end].aux = static_cast<uint16_t>(negate(static_cast<Condition>(branch.aux)));
  insts[end].imm = exit.imm;
  insts[end].extra = exit.extra;
  insts.pop_back();
  const size_t distance = insts.size() - first;
  for (size_t i = first; i < first + body; ++i) {
    Inst copy = insts[i];
    for (ValueId* operand : {&copy.a, &copy.b, &copy.c}) {
      if (*operand != kNoValue) *operand = static_cast<ValueId>(*operand + distance);
    }
    insts.push_back(copy);
  }
  insts.push_back(branch);
  insts.push_back(exit);
}

}  // namespace

void repeat_loop(Block& block, PassScratch&) {
  const size_t first = find_start(block);
  if (first == 0) return;
  const size_t body = block.insts.size() - 2 - first;
  for (size_t copies = 0; copies < kMostCopies; ++copies) {
    if (block.insts.size() + body + 1 > kMostInsts) return;
    append_copy(block, first, body);
  }
}

}  // namespace vireo::tcg
