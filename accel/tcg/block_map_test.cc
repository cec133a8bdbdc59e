#include "accel/tcg/block_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace vireo::accel {
namespace {

constexpr uint64_t kHost = 0x7f0000000000;  // of guest memory that is never touched

const std::byte* at(uint64_t offset) { return reinterpret_cast<const std::byte*>(kHost + offset); }

class BlockMapTest : public ::testing::Test {
 protected:
  /// A block of user code at this offset of guest memory.
  tcg::TranslatedBlock* add(uint64_t offset, uint16_t size) {
    tcg::TranslatedBlock& block = blocks_.emplace_back();
    block.page = &page(offset);
    block.offset = static_cast<uint16_t>(offset % tcg::kPageSize);
    block.guest_size = size;
    map_.insert(&block, block.spans_pages() ? &page(offset + tcg::kPageSize) : nullptr);
    return &block;
  }
  const tcg::CodePage& page(uint64_t offset) {
    return map_.page({.host = kHost + tcg::page_of(offset), .mode = 3}, true);
  }
  unsigned remove(uint64_t offset, size_t length) {
    unsigned removed = 0;
    map_.remove(at(offset), length, [&](tcg::TranslatedBlock*) { ++removed; });
    return removed;
  }

  std::deque<tcg::TranslatedBlock> blocks_;
  BlockMap map_;
};

TEST_F(BlockMapTest, FindsBlocksByPlace) {
  tcg::TranslatedBlock* block = add(0x1010, 8);
  EXPECT_EQ(map_.find(page(0x1000), 0x10, false), block);
  EXPECT_EQ(map_.find(page(0x1000), 0x11, false), nullptr);
  EXPECT_EQ(map_.find(page(0x2000), 0x10, false), nullptr);
  const tcg::CodePageKey other{.host = kHost + 0x1000, .mode = 0};
  EXPECT_EQ(map_.find(map_.page(other, false), 0x10, false), nullptr);
  EXPECT_EQ(&map_.page(other, false), &map_.page(other, false));
  EXPECT_NE(map_.page(other, false).number, page(0x1000).number);
}

TEST_F(BlockMapTest, ForgetsManyBlocksAtOnce) {
  tcg::TranslatedBlock* kept = add(0x1010, 8);
  std::vector<tcg::TranslatedBlock*> gone = {add(0x1080, 8), add(0x1ffc, 8), add(0x3000, 8)};
  std::ranges::sort(gone);
  std::vector<const std::byte*> emptied;
  map_.remove(gone, [&](const std::byte* page) { emptied.push_back(page); });
  EXPECT_EQ(emptied, (std::vector{at(0x2000), at(0x3000)}));
  EXPECT_EQ(map_.size(), 1u);
  EXPECT_EQ(map_.find(page(0x1000), 0x10, false), kept);
  EXPECT_EQ(map_.find(page(0x1000), 0x80, false), nullptr);
  EXPECT_FALSE(map_.covers(at(0x1080), 8));
  EXPECT_TRUE(map_.covers(at(0x1010), 1));
  EXPECT_EQ(remove(0x1000, tcg::kPageSize), 1u);
}

TEST_F(BlockMapTest, KnowsTheBytesThatBlocksWereMadeFrom) {
  add(0x1010, 8);
  add(0x1ffc, 8);  // ends in the next page
  EXPECT_TRUE(map_.covers(at(0x1017), 1));
  EXPECT_FALSE(map_.covers(at(0x1018), 4));
  EXPECT_TRUE(map_.covers(at(0x2003), 1));
  EXPECT_FALSE(map_.covers(at(0x2004), 0x100));
  EXPECT_EQ(remove(0x2000, 1), 1u);
  EXPECT_FALSE(map_.page_has_code(at(0x2000)));
  EXPECT_TRUE(map_.page_has_code(at(0x1000)));
  EXPECT_EQ(remove(0x1000, tcg::kPageSize), 1u);
  EXPECT_FALSE(map_.page_has_code(at(0x1000)));
}

TEST_F(BlockMapTest, PagesThatAreWrittenOftenAreData) {
  const auto writes_until_data = [&] {
    unsigned writes = 1;
    while (!map_.is_rather_data(at(0x1000))) ++writes;
    return writes;
  };
  EXPECT_FALSE(map_.is_rather_data(at(0x1000))) << "no page of code";
  add(0x1010, 8);
  const unsigned first = writes_until_data();
  EXPECT_GT(first, 10u);
  EXPECT_EQ(remove(0x1000, tcg::kPageSize), 1u);
  EXPECT_FALSE(map_.page_has_code(at(0x1000)));
  add(0x1010, 8);  // code is back
  EXPECT_EQ(writes_until_data(), 2 * first);
}

}  // namespace
}  // namespace vireo::accel
