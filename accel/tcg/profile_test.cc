#include "accel/tcg/profile.h"

#include <gtest/gtest.h>

#include <ctime>
#include <thread>

#include "tcg/runtime/frame.h"

namespace vireo::accel {
namespace {

using util::Activity;
using util::ActivityScope;

/// Works for so much processor time.
void burn(int64_t nanoseconds) {
  const auto used = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  for (const int64_t end = used() + nanoseconds; used() < end;) continue;
}

/// A code cache with two blocks: [64, 128) relocatable, [128, 160) not.
class FakeBackend final : public tcg::Backend {
 public:
  FakeBackend() {
    pages_[0] = {.key = {.host = 0x10000}, .relocatable = true};
    pages_[1] = {.key = {.host = 0x20000, .linear = 0xffff8000, .ip = 0xffff8000}};
    for (unsigned i = 0; i < 2; ++i) {
      blocks_[i].page = &pages_[i];
      blocks_[i].offset = 0x123;
      blocks_[i].guest_insns = 3;
    }
  }
  util::Result<tcg::TranslatedBlock*> compile(const tcg::Block&, const tcg::CodePage&,
                                              const tcg::CodePage*) override {
    return util::Error(util::ErrorCode::kUnsupported, "a fake");
  }
  const void* checked_entry(tcg::TranslatedBlock*) override { return nullptr; }
  void run(tcg::Frame*, tcg::TranslatedBlock*, tcg::TranslatedBlock**, unsigned*) override {}
  const tcg::TranslatedBlock* left_block(const tcg::Frame&) const override { return nullptr; }
  void link(tcg::TranslatedBlock*, unsigned, tcg::TranslatedBlock*) override {}
  void invalidate(tcg::TranslatedBlock*) override {}
  void flush() override {}
  size_t code_bytes_used() const override { return 16; }  // wherever
  size_t code_bytes_total() const override { return sizeof code; }
  std::span<const std::byte> code_cache() const override { return code; }
  const tcg::TranslatedBlock* block_at(const void* address) const override {
    const auto offset = static_cast<const std::byte*>(address) - code;
    return offset >= 64 && offset < 128    ? &blocks_[0]
           : offset >= 128 && offset < 160 ? &blocks_[1]
                                           : nullptr;
  }
  std::span<const std::byte> host_code(const tcg::TranslatedBlock& block) const override {
    return {code + (&block == &blocks_[0] ? 64 : 128), 32};
  }
  std::vector<tcg::CodeMark> code_marks(const tcg::TranslatedBlock&) const override { return {}; }

  /// As if block 1 were another translation.
  void set_mode(uint64_t mode) { pages_[1].key.mode = mode; }
  GuestCode guest_code() const {
    return {{code + 64, {std::byte{0x90}}}, {code + 128, {std::byte{0xc3}}}};
  }

  std::byte code[256] = {};

 private:
  tcg::CodePage pages_[2];
  tcg::TranslatedBlock blocks_[2];
};

class ProfileTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(profile_.begin()); }

  FakeBackend backend_;
  GuestCode guest_code_ = backend_.guest_code();
  tcg::Frame frame_;
  bool user_ = false;
  Profile profile_{backend_, guest_code_, frame_, user_};
};

// The thread hardly runs, so that all samples are the test's own.
TEST_F(ProfileTest, TellsBlocksFromWhatElseTheThreadDoes) {
  user_ = true;
  frame_.code_base = 0x7f0000;
  for (const unsigned offset : {64, 70, 127, 8}) profile_.sample(backend_.code + offset);
  user_ = false;
  profile_.sample(backend_.code + 150);
  {
    const ActivityScope scope(Activity::kRefill);
    profile_.sample(nullptr);
  }
  profile_.collect();
  profile_.collect();  // counts nothing twice
  profile_.end();
  EXPECT_GE(profile_.samples(), 6u);
  const auto hottest = profile_.hottest(10);
  ASSERT_EQ(hottest.size(), 2u);
  EXPECT_EQ(hottest[0].linear, 0x7f0123u);
  EXPECT_TRUE(hottest[0].user);
  EXPECT_EQ(hottest[0].samples, 3u);
  EXPECT_EQ(hottest[1].linear, 0xffff8123u);
  EXPECT_FALSE(hottest[1].user);
  EXPECT_EQ(hottest[1].guest_insns, 3u);
  EXPECT_EQ(profile_.hottest(1).size(), 1u);
}

