#pragma once

#include <memory>

#include "tcg/runtime/frame.h"
#include "util/host/memory.h"
#include "util/result.h"

namespace vireo::tcg {

/// The host stacks that translated code runs on, one a privilege: the guest's calls are the host's
/// there, and so its returns are predicted. A return that does not fit, or that finds none, costs a
/// lookup. Below each lies a page that nobody may touch: who fills one has it shortened.
class ReturnStacks {
 public:
  /// For the vCPU's frame. Errors: no memory.
  static util::Result<std::unique_ptr<ReturnStacks>> create(Frame& frame);

  // On the vCPU's thread, outside of translated code, or while that does not run.
  /// Translated code goes on with the stack of this privilege (0 or 1).
  void select(unsigned privilege);
  /// Where returns led is gone.
  void forget();

  static constexpr size_t kBytes = size_t{32} << 10;  ///< Of each.
  /// How much of a full one is kept, the newest.
  static constexpr size_t kKeptBytes = 4 << 10;

 private:
  explicit ReturnStacks(Frame& frame) : frame_(frame) {}

  Frame& frame_;
  util::MemoryMapping mapping_;
};

/// For signal handlers: if `address` is what could not be written because the stack that is in use
/// was full, with its top at `top`, makes room and returns the new top; else null.
void* shorten_return_stack(const Frame& frame, const void* address, void* top);

}  // namespace vireo::tcg
