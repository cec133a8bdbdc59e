// CPUID leaves (SDM volume 2, CPUID; AMD volume 3, appendix E). Feature bits come from the table,
// the rest from the model.

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "target/i386/cpu/cache_leaves.h"
#include "target/i386/cpu/xsave_layout.h"

namespace vireo::i386 {
namespace {

constexpr uint32_t kHypervisorLeaf = 0x40000000;
constexpr uint32_t kExtendedLeaf = 0x80000000;
constexpr char kHypervisorSignature[] = "VireoVireoVi";

uint32_t word_of(const char* text) {
  uint32_t word;
  std::memcpy(&word, text, 4);
  return word;
}

uint32_t& member(CpuidResult& result, CpuidRegister reg) {
  switch (reg) {
    case kEax:
      return result.eax;
    case kEbx:
      return result.ebx;
    case kEcx:
      return result.ecx;
    default:
      return result.edx;
  }
}

void add_features(const CpuConfig& config, uint32_t leaf, uint32_t subleaf, CpuidResult& result) {
  const auto table = feature_table();
  for (size_t i = 0; i < table.size(); ++i) {
    const FeatureInfo& info = table[i];
    if (info.leaf == leaf && info.subleaf == subleaf && config.has(static_cast<Feature>(i)))
      member(result, info.reg) |= 1u << info.bit;
  }
}

CpuidResult vendor_leaf(const CpuConfig& config, uint32_t max_leaf) {
  const char* text = config.vendor.c_str();
  return {max_leaf, word_of(text), word_of(text + 8), word_of(text + 4)};
}

uint32_t signature(const CpuConfig& config) {
  const unsigned base_family = std::min(config.family, 15u);
  const unsigned extended_family = config.family - base_family;
  return config.stepping | (config.model & 15) << 4 | base_family << 8 | (config.model >> 4) << 16 |
         extended_family << 20;
}

CpuidResult version_leaf(const CpuConfig& config, const CpuidDynamic& dynamic) {
  CpuidResult result;
  result.eax = signature(config);
  constexpr uint32_t kClflushQuadwords = 8;
  result.ebx = config.apic_id << 24 | config.cpu_count << 16 | kClflushQuadwords << 8;
  add_features(config, 1, 0, result);
  if (config.cpu_count > 1) result.edx |= 1u << 28;
  if (!dynamic.apic_enabled) result.edx &= ~(1u << 9);
  if (dynamic.os_xsave && config.has(Feature::kXsave)) result.ecx |= 1u << 27;
  return result;
}

// Threads of a core (one), then cores of the package.
CpuidResult topology_leaf(const CpuConfig& config, uint32_t subleaf) {
  CpuidResult result;
  result.ecx = subleaf & 0xff;
  result.edx = config.apic_id;
  if (subleaf == 0) {
    result.ebx = 1;
    result.ecx |= 1 << 8;
  } else if (subleaf == 1) {
    result.eax = static_cast<uint32_t>(std::bit_width(config.cpu_count - 1));
    result.ebx = config.cpu_count;
    result.ecx |= 2 << 8;
  }
  return result;
}

CpuidResult xsave_leaf(const CpuConfig& config, uint32_t subleaf, const CpuidDynamic& dynamic) {
  if (!config.has(Feature::kXsave)) return {};
  const uint64_t supported = supported_xcr0(config);
  CpuidResult result;
  if (subleaf == 0) {
    result.eax = static_cast<uint32_t>(supported);
    result.ebx = xsave_size(dynamic.xcr0);
    result.ecx = xsave_size(supported);
  } else if (subleaf == 1) {
    add_features(config, 0xd, 1, result);
    const bool compacts = config.has(Feature::kXsavec) || config.has(Feature::kXsaves);
    if (compacts) result.ebx = compacted_size(dynamic.xcr0);
  }
  for (const XsaveExtension& extension : kXsaveExtensions) {
    if (extension.number != subleaf || !(supported & extension.bit())) continue;
    result.eax = extension.size;
    result.ebx = extension.offset;
  }
  return result;
}

// TSC rate / crystal rate, so that no guest has to measure either. In lowest terms, since guests
// multiply with it in 32 bits.
CpuidResult clock_leaf(const CpuConfig& config) {
  const uint64_t divisor = std::gcd(config.tsc_hz, config.apic_timer_hz);
  return {static_cast<uint32_t>(config.apic_timer_hz / divisor),
          static_cast<uint32_t>(config.tsc_hz / divisor),
          static_cast<uint32_t>(config.apic_timer_hz), 0};
}

CpuidResult basic_leaf(const CpuConfig& config, uint32_t leaf, uint32_t subleaf,
                       const CpuidDynamic& dynamic) {
  CpuidResult result;
  switch (leaf) {
    case 0:
      return vendor_leaf(config, config.max_basic_leaf);
    case 1:
      return version_leaf(config, dynamic);
    case 2:
      return config.is_amd() ? CpuidResult() : cache_descriptors(config);
    case 4:
      return config.is_amd() ? CpuidResult() : cache_leaf(config, subleaf);
    case 5:
      if (config.has(Feature::kMonitor)) return {64, 64, 3, 0};
      return {};
    case 7:
      add_features(config, leaf, subleaf, result);
      if (subleaf == 0 && dynamic.protection_keys) result.ecx |= 1u << 4;
      return result;
    case 0xb:
      return topology_leaf(config, subleaf);
    case 0xd:
      return xsave_leaf(config, subleaf, dynamic);
    case 0x15:
      return clock_leaf(config);
    case 0x16:
      return {static_cast<uint32_t>(config.tsc_hz / 1'000'000),
              static_cast<uint32_t>(config.tsc_hz / 1'000'000),
              static_cast<uint32_t>(config.apic_timer_hz / 1'000'000), 0};
    default:
      add_features(config, leaf, subleaf, result);
      return result;
  }
}

CpuidResult brand_leaf(const CpuConfig& config, uint32_t leaf) {
  char text[48] = {};
  config.brand.copy(text, sizeof text - 1);
  const char* part = text + (leaf - (kExtendedLeaf + 2)) * 16;
  return {word_of(part), word_of(part + 4), word_of(part + 8), word_of(part + 12)};
}

CpuidResult extended_features(const CpuConfig& config, const CpuidDynamic& dynamic) {
  CpuidResult result;
  add_features(config, kExtendedLeaf + 1, 0, result);
  if (config.is_amd()) {
    // AMD repeats the bits of leaf 1 that both vendors give the same meaning.
    CpuidResult common;
    add_features(config, 1, 0, common);
    result.eax = signature(config);
    result.edx |= common.edx & 0x0183f3ff;
  } else if (!dynamic.in_64bit_mode) {
    result.edx &= ~(1u << 11);  // SYSCALL
  }
  return result;
}

// The CPU's ID, and that of its core, of one thread; one node.
CpuidResult extended_topology_leaf(const CpuConfig& config) {
  return {config.apic_id, config.apic_id & 0xff, 0, 0};
}

CpuidResult extended_leaf(const CpuConfig& config, uint32_t leaf, uint32_t subleaf,
                          const CpuidDynamic& dynamic) {
  CpuidResult result;
  switch (leaf) {
    case kExtendedLeaf:
      result = vendor_leaf(config, config.max_extended_leaf);
      if (!config.is_amd()) result.ebx = result.ecx = result.edx = 0;
      return result;
    case kExtendedLeaf + 1:
      return extended_features(config, dynamic);
    case kExtendedLeaf + 2:
    case kExtendedLeaf + 3:
    case kExtendedLeaf + 4:
      return brand_leaf(config, leaf);
    case kExtendedLeaf + 5:
      return first_level_caches(config);
    case kExtendedLeaf + 6:
      return outer_caches(config);
    case kExtendedLeaf + 8:
      result.eax = config.physical_bits | (config.has(Feature::kLa57) ? 57u : 48u) << 8;
      if (config.is_amd()) result.ecx = config.cpu_count - 1;
      return result;
    case kExtendedLeaf + 0x1d:
      return config.has(Feature::kTopoext) ? cache_leaf(config, subleaf) : CpuidResult();
    case kExtendedLeaf + 0x1e:
      return config.has(Feature::kTopoext) ? extended_topology_leaf(config) : CpuidResult();
    default:
      add_features(config, leaf, 0, result);
      return result;
  }
}

CpuidResult hypervisor_leaf(const CpuConfig& config, uint32_t leaf) {
  if (leaf == kHypervisorLeaf)
    return {kHypervisorLeaf + 0x10, word_of(kHypervisorSignature),
            word_of(kHypervisorSignature + 4), word_of(kHypervisorSignature + 8)};
  // The leaf by which VMware tells both rates in kHz.
  if (leaf == kHypervisorLeaf + 0x10)
    return {static_cast<uint32_t>(config.tsc_hz / 1000),
            static_cast<uint32_t>(config.apic_timer_hz / 1000), 0, 0};
  return {};
}

}  // namespace

uint64_t supported_xcr0(const CpuConfig& config) {
  if (!config.has(Feature::kXsave)) return kXsaveX87;
  uint64_t components = kXsaveX87 | kXsaveSse;
  if (config.has(Feature::kAvx)) components |= kXsaveAvx;
  if (config.has(Feature::kPku)) components |= kXsavePkru;
  return components;
}

CpuidResult cpuid(const CpuConfig& config, uint32_t leaf, uint32_t subleaf,
                  const CpuidDynamic& dynamic) {
  if (leaf >= kHypervisorLeaf && leaf < kHypervisorLeaf + 0x100 && config.has(Feature::kHypervisor))
    return hypervisor_leaf(config, leaf);
  if (leaf >= kExtendedLeaf && leaf <= config.max_extended_leaf)
    return extended_leaf(config, leaf, subleaf, dynamic);
  // Beyond the last leaf Intel's CPUs answer as for the last basic one, AMD's with zeros.
  if (leaf > config.max_basic_leaf) {
    if (config.is_amd()) return {};
    leaf = config.max_basic_leaf;
  }
  return basic_leaf(config, leaf, subleaf, dynamic);
}

}  // namespace vireo::i386
