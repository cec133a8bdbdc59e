#include "ui/key_names.h"

#include <gtest/gtest.h>

namespace vireo::ui {
namespace {

TEST(KeyNamesTest, ChordsAreKeysInOrder) {
  EXPECT_EQ(parse_chord("ctrl-alt-delete").value(), (std::vector<uint16_t>{29, 56, 111}));
  EXPECT_EQ(parse_chord("a").value(), std::vector<uint16_t>{30});
  EXPECT_EQ(parse_chord("shift-kp_add").value(), (std::vector<uint16_t>{42, 78}));
}

TEST(KeyNamesTest, UnknownKeysAreNamed) {
  const auto wrong = parse_chord("ctrl-atl");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("'atl'"), std::string::npos);
  EXPECT_FALSE(parse_chord(""));
  EXPECT_FALSE(parse_chord("a-"));
}

}  // namespace
}  // namespace vireo::ui
