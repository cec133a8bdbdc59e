// Ways in and out of translated code: links, polls, predictions, slow paths, host faults.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <span>
#include <thread>

#include "tcg/backend/x86_64/control_test.h"

namespace vireo::tcg {
namespace {

TEST_F(Control, ReportsTheExitAndFollowsLinks) {
  TranslatedBlock* first = counting(0x1000, 0, 0x1010);
  TranslatedBlock* second = counting(0x1010, 1, 0x3000);
  EXPECT_EQ(run(first), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x1010u);
  EXPECT_EQ(last_, first);
  EXPECT_EQ(slot_, 0u);
  backend_->link(first, 0, second);
  EXPECT_EQ(run(first), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x3000u);
  EXPECT_EQ(last_, second);
  EXPECT_EQ(frame_.general[0], 2u);
  EXPECT_EQ(frame_.general[1], 1u);
  backend_->invalidate(second);
  run(first);
  EXPECT_EQ(frame_.guest_ip, 0x1010u);
}

/// [rbx] = rax; [rbx + 8] = rcx, with flags of rax + 1 before, which only a fault would show.
class GroupControl : public Control {
 protected:
  TranslatedBlock* two_stores() {
    b_.insn_start(0x1000);
    count(0, 1);
    const Value base = get(3);
    for (const unsigned i : {0u, 1u}) {
      b_.insn_start(0x1004 + 4 * i);
      b_.store(base, 8 * i, get(i), 0);
    }
    b_.insn_start(0x100c);
    b_.set_flags(b_.constant(Type::kI32, 0));
    b_.exit_direct(0x1010, 0);
    return compile(0x1000);
  }
  void point_at(uint64_t address) {
    frame_.general[0] = ~uint64_t{0};  // the sum is 0, with a carry
    frame_.general[3] = address;
  }
};

TEST_F(GroupControl, IsOneRefill) {
  TranslatedBlock* stores = two_stores();
  point_at(kMemory + 64);
  frame_.general[1] = 5;
  EXPECT_EQ(run(stores), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x1010u);
  EXPECT_EQ(guest_->refills, 1u);
  EXPECT_EQ(guest_->memory[64], 0);
  EXPECT_EQ(guest_->memory[72], 5);
}

/// Nothing of the instruction is done, and flags are as it would show them.
TEST_F(GroupControl, ThatCrossesAPageLeavesForSeparateChecks) {
  TranslatedBlock* stores = two_stores();
  point_at(kMemory + kPageSize - 8);
  EXPECT_EQ(run(stores), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x1004u);
  EXPECT_EQ(last_, stores);
  EXPECT_EQ(slot_, kSeparateChecksSlot);
  EXPECT_EQ(frame_.general[0], 0u);
  EXPECT_EQ(frame_.flags_low & 0x51, 0x51);  // Z, A, C
  EXPECT_EQ(guest_->refills, 0u);

  b_.insn_start(0x1004);
  count(5, 1);
  b_.exit_direct(0x2000, 0);
  block_.separate_checks = true;
  backend_->link(stores, kSeparateChecksSlot, compile(0x1004));
  point_at(kMemory + kPageSize - 8);
  EXPECT_EQ(run(stores), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x2000u);
  EXPECT_EQ(frame_.general[5], 1u);
}

TEST_F(GroupControl, OnADeviceLeavesForSeparateChecks) {
  TranslatedBlock* stores = two_stores();
  point_at(kDevice);
  EXPECT_EQ(run(stores), ExitReason::kLookup);
  EXPECT_EQ(slot_, kSeparateChecksSlot);
  EXPECT_EQ(frame_.guest_ip, 0x1004u);
  EXPECT_EQ(guest_->device, 0u);
}

TEST_F(Control, LinksAcrossPagesLookAtTheMapping) {
  TranslatedBlock* first = counting(0x1000, 0, 0x2000);
  TranslatedBlock* second = counting(0x2000, 1, 0x2010);
  backend_->link(first, 0, second);
  run(first);
  EXPECT_EQ(last_, second);
  unmap(*second);
  run(first);
  EXPECT_EQ(frame_.guest_ip, 0x2000u);
  EXPECT_EQ(last_, nullptr);
  EXPECT_EQ(frame_.general[1], 1u);
}

TEST_F(Control, FlagsSurviveLinksInEitherForm) {
  b_.insn_start(0x1000);
  b_.sub(get(0), get(1), kAllFlags);
  b_.exit_direct(0x1010, 0);
  TranslatedBlock* compares = compile(0x1000);
  b_.insn_start(0x1010);  // shows flags before it reads them
  const Value loaded = b_.load(Type::kI64, number(kMemory), 0, 0);
  b_.set_reg(2, b_.zero_extend(Type::kI64, b_.setcc(Condition::kB)));
  b_.set_reg(3, loaded);
  b_.exit_direct(0x5000, 0);
  TranslatedBlock* shows = compile(0x1010);
  backend_->link(compares, 0, shows);
  frame_.general[0] = 1;
  frame_.general[1] = 2;
  run(compares);
  EXPECT_EQ(frame_.general[2], 1u);
  EXPECT_EQ(frame_.guest_ip, 0x5000u);
  frame_.general[1] = 0;
  run(compares);
  EXPECT_EQ(frame_.general[2], 0u);
}

TEST_F(Control, KickEndsALoop) {
  TranslatedBlock* loop = counting(0x1000, 0, 0x1000);
  backend_->link(loop, 0, loop);
  std::thread kicker([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    frame_.kick();
  });
  EXPECT_EQ(run(loop), ExitReason::kPoll);
  kicker.join();
  EXPECT_GT(frame_.general[0], 0u);
  EXPECT_EQ(frame_.guest_ip, 0x1000u);
  const uint64_t before = frame_.general[0];
  frame_.host_return = reinterpret_cast<const uint8_t*>(1);
  frame_.left_from = 1;
  EXPECT_EQ(run(loop), ExitReason::kPoll) << "a kick holds until its owner takes it back";
  EXPECT_EQ(backend_->left_block(frame_), nullptr);
  EXPECT_EQ(frame_.left_from, 0u) << "what was left before is not left now";
  EXPECT_EQ(frame_.general[0], before);
}

TEST_F(Control, IndirectJumpsUseTheCache) {
  b_.insn_start(0x1000);
  b_.exit_indirect(get(0));
  TranslatedBlock* jumps = compile(0x1000);
  TranslatedBlock* target = counting(0x2000, 1, 0x2010);
  frame_.general[0] = 0x2000;
  EXPECT_EQ(run(jumps), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x2000u);
  EXPECT_EQ(last_, nullptr);
  cache_jump(0x2000, target);
  run(jumps);
  EXPECT_EQ(last_, target);
  frame_.general[0] = 0;  // hits an empty entry
  EXPECT_EQ(run(jumps), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0u);
}

// Another backend came before, with guest registers of half the width.
TEST_F(Control, EmptyEntriesLeaveByTheirOwnBackend) {
  if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "no AVX";
  BackendConfig config{guest_hooks(), {}};
  config.code_cache_bytes = 4 << 20;
  config.wide_vectors = true;
  const std::unique_ptr<Backend> before = std::exchange(backend_, make_jit_backend(config).value());
  b_.insn_start(0x1000);
  b_.set_reg(1, b_.get_reg(Type::kV256, 2));
  b_.exit_indirect(get(0));
  TranslatedBlock* jumps = compile(0x1000);
  std::memset(frame_.vector[2], 0x5a, sizeof frame_.vector[2]);
  EXPECT_EQ(run(jumps), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0u);
  EXPECT_EQ(std::memcmp(frame_.vector[1], frame_.vector[2], sizeof frame_.vector[1]), 0);
}

// A page that counts and goes to the next, at two addresses.
TEST_F(Control, RelocatableBlocksRunWhereTheirPageIsMapped) {
  b_.insn_start(0x123);
  count(0, 1);
  b_.set_reg(2, b_.load_state(Type::kI64, offsetof(Frame, code_base)));
  b_.exit_direct(0x1456, 0);
  TranslatedBlock* first = compile_relocatable(0x2123);
  b_.insn_start(0x456);
  count(1, 1);
  b_.set_reg(3, b_.load_state(Type::kI64, offsetof(Frame, code_base)));
  b_.exit_direct(static_cast<uint64_t>(-0x2000), 1);
  TranslatedBlock* second = compile_relocatable(0x3456);
  EXPECT_EQ(run(first, 0x7f1234567123), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x7f1234568456u);
  ASSERT_EQ(last_, first);
  backend_->link(first, slot_, second);
  uint64_t runs = 0;
  for (const uint64_t base : {0x7f1234567000u, 0xfffffffff000u, 0x555555554000u}) {
    run(first, base + 0x123);
    EXPECT_EQ(frame_.guest_ip, base + 0x1456) << "not mapped yet";
    EXPECT_EQ(last_, nullptr);
    EXPECT_EQ(frame_.general[1], runs);
    map(*second, base + 0x1456);
    run(first, base + 0x123);
    EXPECT_EQ(frame_.general[1], ++runs);
    EXPECT_EQ(frame_.general[2], base);
    EXPECT_EQ(frame_.general[3], base + 0x1000);
    EXPECT_EQ(frame_.guest_ip, base - 0x1000);
    EXPECT_EQ(last_, second);
  }
  backend_->invalidate(second);
  run(first, 0x555555554123);
  EXPECT_EQ(frame_.guest_ip, 0x555555555456u);
}

TEST_F(Control, RelocatableReturnsGoToTheCaller) {
  b_.insn_start(0x10);
  b_.push_return(0x15);
  b_.exit_indirect(get(1));
  TranslatedBlock* call = compile_relocatable(0x2010);
  b_.insn_start(0x20);
  b_.exit_return(get(0));
  TranslatedBlock* returns = compile_relocatable(0x3020);
  b_.insn_start(0x15);
  count(2, 1);
  b_.exit_direct(0x30, 0);
  TranslatedBlock* after = compile_relocatable(0x2015);
  for (const uint64_t base : {0x7f0000000000u, 0x600000000000u}) {
    const uint64_t target = base + 0x77020;
    frame_.general[0] = base + 0x15;
    frame_.general[1] = target;
    map(*call, base);
    map(*returns, target);
    cache_jump(target, returns);
    run(call, base + 0x10);
    if (last_ == call) {
      EXPECT_EQ(frame_.guest_ip, base + 0x15);
      backend_->link(last_, slot_, after);
      run(call, base + 0x10);
    }
    EXPECT_EQ(last_, after);
    EXPECT_EQ(frame_.guest_ip, base + 0x30);
  }
  EXPECT_EQ(frame_.general[2], 2u);
}

// From a block of the same page, with flags in the host's register.
TEST_F(Control, BlocksThatSpanPagesLookAtTheSecond) {
  for (const bool relocatable : {false, true}) {
    const uint64_t base = relocatable ? 0 : 0x2000, at = relocatable ? 0x7f0000002000 : 0x2000;
    b_.insn_start(base + 0xff0);
    count(0, 1);
    b_.exit_direct(base + 0xffe, 0);
    block_.relocatable = relocatable;
    block_.guest_ip = base + 0xff0;
    TranslatedBlock* first = compile_in(0x2ff0, relocatable);
    b_.insn_start(base + 0xffe);
    b_.set_reg(3, b_.zero_extend(Type::kI64, b_.setcc(Condition::kE)));
    count(1, 1);
    b_.exit_direct(base + 0x1002, 0);
    block_.relocatable = relocatable;
    block_.guest_ip = base + 0xffe;
    block_.guest_size = 4;
    TranslatedBlock* spanning = compile_in(0x2ffe, relocatable);
    const CodePage& second = page_of(0x3000, relocatable);
    backend_->link(first, 0, spanning);
    frame_.general[0] = frame_.general[1] = 0;
    frame_.code_pages[code_page_slot(second.number)] = kCodePageUnmapped;
    run(first, at + 0xff0);
    EXPECT_EQ(frame_.guest_ip, at + 0xffe);
    EXPECT_EQ(frame_.general[1], 0u);
    map(second, at + 0x1000);
    frame_.general[0] = ~uint64_t{0};
    run(first, at + 0xff0);
    EXPECT_EQ(frame_.guest_ip, at + 0x1002);
    EXPECT_EQ(frame_.general[1], 1u);
    EXPECT_EQ(frame_.general[3], 1u) << "flags of the sum";
    EXPECT_EQ(last_, spanning);
  }
}

TEST_F(Control, RelocatableFaultsShowTheAddress) {
  b_.insn_start(0xff0);
  count(1, 1);
  b_.insn_start(0xff4);
  b_.set_reg(0, b_.load(Type::kI64, number(kNowhere), 0, 0));
  b_.exit_direct(0x1000, 0);
  TranslatedBlock* block = compile_relocatable(0x2ff0);
  EXPECT_EQ(run(block, 0x7f0000000ff0), ExitReason::kException);
  EXPECT_EQ(frame_.guest_ip, 0x7f0000000ff4u);
}

TEST_F(Control, AccessesRefillReachDevicesAndFault) {
  b_.insn_start(0x1000);
  b_.store(number(kMemory), 8, get(1), 0);
  b_.set_reg(2, b_.add(get(2), b_.load(Type::kI64, number(kMemory), 8, 0), kAllFlags));
  b_.insn_start(0x1004);
  b_.store(number(kDevice), 0, get(2), 0);
  b_.set_reg(3, b_.load(Type::kI64, number(kDevice), 0, 0));
  b_.insn_start(0x1008);
  b_.set_reg(5, b_.rmw(RmwKind::kAdd, Type::kI64, number(kDevice), 0, number(1), 0, kAllFlags));
  b_.set_reg(6, b_.zero_extend(Type::kI64, b_.setcc(Condition::kO)));
  b_.insn_start(0x100c);
  b_.sub(get(1), get(1), kAllFlags);
  b_.insn_start(0x1010);
  b_.set_reg(7, number(1));
  b_.set_reg(0, b_.load(Type::kI64, number(kNowhere), 0, 0));
  b_.exit_direct(0x1020, 0);
  TranslatedBlock* block = compile(0x1000);
  frame_.general[0] = 0xaa;
  frame_.general[1] = 40;
  frame_.general[2] = 2;
  EXPECT_EQ(run(block), ExitReason::kException);
  EXPECT_EQ(frame_.guest_ip, 0x1010u);
  EXPECT_EQ(frame_.general[0], 0xaau);
  EXPECT_EQ(frame_.general[2], 42u);
  EXPECT_EQ(frame_.general[3], 42u);
  EXPECT_EQ(frame_.general[5], 42u);
  EXPECT_EQ(frame_.general[6], 1u);
  EXPECT_EQ(guest_->device, 43u);
  EXPECT_EQ(frame_.flags_low, 0x46u) << "flags at the fault are the comparison's";
  EXPECT_GE(guest_->refills, 2u);
}

TEST_F(Control, MisalignedVectorAccessesReachTheHook) {
  b_.insn_start(0x1000);
  b_.set_reg(1, b_.load(Type::kV128, get(0), 0, kMemoryAligned));
  b_.exit_direct(0x1010, 0);
  TranslatedBlock* block = compile(0x1000);
  frame_.general[0] = kMemory + 16;
  EXPECT_EQ(run(block), ExitReason::kLookup);
  frame_.general[0] = kMemory + 8;
  EXPECT_EQ(run(block), ExitReason::kException);
  EXPECT_EQ(frame_.guest_ip, 0x1000u);
}

TEST_F(Control, DivideErrorsShowTheStateBefore) {
  for (const unsigned divisor : {3u, 9u}) {
    for (const unsigned low : {0u, 6u}) {
      b_.insn_start(0x1000);
      count(1, 1);
      b_.insn_start(0x1004);
      const auto [quotient, remainder] = b_.div_u(get(low), get(2), get(divisor));
      b_.set_reg(0, quotient);
      b_.set_reg(2, remainder);
      b_.exit_direct(0x1010, 0);
      TranslatedBlock* block = compile(0x1000);
      frame_.general[0] = 100;
      frame_.general[2] = 200;
      frame_.general[divisor] = 0;
      EXPECT_EQ(run(block), ExitReason::kHalt);
      EXPECT_EQ(frame_.guest_ip, 0x1004u);
      EXPECT_EQ(frame_.general[0], 100u);
      EXPECT_EQ(frame_.general[2], 200u);
      backend_->flush();
    }
  }
}

TEST_F(Control, UnmaskedSimdExceptionsShowTheStateBefore) {
  for (const bool borrows : {false, true}) {
    b_.insn_start(0x1000);
    count(1, 1);
    b_.insn_start(0x1004);
    const Value quotient = b_.vector(VectorOpcode::kDivps, Type::kV128, b_.get_reg(Type::kV128, 3),
                                     b_.get_reg(Type::kV128, 4));
    if (borrows) {
      b_.store_state(offsetof(Frame, helper_arguments), b_.truncate(Type::kV64, quotient));
    } else {
      b_.set_reg(3, quotient);
    }
    b_.exit_direct(0x1010, 0);
    TranslatedBlock* block = compile(0x1000);
    for (auto& reg : frame_.vector) std::fill(std::begin(reg), std::end(reg), uint8_t{0x11});
    std::memset(frame_.vector[4], 0, 16);
    frame_.mxcsr = 0x1f80 & ~0x200;  // zero divide unmasked
    frame_.general[1] = 0xff;
    EXPECT_EQ(run(block), ExitReason::kModeChange);
    EXPECT_EQ(frame_.guest_ip, 0x1004u);
    EXPECT_EQ(frame_.mxcsr & 4, 4u);
    EXPECT_EQ(frame_.flags_low, 0x16u);
    for (const unsigned i : {0u, 1u, 2u, 3u, 15u}) EXPECT_EQ(frame_.vector[i][7], 0x11) << i;
    backend_->flush();
  }
}

/// Four regions of a megabyte.
class Eviction : public Control {
 protected:
  size_t region_of(const TranslatedBlock& block) {
    return static_cast<size_t>(backend_->host_code(block).data() - backend_->code_cache().data()) >>
           20;
  }
  /// Counting blocks in the first three regions of a cache that is full then; the second is not
  /// used.
  std::array<TranslatedBlock*, 3> place_three(const std::array<uint64_t, 3>& targets) {
    std::array<TranslatedBlock*, 3> blocks;
    for (unsigned i = 0; i < blocks.size(); ++i) {
      fill_to(i);
      blocks[i] = counting(0x1000 + 0x100 * i, i, targets[i]);
    }
    fill();
    use(blocks[0]);
    use(blocks[2]);
    return blocks;
  }
  /// Fills the cache until blocks come to lie in this region.
  void fill_to(size_t region) {
    while (region_of(*filler()) < region) {
    }
  }
  void fill() {
    while (filler() != nullptr) {
    }
  }
  TranslatedBlock* filler() {
    constexpr uint64_t kFillers = 0x800000;
    block_.guest_ip = kFillers + 0x1000;
    b_.insn_start(block_.guest_ip);
    for (unsigned i = 0; i < 200; ++i) count(i % 8, 0x12345678);
    b_.exit_direct(kFillers, 0);
    auto result = backend_->compile(block_, page_of(kFillers + 0x1000, false), nullptr);
    block_.clear();
    return result ? *result : nullptr;
  }
  /// Runs what leaves so often that its region is not chosen.
  void use(TranslatedBlock* block) {
    for (unsigned i = 0; i < 10; ++i) EXPECT_EQ(run(block), ExitReason::kLookup);
  }
  std::span<const std::byte> evict() {
    gone_.clear();
    return backend_->evict([this](std::span<TranslatedBlock* const> blocks) {
      gone_.insert(blocks.begin(), blocks.end());
    });
  }

