// Loops of one block: the code generator's copies without checks against the interpreter.

#include <gtest/gtest.h>

#include <memory>

#include "tcg/backend/interpreter/test_machine.h"
#include "tcg/backend/x86_64/jit_backend.h"
#include "tcg/ir/builder.h"
#include "tcg/ir/printer.h"
#include "tcg/opt/pipeline.h"

namespace vireo::tcg {
namespace {

class Loop : public ::testing::Test {
 protected:
  static constexpr unsigned kCounter = 1, kFirst = 3, kSecond = 6, kIndex = 7, kSum = 0;

  Loop() {
    BackendConfig config{test_hooks(), {}};
    config.code_cache_bytes = 4 << 20;
    jit_ = std::move(make_jit_backend(config)).value();
    interpreter_ = std::move(make_interpreter_backend(config)).value();
    block_.guest_ip = kStart;
  }
  Value get(unsigned reg) { return b_.get_reg(Type::kI64, reg); }
  Value number(uint64_t value) { return b_.constant(Type::kI64, value); }
  void next() { b_.insn_start(ip_++); }
  void add(unsigned reg, int64_t step) {
    next();
    b_.set_reg(reg, b_.add(get(reg), number(static_cast<uint64_t>(step)), kAllFlags));
  }
  void load_sum(Type type, Value address, int64_t displacement) {
    next();
    const Value sum = b_.get_reg(type, kSum);
    b_.set_reg(kSum, b_.add(sum, b_.load(type, address, displacement, 0), kAllFlags));
  }
  void store_sum(Type type, Value address, int64_t displacement) {
    next();
    b_.store(address, displacement, b_.get_reg(type, kSum), 0);
  }
  /// Ends the block: again until the counter is 0.
  void end() {
    next();
    b_.set_reg(kCounter, b_.sub(get(kCounter), number(1), kAllFlags));
    next();
    b_.branch_if(Condition::kNe, kStart, 0);
    b_.exit_direct(kEnd, 1);
    Pipeline::standard().run(block_);
  }
  /// Of `setup`, which points registers into the page, and `count` iterations.
  template <class Setup>
  void expect_agreement(uint64_t count, Setup&& setup) {
    const auto native = std::make_unique<TestGuest>(5), reference = std::make_unique<TestGuest>(5);
    for (TestGuest* guest : {native.get(), reference.get()}) {
      setup(guest->frame);
      guest->frame.general[kCounter] = count;
      run(guest == native.get() ? *jit_ : *interpreter_, guest->frame);
    }
    EXPECT_EQ(native->difference(*reference), "") << to_string(block_);
  }
  void run(Backend& backend, Frame& frame) {
    TranslatedBlock* const usual = compile(backend, false);
    TranslatedBlock* block = usual;
    for (unsigned turn = 0; turn < 5000; ++turn) {
      TranslatedBlock* last = nullptr;
      unsigned slot = 0;
      frame.guest_ip = kStart;
      backend.run(&frame, block, &last, &slot);
      const bool again =
          frame.exit_reason == static_cast<uint16_t>(ExitReason::kLookup) && frame.guest_ip != kEnd;
      if (!again) break;
      // A failed check of a later instruction: the tests have groups in the first one only.
      ASSERT_EQ(frame.guest_ip, kStart);
      const bool separate = last != nullptr && slot == kSeparateChecksSlot;
      block = separate ? compile(backend, true) : usual;
      if (last != nullptr) backend.link(last, slot, block);
    }
    backend.flush();
  }
  TranslatedBlock* compile(Backend& backend, bool separate) {
    block_.separate_checks = separate;
    return backend.compile(block_, page_, nullptr).value();
  }

  static constexpr uint64_t kStart = 0x1000, kEnd = 0x2000;
  const CodePage page_{.key = {.linear = kStart, .ip = kStart}, .number = 1};
  std::unique_ptr<Backend> jit_, interpreter_;
  uint64_t ip_ = kStart;
  Block block_;
  Builder b_{&block_};
};

constexpr uint64_t kMemory = TestGuest::kMemory;

TEST_F(Loop, PointerMovesForward) {
  load_sum(Type::kI64, get(kFirst), 0);
  add(kFirst, 8);
  end();
  expect_agreement(100, [](Frame& frame) { frame.general[kFirst] = kMemory; });
}

TEST_F(Loop, EndsWithThePage) {
  load_sum(Type::kI64, get(kFirst), 0);
  add(kFirst, 8);
  end();
  expect_agreement(600, [](Frame& frame) { frame.general[kFirst] = kMemory; });
}

TEST_F(Loop, PointerMovesBackwardByBytes) {
  store_sum(Type::kI8, get(kFirst), -1);
  add(kFirst, -1);
  add(kSum, 3);
  end();
  expect_agreement(500, [](Frame& frame) { frame.general[kFirst] = kMemory + 512; });
}

TEST_F(Loop, IndexMovesTwoGroups) {
  const Value index = get(kIndex);
  const Value from = b_.address(Type::kI64, get(kFirst), index, 3, 0);
  const Value to = b_.address(Type::kI64, get(kSecond), index, 3, 0);
  load_sum(Type::kI64, from, 0);
  load_sum(Type::kI64, to, 8);
  store_sum(Type::kI64, to, 0);
  add(kIndex, 1);
  end();
  expect_agreement(150, [](Frame& frame) {
    frame.general[kIndex] = 2;
    frame.general[kFirst] = kMemory;
    frame.general[kSecond] = kMemory + 2048;
  });
}

TEST_F(Loop, StepsThatAreNoPowerOfTwo) {
  const Value at = get(kFirst);
  load_sum(Type::kI32, at, 4);
  store_sum(Type::kI32, at, 16);
  add(kFirst, 24);
  end();
  expect_agreement(160, [](Frame& frame) { frame.general[kFirst] = kMemory + 40; });
}

TEST_F(Loop, AccessesBehindTheMove) {
  load_sum(Type::kI64, get(kFirst), 0);
  add(kFirst, 16);
  store_sum(Type::kI64, get(kFirst), -8);
  end();
  expect_agreement(200, [](Frame& frame) { frame.general[kFirst] = kMemory; });
}

// The pointer's register holds something else when the access comes, and is right at the end.
TEST_F(Loop, RegistersThatAreUsedOtherwiseInBetween) {
  next();
  const Value at = get(kFirst);
  b_.set_reg(kSecond, at);
  load_sum(Type::kI64, at, 0);
  next();
  b_.set_reg(kFirst, b_.load(Type::kI32, get(kIndex), 0, 0));
  next();
  b_.store(get(kSecond), 2, b_.get_reg(Type::kI8, kFirst), 0);
  next();
  b_.set_reg(kFirst, b_.address(Type::kI64, get(kSecond), {}, 0, 4));
  end();
  expect_agreement(100, [](Frame& frame) {
    frame.general[kFirst] = kMemory;
    frame.general[kIndex] = kMemory + 3000;
  });
}

TEST_F(Loop, SteadyGroupsStay) {
  load_sum(Type::kI64, get(kFirst), 0);
  store_sum(Type::kI64, get(kSecond), 0);
  add(kFirst, 8);
  end();
  expect_agreement(64, [](Frame& frame) {
    frame.general[kFirst] = kMemory;
    frame.general[kSecond] = kMemory + 8;
  });
}

}  // namespace
}  // namespace vireo::tcg