TEST_F(ProfileTest, BlocksOutliveAFlush) {
  profile_.sample(backend_.code + 150);
  profile_.flush();
  profile_.sample(backend_.code + 150);
  profile_.flush();
  profile_.end();
  const auto hottest = profile_.hottest(10);
  ASSERT_EQ(hottest.size(), 1u);
  EXPECT_EQ(hottest[0].samples, 2u);
  EXPECT_EQ(hottest[0].translation, nullptr);
}

TEST_F(ProfileTest, ARestartForgetsWhatWasBefore) {
  for (const unsigned offset : {64, 70, 8}) profile_.sample(backend_.code + offset);
  profile_.sample(nullptr);
  profile_.collect();
  profile_.sample(backend_.code + 127);
  profile_.slept(3'600'000'000'000);
  profile_.restart();
  profile_.sample(backend_.code + 150);
  profile_.collect();
  profile_.end();
  const auto hottest = profile_.hottest(10);
  ASSERT_EQ(hottest.size(), 1u);
  EXPECT_EQ(hottest[0].linear, 0xffff8123u);
  EXPECT_EQ(hottest[0].samples, 1u);
  EXPECT_LT(profile_.samples(), 4u);
  EXPECT_NE(profile_.shares().find("idle                             0.0%"), std::string::npos)
      << profile_.shares();
}

// A listing shows what was translated, however often the place has been translated.
TEST_F(ProfileTest, OtherCodeOrAnotherModeIsAnotherBlock) {
  const auto sample = [this] {
    profile_.sample(backend_.code + 150);
    profile_.collect();
  };
  auto& code = guest_code_.at(backend_.code + 128);
  const std::vector<std::byte> first = code, second = {std::byte{0}, std::byte{0}};
  sample();
  code = second;
  for (int i = 0; i < 2; ++i) sample();
  backend_.set_mode(32);
  for (int i = 0; i < 3; ++i) sample();
  profile_.end();
  const auto hottest = profile_.hottest(10);
  ASSERT_EQ(hottest.size(), 3u);
  const std::vector<std::byte>* const codes[] = {&second, &second, &first};
  const uint64_t modes[] = {32, 0, 0};
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_EQ(hottest[i].linear, 0xffff8123u);
    EXPECT_EQ(hottest[i].samples, 3u - i);
    EXPECT_EQ(hottest[i].guest_code, *codes[i]);
    EXPECT_EQ(hottest[i].mode, modes[i]);
  }
}

TEST_F(ProfileTest, SharesAddUpToTheTime) {
  const ActivityScope scope(Activity::kDevice);
  burn(100'000'000);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  profile_.slept(50'000'000);
  profile_.end();
  double sum = 0, devices = 0, idle = 0;
  const std::string shares = profile_.shares();
  for (size_t at = shares.find('\n'); at + 1 < shares.size(); at = shares.find('\n', at + 1)) {
    const std::string line = shares.substr(at + 1, shares.find('\n', at + 1) - at - 1);
    const double share = std::stod(line.substr(line.find_last_of(' ')));
    if (line.find("(of all") == line.npos) sum += share;
    if (line.find("devices") != line.npos) devices = share;
    if (line.find("idle") != line.npos) idle = share;
  }
  EXPECT_NEAR(sum, 100, 1) << shares;
  EXPECT_GT(devices, 1) << shares;
  EXPECT_GT(idle, 1) << shares;
}

}  // namespace
}  // namespace vireo::accel
