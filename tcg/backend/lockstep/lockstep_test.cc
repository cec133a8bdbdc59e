#include "tcg/backend/lockstep/lockstep.h"

#include <gtest/gtest.h>

#include "tcg/backend/interpreter/test_machine.h"
#include "tcg/backend/lockstep/undefined_flags.h"
#include "tcg/ir/builder.h"
#include "tcg/ir/printer.h"
#include "tcg/ir/test_blocks.h"
#include "tcg/opt/pipeline.h"

namespace vireo::tcg {
namespace {

uint64_t add_helper(Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  frame->general[7] += 1;
  static_cast<TestGuest*>(frame->runtime)->hook_calls += 1;
  return a + b + c;
}
uint64_t leave_helper(Frame* frame, uint64_t, uint64_t, uint64_t) {
  frame->general[6] = 5;
  leave(frame, static_cast<uint16_t>(ExitReason::kHalt));
}
constexpr Helper kHelpers[] = {{"add", add_helper}, {"leave", leave_helper}};

/// An interpreter of blocks that somebody tampers with.
class Tampered final : public Backend {
 public:
  using Change = void (*)(Inst& inst);
  Tampered(const BackendConfig& config, Change change)
      : backend_(std::move(make_interpreter_backend(config)).value()), change_(change) {}

  util::Result<TranslatedBlock*> compile(const Block& block, const CodePage& page,
                                         const CodePage* second) override {
    Block changed = block;
    for (Inst& inst : changed.insts) change_(inst);
    return backend_->compile(changed, page, second);
  }
  const void* checked_entry(TranslatedBlock* block) override {
    return backend_->checked_entry(block);
  }
  void run(Frame* frame, TranslatedBlock* block, TranslatedBlock** last, unsigned* slot) override {
    backend_->run(frame, block, last, slot);
  }
  const TranslatedBlock* left_block(const Frame& frame) const override {
    return backend_->left_block(frame);
  }
  void link(TranslatedBlock*, unsigned, TranslatedBlock*) override {}
  void invalidate(TranslatedBlock* block) override { backend_->invalidate(block); }
  void flush() override { backend_->flush(); }
  size_t code_bytes_used() const override { return 0; }
  size_t code_bytes_total() const override { return 0; }
  std::span<const std::byte> host_code(const TranslatedBlock&) const override { return {}; }
  std::vector<CodeMark> code_marks(const TranslatedBlock&) const override { return {}; }

 private:
  std::unique_ptr<Backend> backend_;
  Change change_;
};

class Lockstep : public ::testing::Test {
 protected:
  void make(BackendFactory subject, uint32_t always = 1000) {
    BackendConfig config{test_hooks(), kHelpers};
    config.code_cache_bytes = 16 << 20;
    LockstepConfig lockstep;
    lockstep.always = always;
    lockstep.subject = std::move(subject);
    lockstep.report = [this](Frame*, const TranslatedBlock&, const std::string& what) {
      ++reports_;
      report_ = what;
    };
    auto made = make_lockstep_backend(config, lockstep);
    ASSERT_TRUE(made) << made.error().message();
    backend_ = std::move(*made);
  }
  void tamper(Tampered::Change change, uint32_t always = 1000) {
    const auto factory =
        [change](const BackendConfig& config) -> util::Result<std::unique_ptr<Backend>> {
      return std::unique_ptr<Backend>(std::make_unique<Tampered>(config, change));
    };
    make(factory, always);
  }
  TranslatedBlock* compile() {
    page_.key.ip = block_.guest_ip;
    auto block = backend_->compile(block_, page_, nullptr);
    EXPECT_TRUE(block) << block.error().message();
    return *block;
  }
  ExitReason run(TranslatedBlock* block) {
    TranslatedBlock* last = nullptr;
    unsigned slot = 0;
    backend_->run(&guest_->frame, block, &last, &slot);
    return static_cast<ExitReason>(guest_->frame.exit_reason);
  }
  ExitReason run() { return run(compile()); }
  /// mem[kMemory + 8] += r1 by load and store; r2 = helper(r1, 1, 2).
  void build(bool with_helper) {
    block_.clear();
    b_.insn_start(0x10);
    const Value address = b_.constant(Type::kI64, TestGuest::kMemory);
    const Value before = b_.load(Type::kI64, address, 8, 0);
    b_.store(address, 8, b_.add(before, b_.get_reg(Type::kI64, 1)), 0);
    if (with_helper) {
      b_.insn_start(0x14);
      b_.set_reg(2, b_.call(0, Type::kI64, b_.get_reg(Type::kI64, 1), b_.constant(Type::kI64, 1),
                            b_.constant(Type::kI64, 2)));
    }
    b_.exit_direct(0x18, 0);
  }
  uint64_t word() const {
    uint64_t value;
    std::memcpy(&value, guest_->memory + 8, sizeof value);
    return value;
  }

