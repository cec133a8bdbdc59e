#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "target/i386/cpu/features.h"
#include "util/result.h"

namespace vireo::i386 {

/// A CPU as `-cpu` describes it: what CPUID tells and what the helpers allow.
struct CpuConfig {
  std::string vendor = "GenuineIntel";  ///< 12 characters, leaf 0.
  std::string brand;                    ///< Up to 47 characters, leaves 0x80000002 to 4.
  unsigned family = 6;
  unsigned model = 6;
  unsigned stepping = 3;
  uint32_t max_basic_leaf = 0xd;
  uint32_t max_extended_leaf = 0x80000008;  ///< 0: no extended leaves.
  FeatureSet features;
  std::string left_out;  ///< Features that were asked for and are not implemented, if that should
                         ///< be told.
  unsigned physical_bits = 40;
  uint32_t apic_id = 0;
  unsigned cpu_count = 1;                  ///< Logical processors of the package.
  uint64_t tsc_hz = 1'000'000'000;         ///< Rate of Machine::tsc_now.
  uint64_t apic_timer_hz = 1'000'000'000;  ///< Rate of the local APIC's timer, divider 1.

  bool has(Feature feature) const { return features.has(feature); }
  /// Whether AMD's rules apply where the vendors' differ. Everyone else's are Intel's.
  bool is_amd() const { return vendor == "AuthenticAMD"; }
};

/// Parses `-cpu model[,+feature][,-feature][,feature=on|off][,check=off][,enforce]` and family=,
/// model=, stepping=, vendor=, model-id=, phys-bits=. Errors: an unknown model or feature, with the
/// nearest known name; with `enforce`, features that are not implemented.
util::Result<CpuConfig> parse_cpu_option(std::string_view option);

/// The `-cpu help` text: models and feature names.
std::string cpu_help();

/// CPUID's four registers.
struct CpuidResult {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// What CPUID returns for `leaf` and `subleaf`. Bits that follow the state (OSXSAVE, APIC enabled,
/// OSPKE, Intel's SYSCALL) are passed in: `os_xsave`, `apic_enabled`, `protection_keys`,
/// `in_64bit_mode`; `xcr0` gives the size of the enabled XSAVE area.
struct CpuidDynamic {
  bool os_xsave = false;
  bool apic_enabled = true;
  bool protection_keys = false;
  bool in_64bit_mode = true;
  uint64_t xcr0 = 1;
};
CpuidResult cpuid(const CpuConfig& config, uint32_t leaf, uint32_t subleaf,
                  const CpuidDynamic& dynamic);

/// XCR0 bits that may be set: 1 without XSAVE.
uint64_t supported_xcr0(const CpuConfig& config);

}  // namespace vireo::i386
