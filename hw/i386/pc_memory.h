#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/memory/ram_block.h"
#include "core/memory/region.h"
#include "hw/i386/boot_entry.h"
#include "util/result.h"

namespace vireo::hw {

/// A PC's memory map: RAM below and above the hole for PCI, and the firmware's ROM.
class PcMemory {
 public:
  /// Smallest and largest RAM. The rest of the 40 address bits is left to PCI.
  static constexpr uint64_t kMinRam = uint64_t{1} << 20;
  static constexpr uint64_t kMaxRam = uint64_t{1} << 39;
  static constexpr uint64_t kAbove4g = uint64_t{1} << 32;
  static constexpr uint64_t kLegacyHole = 0xa0000;
  static constexpr uint64_t kLegacyHoleEnd = 0x100000;
  /// How much of a firmware's end is shown below 1 MiB, too.
  static constexpr uint64_t kLowFirmware = 0x20000;

  /// Errors: a size out of range or no multiple of 4 KiB, no host memory.
  static util::Result<std::unique_ptr<PcMemory>> create(uint64_t ram_size);

  core::Region& root() { return root_; }
  /// The same for a CPU in system-management mode: what lies there beside, covers `root`.
  core::Region& system_management_root() { return smm_root_; }
  core::RamBlock& ram() { return *ram_; }
  uint64_t ram_size() const { return ram_->size(); }
  uint64_t low_ram_end() const { return low_end_; }
  /// 0 when all RAM is below 4 GiB.
  uint64_t high_ram_size() const { return ram_->size() - low_end_; }

  /// Puts a firmware image into the PCI space `pci` below 4 GiB, and its last 128 KiB below 1 MiB.
  /// Errors: not a multiple of 64 KiB, more than 16 MiB.
  util::Status set_firmware(core::Region& pci, std::span<const std::byte> image);
  bool has_firmware() const { return firmware_ != nullptr; }

  /// Ranges as E820h reports them. The last `acpi_size` bytes of low RAM are ACPI tables.
  std::vector<AddressRange> ranges(uint64_t acpi_size) const;

 private:
  PcMemory(std::unique_ptr<core::RamBlock> ram, uint64_t low_end);

  std::unique_ptr<core::RamBlock> ram_;
  uint64_t low_end_;
  std::unique_ptr<core::RamBlock> firmware_;
  core::Region root_;
  core::Region smm_root_;
  core::Region smm_background_;
  core::Region conventional_;
  core::Region extended_;
  std::unique_ptr<core::Region> high_;
  std::unique_ptr<core::Region> firmware_region_;
  std::unique_ptr<core::Region> firmware_low_;
};

}  // namespace vireo::hw
