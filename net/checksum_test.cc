#include "net/checksum.h"

#include <gtest/gtest.h>

#include <vector>

namespace vireo::net {
namespace {

TEST(InternetSum, IsThatOfTheRfc) {  // RFC 1071, 3
  const std::vector<uint8_t> bytes = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(internet_sum(bytes), 0xddf2);
}

TEST(InternetSum, TakesAnyLength) {
  for (size_t length = 0; length < 70; ++length) {
    std::vector<uint8_t> bytes(length);
    uint32_t sum = 0;
    for (size_t i = 0; i < length; ++i) {
      bytes[i] = static_cast<uint8_t>(0xff - 7 * i);
      sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    EXPECT_EQ(internet_sum(bytes), sum) << length;
  }
}

}  // namespace
}  // namespace vireo::net
