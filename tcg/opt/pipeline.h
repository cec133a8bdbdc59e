#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tcg/ir/block.h"
#include "util/result.h"

namespace vireo::tcg {

/// What is noted of each value, and 0xffff of none (kNoValue), so that operands that are absent
/// need no question.
class ValueMap {
 public:
  explicit ValueMap(uint16_t* places) : places_(places) {}
  uint16_t& operator[](ValueId id) const { return places_[static_cast<ValueId>(id + 1)]; }

 private:
  uint16_t* places_;
};

/// What passes need beside the block; kept from block to block, so that they allocate nothing.
class PassScratch {
 public:
  /// Only kNoValue's is set; what others hold is left from before.
  ValueMap map_for(const Block& block) {
    if (places_.size() <= block.insts.size()) places_.resize(block.insts.size() + 1);
    places_[0] = kNoValue;
    return ValueMap(places_.data());
  }

 private:
  std::vector<uint16_t> places_;
};

/// A pass: one walk over the instructions, forward or backward.
struct Pass {
  const char* name;     ///< As in a textual pipeline.
  const char* summary;  ///< One line for people.
  void (*run)(Block& block, PassScratch& scratch);
};

/// Every pass there is.
std::span<const Pass> passes();

/// A list of passes to run over blocks; one object a thread.
class Pipeline {
 public:
  /// `text`: names of passes, separated by commas. Errors: kInvalidArgument for an unknown name.
  static util::Result<Pipeline> parse(std::string_view text);
  /// What translations get.
  static Pipeline standard();

  /// Blocks are in order (verify()) before and after.
  void run(Block& block) {
    for (const Pass* pass : passes_) pass->run(block, scratch_);
  }

 private:
  std::vector<const Pass*> passes_;
  PassScratch scratch_;
};

// The passes, a file each.
void repeat_loop(Block& block, PassScratch& scratch);
void forward_state(Block& block, PassScratch& scratch);
void narrow_flags(Block& block, PassScratch& scratch);
void fold_constants(Block& block, PassScratch& scratch);
void remove_dead_code(Block& block, PassScratch& scratch);

}  // namespace vireo::tcg
