#include "accel/tcg/perf_map.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace vireo::accel {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// perf takes two hexadecimal numbers without prefix, and the rest of the line as the name.
TEST(PerfMap, HasLinesThatPerfReads) {
  const std::string path = ::testing::TempDir() + "perf-" + std::to_string(getpid()) + ".map";
  auto map = PerfMap::create(path);
  ASSERT_TRUE(map) << map.error().message();
  const auto* code = reinterpret_cast<const std::byte*>(0x7f0000001000);
  (*map)->add({code, 0x40}, 0xffffffff81000000, false);
  (*map)->add({code + 0x40, 0x123}, 0x401000, true);
  (*map)->add({}, 0x1000, true);  // the interpreter has no code
  const std::string expected =
      "7f0000001000 40 guest-kernel:0xffffffff81000000\n"
      "7f0000001040 123 guest-user:0x401000\n";
  EXPECT_EQ(content_of(path), expected) << "readable while the map is open";
  unlink(path.c_str());
}

TEST(PerfMap, DoesNotFollowLinks) {
  const std::string path = ::testing::TempDir() + "perf-link-" + std::to_string(getpid());
  const std::string target = path + "-target";
  std::ofstream(target) << "precious";
  ASSERT_EQ(symlink(target.c_str(), path.c_str()), 0);
  ASSERT_TRUE(PerfMap::create(path));
  EXPECT_EQ(content_of(target), "precious");
  unlink(path.c_str());
  unlink(target.c_str());
  EXPECT_FALSE(PerfMap::create("/nonexistent/perf.map"));
}

TEST(PerfMap, LiesWherePerfLooks) {
  EXPECT_EQ(PerfMap::default_path(), "/tmp/perf-" + std::to_string(getpid()) + ".map");
}

}  // namespace
}  // namespace vireo::accel
