#include <gtest/gtest.h>

#include <deque>

#include "tcg/backend/interpreter/compiler.h"
#include "tcg/backend/interpreter/test_machine.h"
#include "tcg/ir/builder.h"

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

class Interpreter : public ::testing::Test {
 protected:
  Interpreter() {
    backend_ = std::move(make_interpreter_backend({test_hooks(), kHelpers})).value();
  }
  TranslatedBlock* compile(uint64_t ip = 0, uint32_t number = 0) {
    CodePage& page = pages_.emplace_back();
    page.relocatable = block_.relocatable;
    page.number = number;
    if (!page.relocatable) page.key.linear = page.key.ip = page_of(ip);
    block_.guest_ip = ip;
    auto result = backend_->compile(block_, page, nullptr);
    block_.clear();
    return result.value();
  }
  ExitReason run(TranslatedBlock* block) {
    last_ = nullptr;
    backend_->run(&guest_->frame, block, &last_, &slot_);
    return static_cast<ExitReason>(guest_->frame.exit_reason);
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<TestGuest> guest_ = std::make_unique<TestGuest>(1);
  Frame& frame_ = guest_->frame;
  std::deque<CodePage> pages_;
  Block block_;
  Builder b_{&block_};
  TranslatedBlock* last_ = nullptr;
  unsigned slot_ = 0;
};

TEST(InterpreterCompiler, KnowsEveryOpcode) {
  interpreter::Compiler compiler;
  for (unsigned i = 0; i < static_cast<unsigned>(Opcode::kCount); ++i) {
    const auto op = static_cast<Opcode>(i);
    Block block;
    block.insts.push_back({.op = Opcode::kInsnStart});
    block.insts.push_back({.op = Opcode::kGetRegHigh8, .type = Type::kI8});
    block.insts.push_back({.op = op, .type = Type::kI32, .a = 1, .b = 1, .c = 1});
    interpreter::Program program;
    EXPECT_TRUE(compiler.compile(block, &program)) << info(op).text;
    for (const interpreter::Operation& o : program.operations) {
      EXPECT_TRUE(o.code != interpreter::kByHandler || o.handler != nullptr) << info(op).text;
    }
  }
}

TEST_F(Interpreter, MakesValuesWhereTheyGo) {
  // add eax, [rbx + rcx * 4 + 8]; mov edx, eax; inc al
  b_.insn_start(0);
  const Value address =
      b_.address(Type::kI64, b_.get_reg(Type::kI64, 3), b_.get_reg(Type::kI64, 1), 2, 8);
  const Value sum =
      b_.add(b_.get_reg(Type::kI32, 0), b_.load(Type::kI32, address, 0, 0), kAllFlags);
  b_.set_reg(0, sum);
  b_.insn_start(1);
  b_.set_reg(2, sum);
  b_.insn_start(2);
  b_.set_reg(0, b_.add(b_.truncate(Type::kI8, sum), b_.constant(Type::kI8, 1)));
  b_.exit_direct(3, 0);
  interpreter::Compiler compiler;
  interpreter::Program program;
  ASSERT_TRUE(compiler.compile(block_, &program));
  EXPECT_EQ(program.operations.size(), 6u);  // load, add, copy, add, set al, exit
  EXPECT_EQ(program.ips, (std::vector<uint64_t>{0, 0, 1, 2, 2, 2}));

  frame_.general[0] = ~0ull;
  frame_.general[1] = 3;
  frame_.general[3] = TestGuest::kMemory;
  const uint32_t in_memory = 0x100;
  std::memcpy(guest_->memory + 20, &in_memory, sizeof in_memory);
  run(compile());
  EXPECT_EQ(frame_.general[0], 0x00u);
  EXPECT_EQ(frame_.general[2], 0xffu);
}

TEST_F(Interpreter, WritesRegisterParts) {
  frame_.general[0] = 0x1111111122222222;
  frame_.general[1] = 0x3333333344444444;
  b_.insn_start(0);
  b_.set_reg(0, b_.constant(Type::kI16, 0xabcd));
  b_.set_reg_high8(0, b_.constant(Type::kI8, 0x77));
  b_.set_reg(1, b_.constant(Type::kI32, 5));
  b_.exit_direct(0x10, 1);
  TranslatedBlock* block = compile();
  EXPECT_EQ(run(block), ExitReason::kLookup);
  EXPECT_EQ(frame_.general[0], 0x11111111222277cdu);
  EXPECT_EQ(frame_.general[1], 5u);
  EXPECT_EQ(frame_.guest_ip, 0x10u);
  EXPECT_EQ(last_, block);
  EXPECT_EQ(slot_, 1u);
}

TEST_F(Interpreter, FaultsWithPreciseState) {
  frame_.general[1] = 0x999000;
  frame_.general[2] = 7;
  b_.insn_start(0x20);
  const Value two = b_.constant(Type::kI64, 2);
  b_.set_reg(2, b_.sub(two, two, kAllFlags));
  b_.insn_start(0x24);
  b_.set_reg(2, b_.load(Type::kI64, b_.get_reg(Type::kI64, 1), 0, kMemoryUser));
  b_.exit_direct(0x28, 0);
  EXPECT_EQ(run(compile()), ExitReason::kException);
  EXPECT_EQ(frame_.guest_ip, 0x24u);
  EXPECT_EQ(frame_.general[2], 0u);
  EXPECT_EQ(frame_.flags_low, kFlagZ | kFlagP | 2);
  EXPECT_EQ(guest_->hook_calls, 1u);
}

TEST_F(Interpreter, DividesOrFaults) {
  b_.insn_start(0);
  const auto [quotient, remainder] =
      b_.div_u(b_.get_reg(Type::kI32, 0), b_.get_reg(Type::kI32, 2), b_.get_reg(Type::kI32, 1));
  b_.set_reg(0, quotient);
  b_.set_reg(2, remainder);
  b_.exit_direct(4, 0);
  TranslatedBlock* block = compile();
  frame_.general[0] = 100;
  frame_.general[1] = 7;
  frame_.general[2] = 0;
  EXPECT_EQ(run(block), ExitReason::kLookup);
  EXPECT_EQ(frame_.general[0], 14u);
  EXPECT_EQ(frame_.general[2], 2u);
  frame_.general[1] = 2;  // 2:14 / 2 does not fit.
  EXPECT_EQ(run(block), ExitReason::kException);
  EXPECT_EQ(frame_.general[0], 14u);
}

TEST_F(Interpreter, CallsHelpersWithStateInTheFrame) {
  b_.insn_start(0);
  const Value one = b_.constant(Type::kI64, 1);
  b_.sub(one, one, kAllFlags);
  b_.set_reg(0, b_.call(0, Type::kI32, b_.constant(Type::kI64, ~0ull), one, one));
  b_.insn_start(1);
  b_.call(1, Type::kVoid);
  b_.set_reg(0, b_.constant(Type::kI32, 99));
  b_.exit_direct(2, 0);
  EXPECT_EQ(run(compile()), ExitReason::kHalt);
  EXPECT_EQ(frame_.general[7], kFlagZ | kFlagP | 2u);
  EXPECT_EQ(frame_.general[0], 1u);
  EXPECT_EQ(frame_.guest_ip, 1u);
  EXPECT_EQ(frame_.host_stack, nullptr);
}

/// dec rcx; jnz self; then exit to 0x100.
void countdown(Builder& b, uint64_t ip) {
  b.insn_start(ip);
  b.set_reg(1, b.sub(b.get_reg(Type::kI64, 1), b.constant(Type::kI64, 1), kAllFlags));
  b.branch_if(Condition::kNe, ip, 1);
  b.exit_direct(0x100, 0);
}

TEST_F(Interpreter, ChainsLinkedBlocks) {
  countdown(b_, 0x40);
  TranslatedBlock* block = compile(0x40);
  frame_.general[1] = 1000;
  EXPECT_EQ(run(block), ExitReason::kLookup);
  EXPECT_EQ(frame_.general[1], 999u);
  backend_->link(last_, slot_, block);
  EXPECT_EQ(run(block), ExitReason::kLookup);
  EXPECT_EQ(frame_.general[1], 0u);
  EXPECT_EQ(frame_.guest_ip, 0x100u);
  backend_->invalidate(block);
  frame_.general[1] = 5;
  EXPECT_EQ(run(block), ExitReason::kLookup);
  EXPECT_EQ(frame_.general[1], 5u);
  EXPECT_EQ(last_, nullptr);
}

TEST_F(Interpreter, LeavesOnAKick) {
  countdown(b_, 0x40);
  TranslatedBlock* block = compile(0x40);
  backend_->link(block, 1, block);
  frame_.general[1] = 1000;
  frame_.kick();
  EXPECT_EQ(run(block), ExitReason::kPoll);
  EXPECT_EQ(frame_.general[1], 999u);
  EXPECT_EQ(frame_.guest_ip, 0x40u);
}

TEST_F(Interpreter, ChecksMappingsAcrossPages) {
  b_.insn_start(0x5000);
  b_.set_reg(3, b_.constant(Type::kI64, 5));
  b_.exit_runtime(ExitReason::kHalt, 0x5004);
  TranslatedBlock* other = compile(0x5000, 17);
  b_.insn_start(0x40);
  b_.exit_indirect(b_.get_reg(Type::kI64, 0));
  TranslatedBlock* block = compile(0x40, 16);
  frame_.general[0] = 0x5000;
  guest_->jump_cache[jump_cache_index(0x5000)] = {0x5000, backend_->checked_entry(other)};
  EXPECT_EQ(run(block), ExitReason::kLookup);
  frame_.code_pages[code_page_slot(17)] = code_page_mapping(*other->page, 0x5000);
  EXPECT_EQ(run(block), ExitReason::kHalt);
  EXPECT_EQ(frame_.general[3], 5u);
}

TEST_F(Interpreter, RelocatableBlocksRunWhereTheirPageIsMapped) {
  b_.insn_start(0x10);
  b_.set_reg(3, b_.load_state(Type::kI64, offsetof(Frame, code_base)));
  b_.exit_runtime(ExitReason::kHalt, 0x14);
  block_.relocatable = true;
  TranslatedBlock* other = compile(0x10, 17);
  b_.insn_start(0x40);
  b_.exit_direct(0x2010, 0);
  block_.relocatable = true;
  TranslatedBlock* block = compile(0x40, 16);
  backend_->link(block, 0, other);
  for (const uint64_t base : {0x7f1234567000u, 0x555555554000u}) {
    frame_.guest_ip = base + 0x40;
    EXPECT_EQ(run(block), ExitReason::kLookup);
    EXPECT_EQ(frame_.guest_ip, base + 0x2010);
    frame_.code_pages[code_page_slot(17)] = code_page_mapping(*other->page, base + 0x2010);
    frame_.guest_ip = base + 0x40;
    EXPECT_EQ(run(block), ExitReason::kHalt);
    EXPECT_EQ(frame_.general[3], base + 0x2000);
    EXPECT_EQ(frame_.guest_ip, base + 0x2014);
  }
}

TEST_F(Interpreter, RunsAnOperationOnEachVectorRegisterPart) {
  b_.insn_start(0);
  const Value low = b_.get_reg(Type::kV64, 1);
  b_.set_reg(2, b_.zero_extend(Type::kV128, low));
  b_.set_reg(3, low);
  b_.exit_direct(4, 0);
  uint8_t third[32];
  std::memcpy(third, frame_.vector[3], sizeof third);
  run(compile());
  EXPECT_EQ(std::memcmp(frame_.vector[2], frame_.vector[1], 8), 0);
  EXPECT_EQ(frame_.vector[2][8], 0);
  EXPECT_EQ(std::memcmp(frame_.vector[3], frame_.vector[1], 8), 0);
  EXPECT_EQ(std::memcmp(frame_.vector[3] + 8, third + 8, 24), 0);
}

}  // namespace
}  // namespace vireo::tcg
