// Calls and returns, and accesses to the stack.

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "tcg/backend/x86_64/control_test.h"

namespace vireo::tcg {
namespace {

/// A call from 0x1000 to what returns to general[0].
class Returns : public Control {
 protected:
  Returns() {
    b_.insn_start(0x1000);
    b_.push_return(0x1005);
    b_.exit_direct(0x2000, 0);
    call_ = compile(0x1000);
    b_.insn_start(0x2000);
    b_.exit_return(get(0));
    returns_ = compile(0x2000);
    frame_.general[0] = 0x1005;
  }
  TranslatedBlock* call_ = nullptr;
  TranslatedBlock* returns_ = nullptr;
};

TEST_F(Returns, GoToTheCaller) {
  TranslatedBlock* after = counting(0x1005, 1, 0x1010);
  backend_->link(call_, 0, returns_);
  run(call_);
  EXPECT_EQ(frame_.guest_ip, 0x1005u);
  ASSERT_EQ(last_, call_) << "the pushed address is an exit of the call";
  backend_->link(last_, slot_, after);
  run(call_);
  EXPECT_EQ(last_, after);
  frame_.general[0] = 0x7777;
  run(call_);
  EXPECT_EQ(frame_.guest_ip, 0x7777u);
}

// A function that calls itself general[1] times, more often than the stack has room for, and counts
// its returns in general[2]. Returns fit (their targets are in general[0]) but for the oldest
// calls'.
TEST_F(Control, DeepCallsKeepTheNewestReturns) {
  b_.insn_start(0x1000);
  count(1, -1);
  b_.branch_if(Condition::kE, 0x1100, 1);
  b_.exit_direct(0x1080, 0);
  TranslatedBlock* function = compile(0x1000);
  b_.insn_start(0x1080);
  b_.push_return(0x1085);
  b_.exit_direct(0x1000, 0);
  TranslatedBlock* call = compile(0x1080);
  b_.insn_start(0x1085);
  count(2, 1);
  b_.exit_direct(0x1100, 0);
  TranslatedBlock* after = compile(0x1085);
  b_.insn_start(0x1100);
  b_.exit_return(get(0));
  TranslatedBlock* returns = compile(0x1100);
  backend_->link(function, 0, call);
  backend_->link(function, 1, returns);
  backend_->link(call, 0, function);
  backend_->link(call, 2, after);
  backend_->link(after, 0, returns);
  constexpr uint64_t kDeep = 3 * ReturnStacks::kBytes / sizeof(uint64_t);
  frame_.general[0] = 0x1085;
  for (const uint64_t depth : {uint64_t{10}, kDeep}) {
    frame_.general[1] = depth + 1;
    frame_.general[2] = 0;
    EXPECT_EQ(run(function), ExitReason::kLookup);
    EXPECT_EQ(frame_.guest_ip, 0x1085u) << "the first call's caller has pushed nothing";
    EXPECT_EQ(last_, nullptr);
    if (depth == kDeep) {
      EXPECT_GE(frame_.general[2], ReturnStacks::kKeptBytes / sizeof(uint64_t));
      EXPECT_LT(frame_.general[2], depth);
    } else {
      EXPECT_EQ(frame_.general[2], depth);
    }
    EXPECT_EQ(frame_.return_stack_top, frame_.return_stacks[0].bottom);
  }
}

TEST_F(Returns, AreByPrivilegeAndForgotten) {
  const auto finds_call = [&] {
    run(returns_);
    EXPECT_EQ(frame_.guest_ip, 0x1005u);
    return last_ == call_;
  };
  run(call_);
  EXPECT_EQ(frame_.guest_ip, 0x2000u);
  guest_->return_stacks->select(1);
  EXPECT_FALSE(finds_call());
  guest_->return_stacks->select(0);
  EXPECT_TRUE(finds_call());
  EXPECT_FALSE(finds_call()) << "it was taken off";
  run(call_);
  guest_->return_stacks->forget();
  EXPECT_FALSE(finds_call());
}

class StackPages : public Control {
 protected:
  static constexpr unsigned kSp = 4;

  StackPages() {
    frame_.kernel_tlb[0] = &guest_->tlb;
    b_.insn_start(0x1000);
    const Value next = b_.address(Type::kI64, get(kSp), {}, 0, -8);
    b_.store(next, 0, get(0), kMemoryStack);
    b_.set_reg(kSp, next);
    b_.exit_direct(0x2000, 0);
    push_ = compile(0x1000);
    b_.insn_start(0x1100);
    b_.set_reg(1, b_.load(Type::kI64, get(kSp), 0, kMemoryStack));
    b_.exit_direct(0x2000, 0);
    top_ = compile(0x1100);
    frame_.general[kSp] = kMemory + 0x100;
  }
  void drop(bool is_write) {
    guest_->tlb.entry(kMemory, is_write).tag = invalid_tag(tlb_index(kMemory));
  }
  bool knows_page() const {
    const StackPage& page = frame_.stack_pages[kContextKernel];
    return page.below != 0 && page.tag == kMemory && page.host == guest_->memory;
  }
  /// Pushes `value`; returns what lies there, and how many refills that took.
  std::pair<uint64_t, unsigned> push(uint64_t value) {
    frame_.general[0] = value;
    const unsigned before = guest_->refills;
    run(push_);
    EXPECT_EQ(frame_.guest_ip, 0x2000u);
    uint64_t there = 0;
    std::memcpy(&there, guest_->memory + (frame_.general[kSp] - kMemory), sizeof there);
    return {there, guest_->refills - before};
  }
  using Pushed = std::pair<uint64_t, unsigned>;

  TranslatedBlock* push_ = nullptr;
  TranslatedBlock* top_ = nullptr;
};

TEST_F(StackPages, AreKnownUntilForgotten) {
  EXPECT_EQ(push(1), Pushed(1, 1));
  EXPECT_TRUE(knows_page());
  drop(false);
  drop(true);
  EXPECT_EQ(push(2), Pushed(2, 0));
  frame_.forget_stack_pages();
  EXPECT_EQ(push(3), Pushed(3, 1));
}

TEST_F(StackPages, EndWhereAccessesMayCross) {
  for (const uint64_t offset : {kPageSize, kPageSize - 8, kPageSize - 48, kPageSize - 56}) {
    frame_.general[kSp] = kMemory + offset;
    EXPECT_EQ(push(offset).first, offset) << offset;
  }
  frame_.general[kSp] = kMemory + kPageSize + 4;
  frame_.general[0] = 1;
  EXPECT_EQ(run(push_), ExitReason::kException) << "a store across the page's end";
}

TEST_F(StackPages, MustBeWritable) {
  push(5);
  drop(true);
  frame_.forget_stack_pages();
  run(top_);
  EXPECT_EQ(frame_.general[1], 5u);
  EXPECT_FALSE(knows_page());
}

TEST_F(StackPages, AreNotWhatRightsToUserPagesAllow) {
  frame_.kernel_tlb[0] = nullptr;
  frame_.kernel_tlb[1] = &guest_->tlb;
  EXPECT_EQ(push(1), Pushed(1, 1));
  EXPECT_EQ(push(2), Pushed(2, 0));
  EXPECT_FALSE(knows_page());
}

}  // namespace
}  // namespace vireo::tcg
