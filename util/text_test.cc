#include "util/text.h"

#include <gtest/gtest.h>

namespace vireo::util {
namespace {

TEST(Text, FindsTheNearestWord) {
  const std::string_view names[] = {"virtio-blk-pci", "virtio-net-pci", "isa-serial"};
  EXPECT_EQ(closest_match("virtio-blk-pic", names), "virtio-blk-pci");
  EXPECT_EQ(closest_match("isa-seral", names), "isa-serial");
  EXPECT_EQ(closest_match("zzzz", names), "");
  EXPECT_EQ(did_you_mean("isaserial", names), " (did you mean 'isa-serial'?)");
}

TEST(Text, ShortWordsMatchOnlyShortCandidates) {
  const std::string_view names[] = {"q35", "microvm"};
  EXPECT_EQ(closest_match("pc", names), "");
  EXPECT_EQ(closest_match("q53", names), "q35");
}

TEST(Text, ParsesSizes) {
  EXPECT_EQ(*parse_size("512"), 512u);
  EXPECT_EQ(*parse_size("512", 1 << 20), uint64_t{512} << 20);
  EXPECT_EQ(*parse_size("2g"), uint64_t{2} << 30);
  EXPECT_EQ(*parse_size("1.5G"), uint64_t{3} << 29);
  EXPECT_EQ(*parse_size("0x10K"), 16u << 10);
  EXPECT_EQ(*parse_size("7b"), 7u);
}

TEST(Text, RefusesSizesThatAreNone) {
  for (const char* text : {"", "G", "12Q", "-1", "1.x", ".", "nan", "16384P",
                           "99999999999999999999", "1e3", "1..2M"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Text, ParsesNumbers) {
  EXPECT_EQ(*parse_number("0x3f8"), 0x3f8u);
  EXPECT_EQ(*parse_number("18446744073709551615"), ~uint64_t{0});
  EXPECT_FALSE(parse_number("18446744073709551616"));
  EXPECT_FALSE(parse_number("256", 255));
  EXPECT_FALSE(parse_number("12 "));
  EXPECT_FALSE(parse_number("0x"));
  EXPECT_FALSE(parse_number("-0"));
  EXPECT_EQ(*parse_signed("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(*parse_signed("-0x10"), -16);
  EXPECT_FALSE(parse_signed("9223372036854775808"));
  EXPECT_FALSE(parse_signed("--1"));
}

TEST(Text, ParsesSwitches) {
  EXPECT_TRUE(*parse_bool("on"));
  EXPECT_FALSE(*parse_bool("no"));
  EXPECT_FALSE(parse_bool("1").has_value());
}

TEST(Text, SplitsAndTrims) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ',').size(), 1u);
  EXPECT_EQ(trim("  a b\n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
}

TEST(Text, WritesBytes) {
  constexpr uint8_t kBytes[] = {0x0f, 0xa0};
  EXPECT_EQ(hex_bytes(std::as_bytes(std::span(kBytes))), "0fa0");
  EXPECT_EQ(hex_bytes(std::as_bytes(std::span(kBytes)), " "), "0f a0");
  EXPECT_EQ(hex_bytes({}), "");
}

}  // namespace
}  // namespace vireo::util
