#include "util/host/huge_text.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "util/text.h"

namespace vireo::util {
namespace {

/// The line of /proc/self/maps for an address.
std::string mapping_of(const void* address) {
  std::ifstream maps("/proc/self/maps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  for (std::string line; std::getline(maps, line);) {
    size_t dash = 0;
    const uintptr_t begin = std::stoull(line, &dash, 16);
    const uintptr_t end = std::stoull(line.substr(dash + 1), nullptr, 16);
    if (begin <= wanted && wanted < end) return line;
  }
  return "";
}

TEST(HugeText, MovesCodeThatOtherThreadsRun) {
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> rounds = 0;
  std::thread runner([&] {
    constexpr std::string_view kWords[] = {"help", "quit"};
    while (!stop) rounds += did_you_mean("hlep", kWords).size();
  });
  while (rounds == 0) std::this_thread::yield();
  const size_t moved = move_text_to_huge_pages();
  const uint64_t before = rounds;
  while (rounds == before) std::this_thread::yield();
  stop = true;
  runner.join();
  if (moved == 0) GTEST_SKIP() << "no huge pages for code here";
  const std::string mapping = mapping_of(reinterpret_cast<const void*>(&move_text_to_huge_pages));
  EXPECT_NE(mapping.find("r-xp"), std::string::npos) << mapping;
  EXPECT_EQ(mapping.find('/'), std::string::npos) << mapping;  // of no file
}

}  // namespace
}  // namespace vireo::util
