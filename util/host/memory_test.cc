#include "util/host/memory.h"

#include <gtest/gtest.h>

#include <cstring>

#include "util/host/jit_mapping.h"

namespace vireo::util {
namespace {

TEST(SharedMapping, IsZeroAndCanBeDiscarded) {
  auto mapping = SharedMapping::create("test", 3 * host_page_size() - 1);
  ASSERT_TRUE(mapping) << mapping.error().message();
  EXPECT_EQ(mapping->size(), 3 * host_page_size());
  EXPECT_GE(mapping->fd(), 0);
  std::memset(mapping->data(), 0x5a, mapping->size());
  mapping->discard(1, 2 * host_page_size());  // covers only the middle page whole
  EXPECT_EQ(mapping->data()[0], std::byte{0x5a});
  EXPECT_EQ(mapping->data()[host_page_size()], std::byte{0});
  EXPECT_EQ(mapping->data()[2 * host_page_size()], std::byte{0x5a});
}

TEST(SharedMapping, ReportsWhatTheHostRefuses) {
  const auto mapping = SharedMapping::create("huge", SIZE_MAX / 2);
  ASSERT_FALSE(mapping);
  EXPECT_EQ(mapping.error().code(), ErrorCode::kNoMemory);
}

TEST(JitMapping, RunsWhatWasWritten) {
  auto mapping = JitMapping::create(100);
  ASSERT_TRUE(mapping) << mapping.error().message();
#if defined(__x86_64__)
  const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov eax, 42; ret
#elif defined(__aarch64__)
  const unsigned char code[] = {0x40, 0x05, 0x80, 0x52,
                                0xc0, 0x03, 0x5f, 0xd6};  // mov w0, #42; ret
#endif
  std::memcpy(mapping->writable(), code, sizeof(code));
  mapping->flush_instruction_cache(0, sizeof(code));
  const auto function = reinterpret_cast<int (*)()>(mapping->executable());
  EXPECT_EQ(function(), 42);
  EXPECT_TRUE(mapping->contains_executable(mapping->executable()));
  EXPECT_FALSE(mapping->contains_executable(mapping->executable() + mapping->size()));
}

}  // namespace
}  // namespace vireo::util