  std::unique_ptr<TestGuest> guest_ = std::make_unique<TestGuest>(1);
  std::unique_ptr<Backend> backend_;
  CodePage page_;
  Block block_;
  Builder b_{&block_};
  unsigned reports_ = 0;
  std::string report_;
};

TEST_F(Lockstep, DoesEverythingOnce) {
  for (const bool with_helper : {false, true}) {
    tamper([](Inst&) {});
    build(with_helper);
    const uint64_t word_before = word(), r7_before = guest_->frame.general[7];
    EXPECT_EQ(run(), ExitReason::kLookup);
    EXPECT_EQ(word(), word_before + guest_->frame.general[1]);
    EXPECT_EQ(guest_->frame.general[7], r7_before + with_helper);
    EXPECT_EQ(guest_->hook_calls, with_helper ? 1u : 0u);
    EXPECT_EQ(guest_->frame.guest_ip, 0x18u);
    EXPECT_EQ(reports_, 0u) << report_;
  }
}

TEST_F(Lockstep, FindsAWrongRegister) {
  tamper([](Inst& inst) {
    if (inst.op == Opcode::kSetReg) inst.aux = 3;
  });
  build(true);
  run();
  EXPECT_EQ(reports_, 1u);
  EXPECT_NE(report_.find("r2: "), std::string::npos) << report_;
  EXPECT_NE(report_.find("r3: "), std::string::npos) << report_;
  run();
  EXPECT_EQ(reports_, 1u) << "only the first is told";
}

// On copies of pages, and where accesses are compared one by one.
TEST_F(Lockstep, FindsWrongMemory) {
  for (const bool with_helper : {false, true}) {
    tamper([](Inst& inst) {
      if (inst.op == Opcode::kAdd) inst.op = Opcode::kSub;
    });
    build(with_helper);
    reports_ = 0;
    const uint64_t word_before = word();
    run();
    EXPECT_EQ(reports_, 1u);
    EXPECT_NE(report_.find(with_helper ? "value stored to 0x10008" : "memory byte 0x10008"),
              std::string::npos)
        << report_;
    EXPECT_EQ(word(), word_before + guest_->frame.general[1]) << "the reference's is kept";
  }
}

TEST_F(Lockstep, FindsAWrongExit) {
  tamper([](Inst& inst) {
    if (inst.op == Opcode::kExitDirect) inst.imm = 0x20;
  });
  build(false);
  run();
  EXPECT_NE(report_.find("guest IP"), std::string::npos) << report_;
  EXPECT_EQ(guest_->frame.guest_ip, 0x18u);
}

TEST_F(Lockstep, FindsAMissingAccess) {
  tamper([](Inst& inst) {
    if (inst.op == Opcode::kStore) inst.op = Opcode::kFence;
  });
  build(true);
  run();
  EXPECT_EQ(reports_, 1u);
}

TEST_F(Lockstep, AgreesOnFaultsAndOnHelpersThatLeave) {
  tamper([](Inst&) {});
  b_.insn_start(0x10);
  b_.set_reg(1, b_.load(Type::kI64, b_.constant(Type::kI64, 0x999000), 0, kMemoryUser));
  b_.exit_direct(0x18, 0);
  EXPECT_EQ(run(), ExitReason::kException);
  EXPECT_EQ(guest_->hook_calls, 1u);
  block_.clear();
  b_.insn_start(0x20);
  b_.call(1, Type::kVoid);
  b_.exit_direct(0x28, 0);
  EXPECT_EQ(run(), ExitReason::kHalt);
  EXPECT_EQ(guest_->frame.general[6], 5u);
  EXPECT_EQ(reports_, 0u) << report_;
}

// What runs often is compared now and then; in between the subject works on the guest itself.
TEST_F(Lockstep, SamplesBlocksThatRunOften) {
  tamper([](Inst&) {}, 0);
  build(true);
  TranslatedBlock* block = compile();
  const uint64_t word_before = word(), r7_before = guest_->frame.general[7];
  for (unsigned i = 0; i < 40; ++i) EXPECT_EQ(run(block), ExitReason::kLookup);
  EXPECT_EQ(word(), word_before + 40 * guest_->frame.general[1]);
  EXPECT_EQ(guest_->frame.general[7], r7_before + 40);
  EXPECT_EQ(reports_, 0u) << report_;
}

// A kick between or during the runs is neither lost nor taken for a difference.
TEST_F(Lockstep, KeepsKicks) {
  tamper([](Inst&) {});
  build(false);
  guest_->frame.kick();
  EXPECT_EQ(run(), ExitReason::kPoll);
  EXPECT_TRUE(guest_->frame.is_kicked());
}

TEST(UndefinedFlags, FollowsThem) {
  Block block;
  Builder b(&block);
  b.insn_start(0);
  const Value value = b.get_reg(Type::kI32, 0);
  b.mul(value, value, kAllFlags);
  b.branch_if(Condition::kB, 0x10, 0);  // C is defined
  b.add(value, value, kAllFlags);
  b.exit_direct(4, 0);
  const lockstep::Freedom freedom = lockstep::find_freedom(block);
  EXPECT_EQ(freedom.at_exits, kFlagS | kFlagZ | kFlagA | kFlagP);
  EXPECT_FALSE(freedom.is_unpredictable);
  block.clear();
  b.insn_start(0);
  const Value again = b.get_reg(Type::kI32, 0);
  b.mul(again, again, kAllFlags);
  b.set_reg(1, b.setcc(Condition::kE));
  b.exit_direct(4, 0);
  EXPECT_TRUE(lockstep::find_freedom(block).is_unpredictable);
}

#ifdef __x86_64__
// A check that several accesses share fails behind a store: the subject begins again where the
// reference did, not on what it has stored.
TEST_F(Lockstep, BeginsAgainWhenASharedCheckFails) {
  make(&make_jit_backend);
  const auto next_page = std::make_unique<TestGuest>(2);
  constexpr uint64_t kNext = TestGuest::kMemory + kPageSize;
  for (const bool is_write : {false, true}) {
    guest_->tlb[kContextKernel].entry(kNext, is_write) = TlbEntry{kNext, next_page->memory};
  }
  build(false);
  block_.insts.pop_back();
  b_.insn_start(0x14);
  const Value at = b_.get_reg(Type::kI64, 3);
  b_.set_reg(4, b_.load(Type::kI64, at, -8, 0));
  b_.insn_start(0x16);
  b_.set_reg(5, b_.load(Type::kI64, at, 0, 0));
  b_.exit_direct(0x18, 0);
  guest_->frame.general[3] = kNext;
  const uint64_t word_before = word();
  EXPECT_EQ(run(), ExitReason::kLookup);
  EXPECT_EQ(reports_, 0u) << report_;
  EXPECT_EQ(word(), word_before + guest_->frame.general[1]);
}

// The subject's TLB is not part of UserTables.
TEST_F(Lockstep, SubjectsFindTheirSecondPage) {
  make(&make_jit_backend);
  page_.relocatable = true;
  CodePage second = page_;
  second.number = page_.number + 1;
  const uint64_t base = 0x7f0000000000;
  guest_->code_pages[code_page_slot(second.number)] = code_page_mapping(second, base + kPageSize);
  block_.relocatable = true;
  block_.guest_ip = kPageSize - 2;
  block_.guest_size = 8;
  b_.insn_start(block_.guest_ip);
  b_.set_reg(1, b_.add(b_.get_reg(Type::kI64, 1), b_.constant(Type::kI64, 1)));
  b_.exit_direct(kPageSize + 6, 0);
  auto block = backend_->compile(block_, page_, &second);
  ASSERT_TRUE(block) << block.error().message();
  const uint64_t before = guest_->frame.general[1];
  guest_->frame.guest_ip = base + block_.guest_ip;
  EXPECT_EQ(run(*block), ExitReason::kLookup);
  EXPECT_EQ(reports_, 0u) << report_;
  EXPECT_EQ(guest_->frame.general[1], before + 1);
  EXPECT_EQ(guest_->frame.guest_ip, base + kPageSize + 6);
}

TEST_F(Lockstep, AgreesOnRandomBlocksOfTheCodeGenerator) {
  make(&make_jit_backend);
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    BlockGenerator(seed, TestGuest::kMemory).generate(&block_, 1 + seed % 12);
    Pipeline::standard().run(block_);
    guest_ = std::make_unique<TestGuest>(seed);
    run();
    backend_->flush();
    ASSERT_EQ(reports_, 0u) << "seed " << seed << ":\n" << report_ << to_string(block_);
  }
}
#endif

}  // namespace
}  // namespace vireo::tcg
