// What is told of a difference: a guest's results are made wrong on purpose.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "target/i386/cpu/state.h"
#include "target/i386/decode/tables.h"
#include "tests/conformance/host_cpu/comparison.h"

namespace vireo::host_cpu {
namespace {

constexpr unsigned kCases = 100;

/// A wrong EAX where RBX is not 0.
void falsify_register(const Batch& batch, BatchResult& result) {
  for (unsigned i = 0; i < batch.count; ++i) {
    if (batch.cases[i].state.general[i386::kRbx] != 0)
      result.results[i].state.general[i386::kRax] ^= 1;
  }
}

void falsify_memory(const Batch&, BatchResult& result) { result.memory[0x123] ^= 1; }

/// CDQ has no operands, so that a report has nothing but the state.
std::string report_of_cdq(uint64_t seed) {
  constexpr uint8_t kCdq = 0x99;
  Comparison comparison;
  comparison.falsify_guests(falsify_register);
  return comparison
      .compare_row(64, i386::Map::kOneByte, i386::rows(i386::Map::kOneByte, kCdq)[0], kCases, seed)
      .difference;
}

TEST(HostCpuReport, HasTheSmallestCase) {
  const std::string report = report_of_cdq(7);
  EXPECT_NE(report.find(" on the interpreter: 0x"), std::string::npos) << report;
  EXPECT_NE(report.find("99 "), std::string::npos) << report;
  EXPECT_NE(report.find("\n  r0 was 0, host 0, ours 1\n"), std::string::npos) << report;
  const size_t state = report.find("\n  with everything else zero: r3=");
  ASSERT_NE(state, std::string::npos) << report;
  const size_t flags = report.find(" flags=202 mxcsr=1f80\n  x87=", state);
  ASSERT_NE(flags, std::string::npos) << report;
  const std::string registers = report.substr(state, flags - state);
  EXPECT_EQ(std::count(registers.begin(), registers.end(), '='), 1) << report;
  EXPECT_NE(report.find("\ninsn_start 0x"), std::string::npos) << report;  // the IR
}

TEST(HostCpuReport, SaysHowToRepeat) {
  const std::string report = report_of_cdq(7);
  const std::string name = "seed ";
  const size_t at = report.find(name);
  ASSERT_NE(at, std::string::npos) << report;
  const uint64_t seed = std::strtoull(report.c_str() + at + name.size(), nullptr, 10);
  EXPECT_EQ(report_of_cdq(seed), report);
  EXPECT_NE(report.find("VIREO_HOST_CPU_ONLY=cdq VIREO_HOST_CPU_CASES=100"), std::string::npos)
      << report;
}

TEST(HostCpuReport, HasTheShortestSequence) {
  constexpr unsigned kLength = 20;
  Comparison comparison;
  comparison.falsify_guests(falsify_memory);
  const std::string report = comparison.compare_sequence(64, kLength, 5);
  EXPECT_EQ(report.find(" (seed 5, 64 bits) on the interpreter:\n  data+123 host "), 0u) << report;
  const size_t lines = static_cast<size_t>(std::count(report.begin(), report.end(), '\n'));
  EXPECT_NE(report.find("int3"), std::string::npos) << report;
  EXPECT_NE(report.find(" flags="), std::string::npos) << report;
  comparison.falsify_guests(nullptr);
  EXPECT_EQ(comparison.compare_sequence(64, kLength, 5), "");
  EXPECT_LT(lines, 100u) << report;
}

}  // namespace
}  // namespace vireo::host_cpu
