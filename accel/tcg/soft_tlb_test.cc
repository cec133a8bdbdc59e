#include "accel/tcg/soft_tlb.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>

namespace vireo::accel {
namespace {

class SoftTlbTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kFirst = 0x1000, kSecond = 0x2000, kThird = 0x3000;

  void fill(uint64_t page, PageKind kind) {
    for (const bool is_write : {false, true}) tlb_.fill(page, host_, is_write, kind);
  }
  /// The same for reads and for writes.
  bool holds(uint64_t page) {
    const bool reads = tlb_.tlb()->entry(page, false).tag == page;
    EXPECT_EQ(tlb_.tlb()->entry(page, true).tag == page, reads);
    return reads;
  }

  std::byte host_[1] = {};
  std::unique_ptr<tcg::Tlb> table_ = std::make_unique<tcg::Tlb>();
  SoftTlb tlb_{*table_};
};

TEST_F(SoftTlbTest, FlushesKeepWhatIsOfAnotherKind) {
  fill(kFirst, {.global = true});
  fill(kSecond, {.key = 5});
  fill(kThird, {.global = true, .key = 15});
  tlb_.flush_keys(1u << 4);
  EXPECT_TRUE(holds(kFirst) && holds(kSecond) && holds(kThird));
  tlb_.flush_keys(1u << 15 | 1u << 4);
  EXPECT_TRUE(holds(kFirst) && holds(kSecond));
  EXPECT_FALSE(holds(kThird));
  tlb_.flush_non_global();
  EXPECT_TRUE(holds(kFirst));
  EXPECT_FALSE(holds(kSecond));
  tlb_.flush_keys(1);
  EXPECT_FALSE(holds(kFirst));
}

TEST_F(SoftTlbTest, PagesOfOneIndexComeBack) {
  constexpr uint64_t kOther = kFirst + tcg::kTlbEntries * tcg::kPageSize;
  fill(kFirst, {.key = 3});
  fill(kOther, {});
  EXPECT_TRUE(holds(kOther));
  EXPECT_FALSE(holds(kFirst));
  for (const bool is_write : {false, true}) EXPECT_TRUE(tlb_.recall(kFirst, is_write));
  EXPECT_TRUE(holds(kFirst));
  for (const bool is_write : {false, true}) EXPECT_TRUE(tlb_.recall(kOther, is_write));
  EXPECT_TRUE(holds(kOther));
  tlb_.flush_keys(1u << 3);
  EXPECT_FALSE(tlb_.recall(kFirst, false));
  EXPECT_FALSE(tlb_.recall(kFirst, true));
}

TEST_F(SoftTlbTest, FlushesReachPagesThatLostTheirEntry) {
  constexpr uint64_t kOther = kFirst + tcg::kTlbEntries * tcg::kPageSize;
  const auto lose_first = [&] {
    fill(kFirst, {});
    fill(kOther, {});
  };
  lose_first();
  tlb_.flush_page(kFirst);
  EXPECT_FALSE(tlb_.recall(kFirst, false));
  lose_first();
  tlb_.flush_non_global();
  EXPECT_FALSE(tlb_.recall(kFirst, true));
  lose_first();
  tlb_.withdraw_write_range(host_, host_);
  EXPECT_FALSE(tlb_.recall(kFirst, true));
  EXPECT_TRUE(tlb_.recall(kFirst, false));
  lose_first();
  tlb_.flush();
  EXPECT_FALSE(tlb_.recall(kFirst, false));
}

TEST_F(SoftTlbTest, DevicePagesAreFlushedAsEntriesAre) {
  constexpr uint64_t kPhysical = 0xfee00000;
  const auto note = [&](uint64_t page, PageKind kind) {
    for (const bool is_write : {false, true}) tlb_.note_device(page, kPhysical, is_write, kind);
  };
  const auto notes = [&](uint64_t page) {
    const uint64_t* reads = tlb_.device_at(page, false);
    EXPECT_EQ(reads == nullptr, tlb_.device_at(page, true) == nullptr);
    EXPECT_TRUE(reads == nullptr || *reads == kPhysical);
    return reads != nullptr;
  };
  tlb_.note_device(kFirst, kPhysical, false, {});
  EXPECT_NE(tlb_.device_at(kFirst, false), nullptr);
  EXPECT_EQ(tlb_.device_at(kFirst, true), nullptr) << "noted for reads only";
  note(kFirst, {.global = true});
  note(kSecond, {.key = 5});
  note(kThird, {.global = true, .key = 15});
  tlb_.flush_keys(1u << 4);
  EXPECT_TRUE(notes(kFirst) && notes(kSecond) && notes(kThird));
  tlb_.flush_keys(1u << 15);
  EXPECT_TRUE(notes(kFirst) && notes(kSecond));
  EXPECT_FALSE(notes(kThird));
  tlb_.flush_non_global();
  EXPECT_TRUE(notes(kFirst));
  EXPECT_FALSE(notes(kSecond));
  tlb_.flush_page(kFirst);
  EXPECT_FALSE(notes(kFirst));
  for (const uint64_t page : {kFirst, kSecond, kThird}) note(page, {.global = true});
  tlb_.flush();
  EXPECT_FALSE(notes(kFirst) || notes(kSecond) || notes(kThird));
  note(kFirst, {.page_bits = 21});
  note(kSecond, {});
  tlb_.flush_page(0x1ff000);
  EXPECT_FALSE(notes(kFirst)) << "a large page goes as a whole";
  EXPECT_TRUE(notes(kSecond));
  note(kFirst, {});
  note(kFirst + 64 * tcg::kPageSize, {});
  EXPECT_FALSE(notes(kFirst)) << "another page has taken its place";
}

TEST_F(SoftTlbTest, WithdrawnPagesAreNotWritten) {
  constexpr unsigned kHosts = 5, kPages = 12;
  const auto memory = std::make_unique<std::array<std::byte, kHosts * tcg::kPageSize>>();
  std::mt19937 random(7);
  const auto some_host = [&] { return memory->data() + random() % kHosts * tcg::kPageSize; };
  // Three pages share an index.
  const auto page_of = [](unsigned i) {
    return (i % 4 + i / 4 * tcg::kTlbEntries) * tcg::kPageSize;
  };
  for (unsigned step = 0; step < 5000; ++step) {
    const uint64_t page = page_of(random() % kPages);
    if (random() % 16 == 0) tlb_.flush_page(page);
    if (random() % 64 == 0) tlb_.flush_non_global();
    tlb_.fill(page, some_host(), random() % 2 == 0, {.global = random() % 2 == 0});
    if (random() % 8 != 0) continue;
    const std::byte* host = some_host();
    tlb_.withdraw_write_range(host, host + tcg::kPageSize - 1);
    for (unsigned i = 0; i < kPages; ++i) {
      const tcg::TlbPlace entry = tlb_.tlb()->entry(page_of(i), true);
      const bool valid = entry.tag == page_of(i) || tlb_.recall(page_of(i), true);
      if (!valid) continue;
      ASSERT_NE(static_cast<const void*>(entry.host), host) << step;
    }
  }
}

TEST_F(SoftTlbTest, LargePagesGoAsAWhole) {
  for (const uint8_t page_bits : {21, 22, 30}) {
    const uint64_t size = uint64_t{1} << page_bits, large = 3 * size;
    const uint64_t second = large + 7 * tcg::kPageSize, next = large + size + 9 * tcg::kPageSize;
    const PageKind kind{.global = true, .page_bits = page_bits};
    fill(large, kind);
    fill(second, kind);
    fill(next, kind);
    tlb_.flush_non_global();
    tlb_.flush_page(large - 1);
    EXPECT_TRUE(holds(large) && holds(second) && holds(next));
    tlb_.flush_page(large + size - 1);
    EXPECT_FALSE(holds(large) || holds(second));
    EXPECT_TRUE(holds(next)) << "of the next page";
    fill(second, kind);
    fill(second + tcg::kTlbEntries * tcg::kPageSize, {});
    tlb_.flush_page(large);
    EXPECT_FALSE(tlb_.recall(second, false)) << "that lost its entry";
    tlb_.flush();
  }
}

TEST_F(SoftTlbTest, SmallPagesGoAlone) {
  fill(kFirst, {});
  fill(kSecond, {});
  tlb_.flush_page(kFirst);
  EXPECT_TRUE(holds(kSecond));
}

TEST_F(SoftTlbTest, KeysAreThoseOfTheLastFill) {
  fill(kFirst, {.key = 1});
  tlb_.flush();
  fill(kFirst, {.key = 2});
  tlb_.flush_keys(1u << 1);
  EXPECT_TRUE(holds(kFirst));
  tlb_.flush_keys(1u << 2);
  EXPECT_FALSE(holds(kFirst));
  fill(kFirst, {.key = 2});
  EXPECT_TRUE(holds(kFirst)) << "filled again";
  tlb_.flush_keys(1u << 2);
  EXPECT_FALSE(holds(kFirst)) << "and flushed again";
}

}  // namespace
}  // namespace vireo::accel
