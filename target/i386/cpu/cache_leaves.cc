// What CPUID tells of caches (SDM volume 2, CPUID; AMD volume 3, appendix E): 32 KiB L1s, 1 MiB L2,
// 16 MiB L3. C libraries choose by the last how to copy much.

#include "target/i386/cpu/cache_leaves.h"

#include <algorithm>
#include <iterator>

namespace vireo::i386 {
namespace {

struct Cache {
  uint32_t type, level, ways, sets;
};
constexpr uint32_t kLine = 64;
constexpr Cache kCaches[] = {{1, 1, 8, 64}, {2, 1, 8, 64}, {3, 2, 16, 1024}, {3, 3, 16, 16384}};

constexpr uint32_t kibibytes(const Cache& cache) { return cache.ways * cache.sets * kLine / 1024; }

/// As leaf 0x80000006 encodes associativity.
constexpr uint32_t kSixteenWays = 8;

}  // namespace

CpuidResult cache_descriptors(const CpuConfig& config) {
  // One read is enough; leaf 4 has the caches.
  if (config.max_basic_leaf >= 4) return {0x00ffff01, 0, 0, 0};
  // Those of a Pentium II (SDM volume 2, table 3-12): TLBs, 16 KiB L1s, 512 KiB L2.
  return {0x03020101, 0, 0, 0x0c040843};
}

CpuidResult cache_leaf(const CpuConfig& config, uint32_t subleaf) {
  if (subleaf >= std::size(kCaches)) return {};
  const Cache& cache = kCaches[subleaf];
  constexpr uint32_t kSelfInitialising = 1u << 8;
  const uint32_t others = std::min(config.cpu_count, 64u) - 1;
  // Intel's leaf counts the package's cores, AMD's those that share the cache.
  const uint32_t cores = config.is_amd() ? (cache.level == 3 ? others << 14 : 0) : others << 26;
  return {cache.type | cache.level << 5 | kSelfInitialising | cores,
          (cache.ways - 1) << 22 | (kLine - 1), cache.sets - 1, 0};
}

CpuidResult first_level_caches(const CpuConfig& config) {
  if (!config.is_amd()) return {};
  constexpr uint32_t kLevel1 = kibibytes(kCaches[0]) << 24 | kCaches[0].ways << 16 | 1 << 8 | kLine;
  return {0, 0, kLevel1, kLevel1};
}

CpuidResult outer_caches(const CpuConfig& config) {
  constexpr uint32_t kLevel2 = kibibytes(kCaches[2]) << 16 | kSixteenWays << 12 | kLine;
  constexpr uint32_t kLevel3 = kibibytes(kCaches[3]) / 512 << 18 | kSixteenWays << 12 | kLine;
  constexpr uint32_t kOneLinePerTag = 1 << 8;
  if (!config.is_amd()) return {0, 0, kLevel2, 0};
  return {0, 0, kLevel2 | kOneLinePerTag, kLevel3 | kOneLinePerTag};
}

}  // namespace vireo::i386