  std::set<TranslatedBlock*> gone_;
};

TEST_F(Eviction, TakesTheRegionThatIsUsedLeast) {
  const auto [first, second, third] = place_three({0x1010, 0x1110, 0x1210});
  const auto place = backend_->host_code(*second);
  const auto code = evict();
  EXPECT_EQ(code.size(), 1u << 20);
  EXPECT_TRUE(place.data() >= code.data() && place.data() < code.data() + code.size());
  EXPECT_TRUE(gone_.contains(second));
  EXPECT_FALSE(gone_.contains(first) || gone_.contains(third));
  TranslatedBlock* next = counting(0x4000, 1, 0x4010);
  EXPECT_EQ(backend_->host_code(*next).data(), code.data()) << "new code goes there";
  use(next);
  use(first);
  EXPECT_EQ(frame_.guest_ip, 0x1010u);
}

TEST_F(Eviction, CutsLinksIntoTheRegionAndForgetsThoseOutOfIt) {
  const auto [first, second, third] = place_three({0x1100, 0x1000, 0x1000});
  backend_->link(first, 0, second);
  backend_->link(second, 0, first);
  backend_->link(third, 0, first);
  evict();
  ASSERT_TRUE(gone_.contains(second));
  EXPECT_EQ(run(first), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x1100u);
  EXPECT_EQ(last_, first);
  TranslatedBlock* again = counting(0x1100, 3, 0x5000);
  backend_->link(first, 0, again);
  frame_.general[3] = 0;
  EXPECT_EQ(run(third), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x5000u);
  EXPECT_EQ(frame_.general[3], 1u);
  backend_->invalidate(first);  // its list has `third` alone
  EXPECT_EQ(run(third), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x1000u);
}

TEST_F(Eviction, CheckedEntriesInTheRegionAreMadeAgain) {
  TranslatedBlock* target = counting(0x1000, 0, 0x1010);
  fill_to(1);
  const void* entry = backend_->checked_entry(target);
  fill_to(2);
  TranslatedBlock* other = counting(0x2000, 1, 0x1000);
  fill();
  backend_->link(other, 0, target);
  EXPECT_EQ(run(other), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x1010u);
  use(target);
  use(other);
  const auto code = evict();
  ASSERT_TRUE(entry >= code.data() && entry < code.data() + code.size());
  EXPECT_EQ(run(other), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x1000u);
  backend_->link(other, 0, target);
  EXPECT_EQ(run(other), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x1010u);
}

TEST_F(Eviction, CheckedEntriesElsewhereMiss) {
  TranslatedBlock* first = counting(0x1000, 0, 0x1010);
  fill_to(1);
  TranslatedBlock* target = counting(0x2000, 1, 0x2010);
  fill_to(2);
  b_.insn_start(0x3000);
  b_.exit_indirect(get(6));
  TranslatedBlock* jump = compile(0x3000);
  TranslatedBlock* third = counting(0x4000, 2, 0x4010);
  cache_jump(0x2000, target);
  fill();
  frame_.general[6] = 0x2000;
  EXPECT_EQ(run(jump), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x2010u);
  for (unsigned i = 0; i < 3; ++i) {
    use(first);
    use(third);
  }
  evict();
  ASSERT_TRUE(gone_.contains(target));
  EXPECT_EQ(run(jump), ExitReason::kLookup);
  EXPECT_EQ(frame_.guest_ip, 0x2000u);
}

}  // namespace
}  // namespace vireo::tcg
