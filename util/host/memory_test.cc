#include "util/host/memory.h"

#include <gtest/gtest.h>

#include <cstring>

#include "util/host/jit_mapping.h"

namespace vireo::util {
namespace {

TEST(MemoryMapping, IsZeroAndWritable) {
  for (const auto pages :
       {MemoryMapping::Pages::host_default, MemoryMapping::Pages::huge_if_possible}) {
    auto mapping = MemoryMapping::create("test", 3 * host_page_size() - 1, pages);
    ASSERT_TRUE(mapping) << mapping.error().message();
    ASSERT_EQ(mapping->size(), 3 * host_page_size());
    for (size_t i = 0; i < mapping->size(); i += 64) EXPECT_EQ(mapping->data()[i], std::byte{0});
    std::memset(mapping->data(), 0x5a, mapping->size());
  }
}

TEST(MemoryMapping, HugePagesFit) {
  constexpr size_t kSize = size_t{6} << 20;
  auto mapping = MemoryMapping::create("test", kSize, MemoryMapping::Pages::huge_if_possible);
  ASSERT_TRUE(mapping) << mapping.error().message();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(mapping->data()) % (size_t{2} << 20), 0u);
  std::memset(mapping->data(), 0x5a, kSize);  // all of it is there
}

TEST(MemoryMapping, ReportsWhatTheHostRefuses) {
  const auto mapping = MemoryMapping::create("huge", SIZE_MAX / 4);
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
