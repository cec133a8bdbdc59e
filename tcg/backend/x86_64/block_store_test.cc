#include "tcg/backend/x86_64/block_store.h"

#include <gtest/gtest.h>

namespace vireo::tcg::x86_64 {
namespace {

constexpr size_t kEnd = 64 << 10, kBlockBytes = 1000;

class BlockStoreTest : public ::testing::Test {
 protected:
  /// `count` blocks of kBlockBytes, one behind the other.
  void add(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      BlockData data{};
      data.code = static_cast<uint32_t>(i * kBlockBytes);
      data.host_size = kBlockBytes;
      store_.add(data, {});
    }
  }
  /// The number of the block at this offset, or -1.
  int found(size_t offset) const {
    const BlockData* data = store_.find(code_ + offset);
    return data != nullptr ? static_cast<int>(data->code / kBlockBytes) : -1;
  }

  uint8_t code_[kEnd];
  BlockStore store_{code_, 0, kEnd};
};

TEST_F(BlockStoreTest, FindsTheBlockOfEachByte) {
  EXPECT_EQ(found(0), -1);
  add(40);
  for (size_t offset = 0; offset < kEnd; ++offset) {
    ASSERT_EQ(found(offset),
              offset < 40 * kBlockBytes ? static_cast<int>(offset / kBlockBytes) : -1);
  }
}

TEST_F(BlockStoreTest, KnowsNothingOfWhatItHasForgotten) {
  add(60);
  store_.clear();
  add(2);
  EXPECT_EQ(found(2 * kBlockBytes - 1), 1);
  for (size_t offset = 2 * kBlockBytes; offset < kEnd; ++offset) ASSERT_EQ(found(offset), -1);
}

}  // namespace
}  // namespace vireo::tcg::x86_64
