#include "tcg/ir/verifier.h"

#include <gtest/gtest.h>

#include "tcg/ir/printer.h"
#include "tcg/ir/test_blocks.h"

namespace vireo::tcg {
namespace {

/// add eax, [rbx + 8]; jz 0x2000
void example(Block* block) {
  block->clear();
  Builder b(block);
  b.insn_start(0x1000);
  const Value memory = b.load(Type::kI32, b.get_reg(Type::kI64, 3), 8, kMemoryUser);
  b.set_reg(0, b.add(b.get_reg(Type::kI32, 0), memory, kAllFlags));
  b.insn_start(0x1003);
  b.branch_if(Condition::kE, 0x2000, 1);
  b.exit_direct(0x1005, 0);
}

TEST(Printer, ShowsABlock) {
  Block block;
  example(&block);
  EXPECT_EQ(to_string(block),
            "insn_start 0x1000\n"
            "  v1 = get_reg.i64 r3\n"
            "  v2 = load.i32 v1 + 0x8 user\n"
            "  v3 = get_reg.i32 r0\n"
            "  v4 = add.i32 v3, v2 {oszapc}\n"
            "  set_reg.i32 r0, v4\n"
            "insn_start 0x1003\n"
            "  branch_if e, 0x2000 slot 1\n"
            "  exit_direct 0x1005 slot 0\n");
}

TEST(Printer, ShowsVectorsAndAddresses) {
  Block block;
  Builder b(&block);
  const Value x = b.get_reg(Type::kV128, 1);
  b.vector(VectorOpcode::kPshufd, Type::kV128, {}, x, 0x1b);
  const Value base = b.get_reg(Type::kI64, 1);
  b.address(Type::kI64, base, base, 2, -16);
  EXPECT_EQ(to_string(block, 1), "v1 = pshufd.v128 v0, 0x1b");
  EXPECT_EQ(to_string(block, 3), "v3 = address.i64 v2 + v2*4 - 0x10");
}

TEST(Verifier, TakesRandomBlocks) {
  BlockGenerator generator(7, 0x10000);
  Block block;
  for (int i = 0; i < 200; ++i) {
    generator.generate(&block, 12);
    const util::Status status = verify(block);
    ASSERT_TRUE(status) << status.error().message();
  }
}

TEST(Verifier, RejectsBrokenBlocks) {
  struct Case {
    const char* name;
    void (*damage)(Block& block);
  };
  const Case kCases[] = {
      {"no insn_start first", [](Block& b) { b.insts[0].op = Opcode::kFence; }},
      {"use before definition", [](Block& b) { b.insts[2].a = 4; }},
      {"use of nothing", [](Block& b) { b.insts[4].b = 0; }},
      {"operand of another type", [](Block& b) { b.insts[4].b = 1; }},
      {"address that is no i64", [](Block& b) { b.insts[1].type = Type::kI32; }},
      {"register out of range", [](Block& b) { b.insts[1].aux = 16; }},
      {"link slot out of range", [](Block& b) { b.insts[7].extra = 2; }},
      {"flags where none are written", [](Block& b) { b.insts[3].flags = kFlagC; }},
      {"no end", [](Block& b) { b.insts.pop_back(); }},
      {"something after the end", [](Block& b) { b.insts.push_back(b.insts[6]); }},
      {"lone second",
       [](Block& b) { b.insts[3] = {.op = Opcode::kSecond, .type = Type::kI32, .a = 2}; }},
      {"fault after a register write",
       [](Block& b) {
         b.insts[6] = b.insts[2];  // Takes the place of insn_start.
       }},
      {"missing operand", [](Block& b) { b.insts[4].b = kNoValue; }},
      {"vector operation out of range",
       [](Block& b) {
         b.insts[4] = {.op = Opcode::kVector, .type = Type::kV128, .aux = 0xfff, .a = 1, .b = 2};
       }},
      {"empty", [](Block& b) { b.insts.clear(); }},
  };
  for (const Case& one : kCases) {
    Block block;
    example(&block);
    ASSERT_TRUE(verify(block));
    one.damage(block);
    EXPECT_FALSE(verify(block)) << one.name;
  }
}

}  // namespace
}  // namespace vireo::tcg
