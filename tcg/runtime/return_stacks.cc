#include "tcg/runtime/return_stacks.h"

#include <cstring>

namespace vireo::tcg {

util::Result<std::unique_ptr<ReturnStacks>> ReturnStacks::create(Frame& frame) {
  std::unique_ptr<ReturnStacks> stacks(new ReturnStacks(frame));
  const size_t guard = util::host_page_size();
  VIREO_TRY_ASSIGN(mapping, util::MemoryMapping::create("return stacks", 2 * (guard + kBytes)));
  stacks->mapping_ = std::move(mapping);
  std::byte* at = stacks->mapping_.data();
  for (ReturnStack& stack : frame.return_stacks) {
    VIREO_TRY(util::forbid_access(at, guard));
    at += guard + kBytes;
    stack.bottom = reinterpret_cast<uint64_t*>(at) - 1;
  }
  stacks->forget();
  return stacks;
}

void ReturnStacks::select(unsigned privilege) {
  frame_.return_stacks[frame_.return_stack_in_use].top = frame_.return_stack_top;
  frame_.return_stack_in_use = privilege;
  frame_.return_stack_top = frame_.return_stacks[privilege].top;
}

void ReturnStacks::forget() {
  for (ReturnStack& stack : frame_.return_stacks) stack.top = stack.bottom;
  frame_.return_stack_top = frame_.return_stacks[frame_.return_stack_in_use].bottom;
}

void* shorten_return_stack(const Frame& frame, const void* address, void* top) {
  constexpr size_t kLeastGuard = 4096;
  auto* const bottom =
      reinterpret_cast<std::byte*>(frame.return_stacks[frame.return_stack_in_use].bottom);
  const std::byte* const end = bottom + sizeof(uint64_t) - ReturnStacks::kBytes;
  auto* const from = static_cast<std::byte*>(top);
  if (bottom == nullptr || address >= end || address < end - kLeastGuard || from < end ||
      from > bottom - ReturnStacks::kKeptBytes) {
    return nullptr;
  }
  std::memmove(bottom - ReturnStacks::kKeptBytes, from, ReturnStacks::kKeptBytes);
  return bottom - ReturnStacks::kKeptBytes;
}

}  // namespace vireo::tcg
