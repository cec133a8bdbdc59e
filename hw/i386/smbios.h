#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace vireo::hw {

struct SmbiosConfig {
  unsigned cpus = 1;
  uint64_t low_ram_end = 0;
  uint64_t high_ram_size = 0;
  std::array<uint8_t, 16> uuid{};  ///< In the order of the text; all zeros for none.
};

/// SMBIOS 2.8 (DMTF DSP0134): the entry point, whose table address and checksums firmware fills
/// in, and the structures.
struct SmbiosTables {
  std::vector<uint8_t> anchor;
  std::vector<uint8_t> structures;
};

SmbiosTables build_smbios(const SmbiosConfig& config);

}  // namespace vireo::hw
