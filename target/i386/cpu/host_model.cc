// What CPUID tells of the processor that this runs on.

#include "target/i386/cpu/host_model.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

#include <algorithm>
#include <cstring>

namespace vireo::i386 {
namespace {

constexpr uint32_t kExtended = 0x80000000;
/// Higher leaves tell what is not passed on.
constexpr uint32_t kMostBasic = 0x16, kMostExtended = kExtended + 8;

CpuidResult host_cpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidResult result;
  if (!__get_cpuid_count(leaf, subleaf, &result.eax, &result.ebx, &result.ecx, &result.edx)) {
    return {};
  }
  return result;
}

uint32_t word(const CpuidResult& result, CpuidRegister reg) {
  const uint32_t words[] = {result.eax, result.ebx, result.ecx, result.edx};
  return words[reg];
}

std::string vendor() {
  const CpuidResult result = host_cpuid(0, 0);
  const uint32_t words[] = {result.ebx, result.edx, result.ecx};
  return std::string(reinterpret_cast<const char*>(words), sizeof words);
}

std::string brand() {
  char text[49] = {};
  for (uint32_t part = 0; part < 3; ++part) {
    const CpuidResult result = host_cpuid(kExtended + 2 + part, 0);
    std::memcpy(text + part * 16, &result, 16);
  }
  return text;
}

}  // namespace

util::Result<CpuConfig> host_cpu_config() {
  CpuConfig config;
  config.vendor = vendor();
  config.brand = brand();
  const uint32_t signature = host_cpuid(1, 0).eax;
  const unsigned family = signature >> 8 & 15;
  config.family = family + (family == 15 ? signature >> 20 & 0xff : 0);
  config.model = (signature >> 4 & 15) | (signature >> 16 & 15) << 4;
  config.stepping = signature & 15;
  config.max_basic_leaf = std::min(host_cpuid(0, 0).eax, kMostBasic);
  config.max_extended_leaf = std::min(host_cpuid(kExtended, 0).eax, kMostExtended);
  const auto table = feature_table();
  for (size_t i = 0; i < table.size(); ++i) {
    const FeatureInfo& info = table[i];
    const uint32_t bits = word(host_cpuid(info.leaf, info.subleaf), info.reg);
    config.features.set(static_cast<Feature>(i), bits >> info.bit & 1);
  }
  config.features.set(Feature::kHypervisor, true);
  return config;
}

}  // namespace vireo::i386

#else

namespace vireo::i386 {

util::Result<CpuConfig> host_cpu_config() {
  return util::Error(
      util::ErrorCode::kUnsupported,
      "CPU model 'host' needs an x86 host; 'max' has everything that is implemented");
}

}  // namespace vireo::i386

#endif
