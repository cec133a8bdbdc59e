// What ends a block, how the mode changes translations, and that any bytes in any mode give
// well-formed IR.

#include "target/i386/translate/block.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <random>
#include <vector>

#include "target/i386/cpu/state.h"
#include "target/i386/decode/decoder.h"
#include "target/i386/translate/helper_id.h"
#include "tcg/ir/printer.h"
#include "tcg/ir/verifier.h"

namespace vireo::i386 {
namespace {

using tcg::Opcode;

constexpr uint64_t kPage = 0x400000;
constexpr uint64_t kLong =
    kMode64 | kModeCode32 | kModeStack32 | kModeProtected | kModeLongActive | kModeFlatData;
constexpr uint64_t kFlat32 = kModeCode32 | kModeStack32 | kModeProtected | kModeFlatData;

/// Pages from kPage on; what lies behind the last byte cannot be fetched.
class Code final : public accel::CodeReader {
 public:
  explicit Code(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}
  std::span<const std::byte> bytes_at(uint64_t linear) override {
    const uint64_t offset = linear - kPage;
    if (offset >= bytes_.size()) return {};
    const uint64_t page_end = (offset | 0xfff) + 1;
    const auto* data = reinterpret_cast<const std::byte*>(bytes_.data());
    return {data + offset, data + std::min<uint64_t>(page_end, bytes_.size())};
  }

 private:
  std::vector<uint8_t> bytes_;
};

constexpr FeatureSet kAll = FeatureSet::all();

class BlockTest : public ::testing::Test {
 protected:
  /// Translates `bytes`, placed at `offset` of a page and followed by NOPs to the end of the
  /// second.
  bool translate(std::initializer_list<uint8_t> bytes, uint64_t mode = kLong, uint64_t offset = 0,
                 size_t size = 0x2000) {
    std::vector<uint8_t> code(0x2000, 0x90);
    std::copy(bytes.begin(), bytes.end(), code.begin() + static_cast<long>(offset));
    code.resize(size);
    return translate_code(std::move(code), mode, offset);
  }

  bool translate_code(std::vector<uint8_t> code, uint64_t mode, uint64_t offset) {
    Code reader(std::move(code));
    const uint64_t at = kPage + offset;
    const bool fetched =
        translate_block({.mode = mode, .ip = at, .linear = at}, kAll, reader, block_, fault_);
    if (fetched) {
      const auto status = tcg::verify(block_);
      EXPECT_TRUE(status) << status.error().message() << "\n" << tcg::to_string(block_);
    }
    return fetched;
  }

  unsigned count(Opcode op) const {
    unsigned found = 0;
    for (const tcg::Inst& inst : block_.insts) found += inst.op == op;
    return found;
  }
  unsigned calls(HelperId id) const {
    unsigned found = 0;
    for (const tcg::Inst& inst : block_.insts) {
      found += inst.op == Opcode::kCallHelper && inst.aux == static_cast<uint16_t>(id);
    }
    return found;
  }
  const tcg::Inst& last() const { return block_.insts.back(); }

