// The code generator against the interpreter on random blocks, and the ways in and out.

#include <gtest/gtest.h>

#include "tcg/backend/interpreter/test_machine.h"
#include "tcg/ir/evaluate.h"
#include "tcg/ir/printer.h"
#include "tcg/ir/test_blocks.h"
#include "tcg/opt/pipeline.h"
#include "tcg/runtime/frame_allocation.h"
#include "util/bits.h"

namespace vireo::tcg {
namespace {

uint64_t add_helper(Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  frame->general[7] = frame->flags_low;
  return a + b + c;
}
uint64_t leave_helper(Frame* frame, uint64_t, uint64_t, uint64_t) {
  leave(frame, static_cast<uint16_t>(ExitReason::kHalt));
}
constexpr Helper kHelpers[] = {{"add", add_helper}, {"leave", leave_helper}};

TestGuest& guest_of(Frame* frame) { return *static_cast<TestGuest*>(frame->runtime); }

/// test_hooks() that can also update memory, which the code generator asks for some operations.
Hooks jit_hooks() {
  Hooks hooks = test_hooks();
  hooks.update = [](Frame* frame, uint64_t va, const MemoryOperation& operation, uint64_t operand,
                    uint64_t replacement) -> uint64_t {
    TestGuest& guest = guest_of(frame);
    if (va - TestGuest::kMemory > kPageSize - size_of(operation.type)) {
      leave(frame, static_cast<uint16_t>(ExitReason::kException));
    }
    uint64_t before = 0;
    uint8_t* const at = guest.memory + (va - TestGuest::kMemory);
    std::memcpy(&before, at, size_of(operation.type));
    const uint32_t flags =
        (frame->flags_low & 0xd5) | (frame->flag_overflow ? uint32_t{kFlagO} : 0);
    const IntegerEvaluation result = evaluate_rmw(operation.rmw, operation.type, before, operand,
                                                  flags, operation.flags_out);
    (void)replacement;
    std::memcpy(at, &result.value, size_of(operation.type));
    const uint32_t after = (flags & ~uint32_t{operation.flags_out}) |
                           (result.flags & operation.flags_out);
    frame->flags_low = static_cast<uint8_t>((after & 0xd5) | 2);
    frame->flag_overflow = (after & kFlagO) != 0;
    return before;
  };
  return hooks;
}

class Jit : public ::testing::Test {
 protected:
  Jit() {
    BackendConfig config{jit_hooks(), kHelpers};
    config.code_cache_bytes = 8 << 20;
    backend_ = std::move(make_jit_backend(config)).value();
    interpreter_ = std::move(make_interpreter_backend(config)).value();
  }
  TranslatedBlock* compile(uint64_t ip = 0, uint32_t code_page = 0) {
    auto result = backend_->compile(block_, {.ip = ip, .linear = ip}, code_page);
    EXPECT_TRUE(result) << (result ? "" : result.error().message());
    block_.clear();
    return result ? *result : nullptr;
  }
  ExitReason run(TranslatedBlock* block) {
    last_ = nullptr;
    backend_->run(&guest_->frame, block, &last_, &slot_);
    return static_cast<ExitReason>(guest_->frame.exit_reason);
  }
  /// Runs `block_` on both backends from the state of `seed`; returns what differs.
  std::string compare(uint32_t seed) {
    const BlockKey key{.ip = block_.guest_ip, .linear = block_.guest_ip};
    auto compiled = backend_->compile(block_, key, 0);
    if (!compiled) return compiled.error().message();
    auto reference = interpreter_->compile(block_, key, 0);
    TestGuest a(seed), b(seed);
    TranslatedBlock* last;
    unsigned slot;
    backend_->run(&a.frame, *compiled, &last, &slot);
    interpreter_->run(&b.frame, *reference, &last, &slot);
    backend_->flush();
    interpreter_->flush();
    return a.difference(b);
  }

  std::unique_ptr<Backend> backend_, interpreter_;
  std::unique_ptr<TestGuest> guest_ = std::make_unique<TestGuest>(1);
  Frame& frame_ = guest_->frame;
  Block block_;
  Builder b_{&block_};
  TranslatedBlock* last_ = nullptr;
  unsigned slot_ = 0;
};

TEST_F(Jit, AgreesWithTheInterpreter) {
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    BlockGenerator generator(seed, TestGuest::kMemory);
    generator.generate(&block_, 1 + seed % 12);
    const std::string difference = compare(seed);
    if (difference.empty()) continue;
    FAIL() << "seed " << seed << ": " << difference << "\n" << to_string(block_);
  }
}

TEST_F(Jit, AgreesAfterThePasses) {
  Pipeline pipeline = Pipeline::standard();
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    BlockGenerator generator(seed, TestGuest::kMemory);
    generator.generate(&block_, 1 + seed % 30);
    pipeline.run(block_);
    const std::string difference = compare(seed);
    if (difference.empty()) continue;
    FAIL() << "seed " << seed << ": " << difference << "\n" << to_string(block_);
  }
}

}  // namespace
}  // namespace vireo::tcg
