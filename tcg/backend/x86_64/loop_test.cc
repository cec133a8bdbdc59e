// Loops of one block: the code generator's copies without checks against the interpreter.

#include <gtest/gtest.h>

#include <memory>
#include <random>

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
  /// Of `setup`, which points registers into the page, and `count` iterations. False: the code
  /// generator has left the block in its middle, since a group there has left the page.
  template <class Setup>
  bool expect_agreement(uint64_t count, Setup&& setup) {
    const auto native = std::make_unique<TestGuest>(5), reference = std::make_unique<TestGuest>(5);
    for (TestGuest* guest : {native.get(), reference.get()}) {
      setup(guest->frame);
      guest->frame.general[kCounter] = count;
      if (!run(guest == native.get() ? *jit_ : *interpreter_, guest->frame)) return false;
    }
    EXPECT_EQ(native->difference(*reference), "") << to_string(block_);
    return true;
  }
  bool run(Backend& backend, Frame& frame) {
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
      if (frame.guest_ip != kStart) return backend.flush(), false;
      const bool separate = last != nullptr && slot == kSeparateChecksSlot;
      block = separate ? compile(backend, true) : usual;
      if (last != nullptr) backend.link(last, slot, block);
    }
    backend.flush();
    return true;
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
  EXPECT_TRUE(expect_agreement(100, [](Frame& frame) { frame.general[kFirst] = kMemory; }));
}

TEST_F(Loop, EndsWithThePage) {
  load_sum(Type::kI64, get(kFirst), 0);
  add(kFirst, 8);
  end();
  EXPECT_TRUE(expect_agreement(600, [](Frame& frame) { frame.general[kFirst] = kMemory; }));
}

TEST_F(Loop, PointerMovesBackwardByBytes) {
  store_sum(Type::kI8, get(kFirst), -1);
  add(kFirst, -1);
  add(kSum, 3);
  end();
  EXPECT_TRUE(expect_agreement(500, [](Frame& frame) { frame.general[kFirst] = kMemory + 512; }));
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
  EXPECT_TRUE(expect_agreement(150, [](Frame& frame) {
    frame.general[kIndex] = 2;
    frame.general[kFirst] = kMemory;
    frame.general[kSecond] = kMemory + 2048;
  }));
}

TEST_F(Loop, StepsThatAreNoPowerOfTwo) {
  const Value at = get(kFirst);
  load_sum(Type::kI32, at, 4);
  store_sum(Type::kI32, at, 16);
  add(kFirst, 24);
  end();
  EXPECT_TRUE(expect_agreement(160, [](Frame& frame) { frame.general[kFirst] = kMemory + 40; }));
}

TEST_F(Loop, AccessesBehindTheMove) {
  load_sum(Type::kI64, get(kFirst), 0);
  add(kFirst, 16);
  store_sum(Type::kI64, get(kFirst), -8);
  end();
  EXPECT_TRUE(expect_agreement(200, [](Frame& frame) { frame.general[kFirst] = kMemory; }));
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
  EXPECT_TRUE(expect_agreement(100, [](Frame& frame) {
    frame.general[kFirst] = kMemory;
    frame.general[kIndex] = kMemory + 3000;
  }));
}

/// A body of random accesses to what random registers point to, between moves of these registers.
/// None leaves the page.
class RandomLoop : public Loop {
 protected:
  void step(std::mt19937& random) {
    static constexpr int64_t kSteps[] = {1, 2, 4, 8, 24, -1, -8, -4};
    static constexpr Type kTypes[] = {Type::kI8, Type::kI16, Type::kI32, Type::kI64};
    static constexpr unsigned kPointers[] = {kFirst, kSecond, kThird};
    const unsigned pointer = kPointers[random() % 3];
    const Type type = kTypes[random() % 4];
    const auto displacement = static_cast<int64_t>(random() % 64) - 32;
    const Value address = random() % 3 != 0
                              ? get(pointer)
                              : b_.address(Type::kI64, get(pointer), get(kIndex), random() % 4, 0);
    switch (random() % 6) {
      case 0:
      case 1:
        return load_sum(type, address, displacement);
      case 2:
      case 3:
        return store_sum(type, address, displacement);
      case 4:
        return add(random() % 2 != 0 ? pointer : unsigned{kIndex}, kSteps[random() % 8]);
      default:
        next();
        b_.set_reg(kCopy, get(pointer));
        if (random() % 2 != 0) b_.set_reg(pointer, b_.load(Type::kI32, get(kThird), 0, 0));
        b_.set_reg(kOther, b_.get_reg(Type::kI8, pointer));
        next();
        b_.set_reg(pointer, b_.address(Type::kI64, get(kCopy), {}, 0, kSteps[random() % 8]));
    }
  }
  static constexpr unsigned kThird = 2, kCopy = 5, kOther = 8;
};

TEST_F(RandomLoop, AgreesWithTheInterpreter) {
  unsigned compared = 0;
  for (uint32_t seed = 1; seed <= 3000 && !HasFailure(); ++seed) {
    std::mt19937 random(seed);
    block_.clear();
    block_.guest_ip = ip_ = kStart;
    for (unsigned steps = 2 + random() % 7; steps > 0; --steps) step(random);
    end();
    compared += expect_agreement(20, [](Frame& frame) {
      frame.general[kFirst] = kMemory + 1500;
      frame.general[kSecond] = kMemory + 1800;
      frame.general[kThird] = kMemory + 2000;
      frame.general[kIndex] = 30;
    });
  }
  EXPECT_GT(compared, 2000u);
}

TEST_F(Loop, SteadyGroupsStay) {
  load_sum(Type::kI64, get(kFirst), 0);
  store_sum(Type::kI64, get(kSecond), 0);
  add(kFirst, 8);
  end();
  EXPECT_TRUE(expect_agreement(64, [](Frame& frame) {
    frame.general[kFirst] = kMemory;
    frame.general[kSecond] = kMemory + 8;
  }));
}

// The second iteration faults: what hoists the check must not hoist that of the alignment.
TEST_F(Loop, StepsOutOfAlignment) {
  for (const bool stores : {false, true}) {
    ip_ = kStart;
    next();
    const Value at = get(kFirst);
    if (stores) {
      b_.store(at, 0, b_.get_reg(Type::kV128, 1), kMemoryAligned | kMemoryNonTemporal);
    } else {
      const Value loaded = b_.load(Type::kV128, at, 0, kMemoryAligned);
      b_.set_reg(2,
                 b_.vector(VectorOpcode::kPaddd, Type::kV128, b_.get_reg(Type::kV128, 2), loaded));
    }
    add(kFirst, 8);
    end();
    EXPECT_TRUE(expect_agreement(100, [](Frame& frame) { frame.general[kFirst] = kMemory; }));
    block_.insts.clear();
  }
}

}  // namespace
}  // namespace vireo::tcg