  tcg::Block block_;
  uint64_t fault_ = 0;
};

TEST_F(BlockTest, EndsAtABranchWithBothWaysOut) {
  ASSERT_TRUE(translate({0x01, 0xd8, 0x74, 0x10}));  // add eax, ebx; je +16
  EXPECT_EQ(block_.guest_insns, 2u);
  EXPECT_EQ(block_.guest_size, 4u);
  EXPECT_EQ(last().op, Opcode::kExitDirect);
  EXPECT_EQ(last().imm, kPage + 4);
  const tcg::Inst& taken = block_.insts[block_.insts.size() - 2];
  EXPECT_EQ(taken.op, Opcode::kBranchFlags);
  EXPECT_EQ(taken.imm, kPage + 0x14);
}

TEST_F(BlockTest, UserCodeIsRelativeToItsPage) {
  constexpr uint64_t kUser = kLong | 3u << kModeCplShift;
  ASSERT_TRUE(translate({0x8b, 0x05, 0xf0, 0xff, 0xff, 0xff,  // mov eax, [rip-16]
                         0xe8, 0x00, 0xf0, 0xff, 0xff},       // call -0x1000
                        kUser, 0x123));
  EXPECT_TRUE(block_.relocatable);
  EXPECT_EQ(block_.guest_ip, 0x123u);
  EXPECT_EQ(last().imm, uint64_t{0x12e} - 0x1000);
  std::vector<uint64_t> relative;  // RIP-relative operand, return address
  for (const tcg::Inst& inst : block_.insts) {
    if (inst.op == Opcode::kConstant) {
      EXPECT_LT(inst.imm, kPage);
    }
    if (inst.op != Opcode::kAddress) continue;
    const tcg::Inst& base = block_.insts[inst.a];
    if (base.op == Opcode::kLoadState && base.imm == offsetof(tcg::Frame, code_base)) {
      relative.push_back(inst.imm);
    }
  }
  EXPECT_EQ(relative, (std::vector<uint64_t>{0x119, 0x12e}));
}

TEST_F(BlockTest, EndsAfterItsLimit) {
  ASSERT_TRUE(translate({}));
  EXPECT_EQ(block_.guest_insns, 64u);
  EXPECT_EQ(last().imm, kPage + 64);
}

TEST_F(BlockTest, StopsBeforeAnInsnThatCrossesPages) {
  ASSERT_TRUE(translate({0x90, 0x48, 0x01, 0xd8}, kLong, 0xffd));  // add rax, rbx at 0xffe
  EXPECT_EQ(block_.guest_size, 1u);
  ASSERT_TRUE(translate({0x48, 0x01, 0xd8}, kLong, 0xffe));
  EXPECT_EQ(block_.guest_size, 3u);
  EXPECT_EQ(block_.guest_insns, 1u);
}

TEST_F(BlockTest, TellsWhichPageIsMissing) {
  EXPECT_FALSE(translate({0x48, 0x01, 0xd8}, kLong, 0xffe, 0x1000));
  EXPECT_EQ(fault_, kPage + 0x1000);
  // A missing second page does not matter to what ends before it.
  EXPECT_TRUE(translate({0x01, 0xd8}, kLong, 0xffe, 0x1000));
}

TEST_F(BlockTest, UndefinedAndTooLongInstructionsFault) {
  ASSERT_TRUE(translate({0x90, 0x0f, 0x0b}));
  EXPECT_EQ(calls(HelperId::raise_exception), 1u);
  EXPECT_EQ(block_.guest_insns, 2u);
  ASSERT_TRUE(translate({0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                         0x66, 0x66, 0x66, 0x90}));
  EXPECT_EQ(calls(HelperId::raise_exception_error), 1u);
  ASSERT_TRUE(translate({0xf0, 0x01, 0xd8}));  // lock add eax, ebx
  EXPECT_EQ(calls(HelperId::raise_exception), 1u);
}

TEST_F(BlockTest, FeaturesDecideWhatIsDefined) {
  Code reader({0xf3, 0x0f, 0xb8, 0xc3, 0xf4});  // popcnt eax, ebx
  FeatureSet features = kAll;
  features.set(Feature::kPopcnt, false);
  ASSERT_TRUE(translate_block({.mode = kLong, .ip = kPage, .linear = kPage}, features, reader,
                              block_, fault_));
  EXPECT_EQ(count(Opcode::kPopcnt), 0u);
  EXPECT_EQ(calls(HelperId::raise_exception), 1u);
}

TEST(Decode, AmdsExtensionsToMmxAreDefinedWithoutSse) {
  const std::vector<uint8_t> kExtensions[] = {
      {0x0f, 0x70, 0xc1, 0}, {0x0f, 0xc4, 0xc1, 0}, {0x0f, 0xc5, 0xc1, 0}, {0x0f, 0xd7, 0xc1},
      {0x0f, 0xda, 0xc1},    {0x0f, 0xde, 0xc1},    {0x0f, 0xe0, 0xc1},    {0x0f, 0xe3, 0xc1},
      {0x0f, 0xe4, 0xc1},    {0x0f, 0xe7, 0x00},    {0x0f, 0xea, 0xc1},    {0x0f, 0xee, 0xc1},
      {0x0f, 0xf6, 0xc1},    {0x0f, 0xf7, 0xc1},    {0x0f, 0xae, 0xf8}};
  const std::vector<uint8_t> kOthers[] = {{0x0f, 0x58, 0xc1},         // addps
                                          {0x0f, 0xae, 0x10},         // ldmxcsr
                                          {0x0f, 0xd4, 0xc1},         // paddq mm
                                          {0x66, 0x0f, 0xda, 0xc1}};  // pminub xmm
  const FeatureSet mmx(Feature::kMmx), amd(Feature::kMmx, Feature::kMmxext),
      intel(Feature::kMmx, Feature::kSse);
  Insn insn;
  for (const auto& bytes : kExtensions) {
    EXPECT_EQ(decode({32, mmx}, bytes, insn), DecodeStatus::kUndefined) << int{bytes[1]};
    EXPECT_EQ(decode({32, amd}, bytes, insn), DecodeStatus::kOk) << int{bytes[1]};
    EXPECT_EQ(decode({32, intel}, bytes, insn), DecodeStatus::kOk) << int{bytes[1]};
  }
  for (const auto& bytes : kOthers)
    EXPECT_EQ(decode({32, amd}, bytes, insn), DecodeStatus::kUndefined) << int{bytes[1]};
}

TEST_F(BlockTest, PrivilegedInstructionsFaultInUserMode) {
  ASSERT_TRUE(translate({0xf4}));
  EXPECT_EQ(calls(HelperId::hlt), 1u);
  ASSERT_TRUE(translate({0xf4}, kLong | 3u << kModeCplShift));
  EXPECT_EQ(calls(HelperId::hlt), 0u);
  EXPECT_EQ(calls(HelperId::raise_exception_error), 1u);
}

TEST_F(BlockTest, UserAccessesUseTheUserContext) {
  ASSERT_TRUE(translate({0x8b, 0x03, 0xc3}, kLong | 3u << kModeCplShift));  // mov eax, [rbx]; ret
  for (const tcg::Inst& inst : block_.insts) {
    if (inst.op == Opcode::kLoad) {
      EXPECT_TRUE(inst.extra & tcg::kMemoryUser);
    }
  }
  EXPECT_EQ(count(Opcode::kLoad), 2u);
}

TEST_F(BlockTest, TrapAndShadowRunOneInstruction) {
  ASSERT_TRUE(translate({0x01, 0xd8}, kLong | kModeTrap));
  EXPECT_EQ(block_.guest_insns, 1u);
  EXPECT_EQ(calls(HelperId::finish_traced), 1u);
  ASSERT_TRUE(translate({0x74, 0x10}, kLong | kModeInterruptShadow));
  EXPECT_EQ(calls(HelperId::clear_shadow), 1u);
  EXPECT_EQ(count(Opcode::kBranchFlags), 0u);
  // A load of SS delays the trap.
  ASSERT_TRUE(translate({0x8e, 0xd0}, kFlat32 | kModeTrap));
  EXPECT_EQ(calls(HelperId::finish_traced), 0u);
  EXPECT_EQ(calls(HelperId::begin_shadow), 1u);
  ASSERT_TRUE(translate({0x0f, 0xb2, 0x20}, kFlat32 | kModeTrap));  // lss: not that one
  EXPECT_EQ(calls(HelperId::finish_traced), 1u);
  EXPECT_EQ(calls(HelperId::begin_shadow), 0u);
}

TEST_F(BlockTest, SegmentsCountOnlyWhereTheyAreNotFlat) {
  ASSERT_TRUE(translate({0x8b, 0x03, 0xc3}, kFlat32));
  EXPECT_EQ(count(Opcode::kLoadState), 0u);
  ASSERT_TRUE(translate({0x8b, 0x03, 0xc3}, kFlat32 & ~uint64_t{kModeFlatData}));
  EXPECT_EQ(count(Opcode::kLoadState), 2u);  // The bases of DS and SS.
  EXPECT_EQ(calls(HelperId::check_limit), 0u);
  const uint64_t limited_ds = uint64_t{1} << (kModeLimitedShift + unsigned{kDs});
  ASSERT_TRUE(translate({0x8b, 0x03, 0xc3}, (kFlat32 & ~uint64_t{kModeFlatData}) | limited_ds));
  EXPECT_EQ(calls(HelperId::check_limit), 1u);
}

TEST_F(BlockTest, FloatingPointObeysTheControlRegisters) {
  ASSERT_TRUE(translate({0xd9, 0xe8, 0xf4}, kLong | kModeFpuUnavailable));  // fld1
  EXPECT_EQ(calls(HelperId::x87), 0u);
  EXPECT_EQ(calls(HelperId::raise_exception), 1u);
  ASSERT_TRUE(translate({0x0f, 0x58, 0xc1, 0xf4}, kLong | kModeSseUnavailable));  // addps
  EXPECT_EQ(count(Opcode::kVector), 0u);
  EXPECT_EQ(calls(HelperId::raise_exception), 1u);
}

TEST_F(BlockTest, AnyBytesInAnyModeGiveWellFormedIr) {
  const uint64_t modes[] = {kLong,
                            kLong | 3u << kModeCplShift,
                            kLong | kModeTrap,
                            kLong | kModeInterruptShadow,
                            kFlat32,
                            kFlat32 | kModeTrap,
                            kModeProtected,
                            kModeProtected | kModeCode32 | uint64_t{0xfff} << kModeCheckShift,
                            kModeProtected | kModeVm86 | 3u << kModeCplShift,
                            0,
                            kModeIopl3 | kModeTrap,
                            kModeFpuUnavailable | kModeSseUnavailable};
  std::mt19937 random(1);
  for (unsigned round = 0; round < 60000; ++round) {
    std::vector<uint8_t> code(64);
    for (uint8_t& byte : code) byte = static_cast<uint8_t>(random());
    if (round % 2) code[0] = 0x0f;
    translate_code(std::move(code), modes[round % std::size(modes)], 0);
    ASSERT_FALSE(HasFailure());
  }
}

}  // namespace
}  // namespace vireo::i386
