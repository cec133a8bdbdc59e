// Every row of the decoder's tables that user mode may run, against the processor that the test
// runs on: random operands, registers, flags and memory. VIREO_HOST_CPU_CASES sets how many cases
// a row, VIREO_HOST_CPU_SEQUENCES how many sequences of instructions, VIREO_HOST_CPU_SHARD ("1/4")
// which part of them, VIREO_HOST_CPU_ONLY the only mnemonic.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "target/i386/decode/tables.h"
#include "tests/conformance/host_cpu/comparison.h"
#include "tests/conformance/host_cpu/not_compared.h"

namespace vireo::host_cpu {
namespace {

using i386::Map;
using i386::Row;

// Sanitizers look at the code that runs, not at what it computes.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr unsigned kUsualCases = 64, kUsualSequences = 500;
#else
constexpr unsigned kUsualCases = 2000, kUsualSequences = 20000;
#endif

unsigned number_of(const char* variable, unsigned usual) {
  const char* wanted = std::getenv(variable);
  return wanted ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : usual;
}

/// Which of how many parts of the rows.
struct Shard {
  unsigned number = 0, count = 1;
};

Shard shard() {
  Shard part;
  const char* wanted = std::getenv("VIREO_HOST_CPU_SHARD");
  if (wanted && std::sscanf(wanted, "%u/%u", &part.number, &part.count) != 2) std::abort();
  return part;
}

bool exists_in(unsigned bits, const Row& row) {
  return !(row.attributes & (bits == 64 ? i386::no64 : i386::only64));
}

void check(const Row& row, unsigned cases, const RowResult& result) {
  if (!result.difference.empty()) {
    ADD_FAILURE() << row.mnemonic << result.difference;
    return;
  }
  EXPECT_GE(result.cases, cases) << row.mnemonic;
  const bool is_undefined = std::string_view(row.mnemonic).starts_with("ud");
  if (is_undefined_on_amd(row)) return;
  EXPECT_EQ(result.arrivals == 0, only_faults(row) || is_undefined) << row.mnemonic;
}

void compare_all(unsigned bits) {
  Comparison comparison;
  if (bits == 32 && !host_has_32bit_segment(comparison.host()))
    GTEST_SKIP() << "this system has no 32-bit code segment";
  const unsigned cases = number_of("VIREO_HOST_CPU_CASES", kUsualCases);
  const Shard part = shard();
  const char* only = std::getenv("VIREO_HOST_CPU_ONLY");
  unsigned rows = 0, least = ~0u, number = 0;
  uint64_t all = 0, misaligned = 0;
  for (const Map map : {Map::kOneByte, Map::k0f, Map::k0f38, Map::k0f3a}) {
    for (const Row& row : i386::rows(map)) {
      ++number;
      if (number % part.count != part.number % part.count || !exists_in(bits, row)) continue;
      if (not_compared(row) || !host_has(row)) continue;
      if (only && std::string(only) != row.mnemonic) continue;
      const RowResult result =
          comparison.compare_row(bits, map, row, cases, uint64_t{number} << 8 | bits);
      check(row, cases, result);
      least = std::min(least, result.cases);
      rows += result.cases != 0;
      all += result.cases;
      misaligned += result.misaligned;
    }
  }
  std::printf("%u rows, %llu cases (%llu of them #AC) on %zu backends, at least %u a row\n", rows,
              static_cast<unsigned long long>(all), static_cast<unsigned long long>(misaligned),
              comparison.guests().size(), least);
  if (!only) {
    EXPECT_GT(rows, 1000u / part.count);
    EXPECT_GT(misaligned, all / 100);
  }
}

TEST(HostCpu, BackendsAgreeIn64Bits) { compare_all(64); }
TEST(HostCpu, BackendsAgreeIn32Bits) { compare_all(32); }

/// Branches, calls, loops and self-modifying code of 4 to 40 instructions.
void compare_sequences(unsigned bits) {
  Comparison comparison;
  if (bits == 32 && !host_has_32bit_segment(comparison.host()))
    GTEST_SKIP() << "this system has no 32-bit code segment";
  const uint64_t wanted = number_of("VIREO_HOST_CPU_SEQUENCES", kUsualSequences);
  const Shard part = shard();
  for (uint64_t seed = part.number; seed < wanted; seed += part.count) {
    const std::string difference = comparison.compare_sequence(bits, 4 + seed % 37, seed);
    ASSERT_EQ(difference, "");
  }
}

TEST(HostCpuSequences, BackendsAgreeIn64Bits) { compare_sequences(64); }
TEST(HostCpuSequences, BackendsAgreeIn32Bits) { compare_sequences(32); }

}  // namespace
}  // namespace vireo::host_cpu
