#include "util/shared_access.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace vireo::util {
namespace {

TEST(SharedAccess, TakesAnyAlignment) {
  alignas(8) std::array<unsigned char, 16> bytes{};
  for (unsigned offset = 0; offset < 8; ++offset) {
    store_shared<uint64_t>(&bytes[offset], 0x0123456789abcdef);
    EXPECT_EQ(load_shared<uint64_t>(&bytes[offset]), 0x0123456789abcdefu) << offset;
    EXPECT_EQ(is_aligned(&bytes[offset], 8), offset == 0);
  }
}

// What a flag announces must be there: the order that drivers and devices rely on.
TEST(SharedAccess, KeepsTheOrderOfStores) {
  uint32_t message = 0, flag = 0;
  std::thread writer([&] {
    store_shared<uint32_t>(&message, 42);
    store_shared<uint32_t>(&flag, 1);
  });
  while (load_shared<uint32_t>(&flag) == 0) std::this_thread::yield();
  EXPECT_EQ(load_shared<uint32_t>(&message), 42u);
  writer.join();
}

}  // namespace
}  // namespace vireo::util
