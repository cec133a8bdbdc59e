#include "tcg/opt/pipeline.h"

#include <gtest/gtest.h>

#include "tcg/backend/interpreter/test_machine.h"
#include "tcg/ir/printer.h"
#include "tcg/ir/test_blocks.h"
#include "tcg/ir/verifier.h"

namespace vireo::tcg {
namespace {

std::string optimised(Block& block, const char* passes) {
  util::Result<Pipeline> pipeline = Pipeline::parse(passes);
  EXPECT_TRUE(pipeline);
  pipeline->run(block);
  EXPECT_TRUE(verify(block)) << verify(block).error().message();
  return to_string(block);
}

TEST(Pipeline, NamesItsPasses) {
  EXPECT_TRUE(Pipeline::parse(""));
  EXPECT_TRUE(Pipeline::parse("forward,flags,fold,dce"));
  const util::Result<Pipeline> wrong = Pipeline::parse("forward,nothing");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message(), "there is no translator pass 'nothing'");
}

TEST(Pipeline, FoldsConstantsThroughRegisters) {
  Block block;
  Builder b(&block);
  b.insn_start(0x10);
  b.set_reg(1, b.constant(Type::kI32, 6));
  b.insn_start(0x11);
  b.set_reg(2, b.add(b.get_reg(Type::kI32, 1), b.constant(Type::kI32, 4), kAllFlags));
  b.insn_start(0x12);
  b.set_reg(3, b.xor_(b.get_reg(Type::kI32, 3), b.get_reg(Type::kI32, 3), kAllFlags));
  b.exit_direct(0x13, 0);
  EXPECT_EQ(optimised(block, "forward,flags,fold,dce"),
            "insn_start 0x10\n"
            "  v1 = const.i32 0x6\n"
            "  set_reg.i32 r1, v1\n"
            "insn_start 0x11\n"
            "  v4 = const.i32 0xa\n"
            "  set_reg.i32 r2, v4\n"
            "insn_start 0x12\n"
            "  v7 = get_reg.i32 r3\n"
            "  v8 = xor.i32 v7, v7 {oszapc}\n"
            "  set_reg.i32 r3, v8\n"
            "  exit_direct 0x13 slot 0\n");
}

TEST(Pipeline, ReadsAgainWhatOthersChange) {
  const auto loads = [](bool changing) {
    Block block;
    Builder b(&block);
    b.insn_start(0x10);
    constexpr uint64_t kOffset = sizeof(Frame) + 8;
    for (unsigned reg = 1; reg <= 2; ++reg) {
      b.set_reg(reg, changing ? b.load_changing_state(Type::kI64, kOffset)
                              : b.load_state(Type::kI64, kOffset));
    }
    b.exit_direct(0x11, 0);
    const std::string text = optimised(block, "forward,dce");
    return text.find("load_state") == text.rfind("load_state") ? 1 : 2;
  };
  EXPECT_EQ(loads(false), 1);
  EXPECT_EQ(loads(true), 2);
}

TEST(Pipeline, KeepsFlagsThatAFaultShows) {
  Block block;
  Builder b(&block);
  b.insn_start(0x10);
  const Value a = b.get_reg(Type::kI64, 1);
  b.set_reg(2, b.add(a, a, kAllFlags));
  b.insn_start(0x11);
  b.set_reg(3, b.load(Type::kI64, b.address(Type::kI64, a, {}, 0, 8), 8, 0));
  b.insn_start(0x12);
  b.set_reg(2, b.sub(a, b.get_reg(Type::kI64, 2), kAllFlags));
  b.insn_start(0x13);
  b.set_reg(2, b.and_(a, b.get_reg(Type::kI64, 3), kAllFlags));
  b.exit_direct(0x14, 0);
  const std::string text = optimised(block, "forward,flags,fold,dce");
  EXPECT_NE(text.find("add.i64 v1, v1 {oszapc}"), std::string::npos) << text;
  EXPECT_NE(text.find("load.i64 v1 + 0x10"), std::string::npos) << text;
  EXPECT_NE(text.find("sub.i64 v1, v2\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("get_reg.i64 r2"), std::string::npos) << text;
}

TEST(Pipeline, KeepsDisplacementsEncodable) {
  Block block;
  Builder b(&block);
  b.insn_start(0x10);
  const Value base = b.get_reg(Type::kI64, 1);
  const Value far = b.add(base, b.constant(Type::kI64, 0x123456789));
  b.set_reg(1, b.load(Type::kI64, far, 8, 0));
  b.insn_start(0x11);
  const Value narrow = b.get_reg(Type::kI32, 2);
  b.set_reg(2, b.address(Type::kI32, narrow, b.constant(Type::kI32, 0xffffffff), 0, 1));
  b.insn_start(0x12);
  b.set_reg(3, b.address(Type::kI64, b.constant(Type::kI64, 0x123456789), {}, 0, 1));
  b.exit_direct(0x13, 0);
  const std::string text = optimised(block, "fold,dce");
  EXPECT_NE(text.find("load.i64 v3 + 0x8"), std::string::npos) << text;
  EXPECT_NE(text.find("set_reg.i32 r2, v7"), std::string::npos) << text;
  EXPECT_NE(text.find("const.i64 0x12345678a"), std::string::npos) << text;
}

// A loop of which the first iteration follows what comes before it.
TEST(Pipeline, InnerLoopsGoOnBehindThemselves) {
  const BackendConfig config{.hooks = test_hooks()};
  auto backend = std::move(make_interpreter_backend(config)).value();
  const CodePage page;
  for (const char* passes : {"repeat", "repeat,forward,flags,fold,dce"}) {
    for (uint64_t iterations = 1; iterations <= 4; ++iterations) {
      Block block;
      block.guest_ip = 0x10;
      block.guest_size = 4;
      Builder b(&block);
      b.insn_start(0x10);
      b.set_reg(1, b.constant(Type::kI64, iterations));
      b.insn_start(0x11);
      b.set_reg(2, b.add(b.get_reg(Type::kI64, 2), b.get_reg(Type::kI64, 1)));
      b.insn_start(0x12);
      b.set_reg(1, b.sub(b.get_reg(Type::kI64, 1), b.constant(Type::kI64, 1), kAllFlags));
      b.insn_start(0x13);
      b.branch_if(Condition::kNe, 0x11, 0);
      b.exit_direct(0x14, 1);
      const std::string text = optimised(block, passes);
      auto guest = std::make_unique<TestGuest>(1);
      guest->frame.general[2] = 0;
      TranslatedBlock* last = nullptr;
      unsigned slot = 0;
      backend->run(&guest->frame, backend->compile(block, page, nullptr).value(), &last, &slot);
      const bool in_time = iterations <= 3;
      EXPECT_EQ(guest->frame.guest_ip, in_time ? 0x14u : 0x11u) << text;
      EXPECT_EQ(slot, in_time ? 1u : 0u);
      EXPECT_EQ(guest->frame.general[2], in_time ? iterations * (iterations + 1) / 2 : 9) << text;
    }
  }
}

/// Each pass alone and all of them leave what a block does unchanged.
TEST(Pipeline, KeepsTheMeaningOfRandomBlocks) {
  const BackendConfig config{.hooks = test_hooks()};
  auto backend = std::move(make_interpreter_backend(config)).value();
  BlockGenerator generator(42, TestGuest::kMemory);
  const char* kPipelines[] = {"forward", "flags", "fold", "dce", "forward,flags,fold,dce"};
  const CodePage page;
  Block original;
  for (uint32_t i = 0; i < 200; ++i) {
    generator.generate(&original, 20);
    auto plain = std::make_unique<TestGuest>(i);
    TranslatedBlock* last = nullptr;
    unsigned slot = 0;
    backend->run(&plain->frame, backend->compile(original, page, nullptr).value(), &last, &slot);
    for (const char* passes : kPipelines) {
      Block block = original;
      optimised(block, passes);
      auto guest = std::make_unique<TestGuest>(i);
      backend->run(&guest->frame, backend->compile(block, page, nullptr).value(), &last, &slot);
      ASSERT_EQ(plain->difference(*guest), "") << passes << "\n"
                                               << to_string(original) << "\n"
                                               << to_string(block);
    }
  }
}

}  // namespace
}  // namespace vireo::tcg
