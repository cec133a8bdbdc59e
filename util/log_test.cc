#include "util/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace vireo::util {
namespace {

TEST(Log, SelectsItemsByName) {
  ASSERT_TRUE(set_log_items("in_asm,int"));
  EXPECT_EQ(log_mask, kLogInAsm | kLogInt);
  const Status status = set_log_items("in_asn");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("did you mean 'in_asm'"), std::string::npos);
  EXPECT_EQ(log_mask, kLogInAsm | kLogInt) << "a refused list changes nothing";
  ASSERT_TRUE(set_log_items("none"));
  EXPECT_EQ(log_mask, 0u);
}

TEST(Log, FiltersAddresses) {
  ASSERT_TRUE(set_log_filter("0x1000..0x1fff,0x5000+0x100,0x9000-0x10"));
  EXPECT_TRUE(log_address_selected(0x1fff));
  EXPECT_FALSE(log_address_selected(0x2000));
  EXPECT_TRUE(log_address_selected(0x50ff));
  EXPECT_FALSE(log_address_selected(0x5100));
  EXPECT_TRUE(log_address_selected(0x8ff1));
  EXPECT_FALSE(log_address_selected(0x9001));
  for (const char* bad : {"", "0x1000", "5..1", "a+b", "1+0"})
    EXPECT_FALSE(set_log_filter(bad)) << bad;
}

TEST(Log, WritesSelectedItemsToTheFile) {
  const std::string path = ::testing::TempDir() + "vireo-log-" + std::to_string(getpid());
  ASSERT_TRUE(set_log_file(::testing::TempDir() + "vireo-log-%d"));
  ASSERT_TRUE(set_log_items("mmu"));
  log(kLogMmu, "fault at {:#x}", 0x1234);
  log(kLogInt, "not this");
  ASSERT_TRUE(set_log_items(""));
  std::ifstream file(path);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(content, "fault at 0x1234\n");
  unlink(path.c_str());
  EXPECT_FALSE(set_log_file("/nonexistent/log"));
}

}  // namespace
}  // namespace vireo::util
