#pragma once

#include <cstdint>
#include <vector>

namespace vireo::hw {

/// What the tables depend on.
struct AcpiConfig {
  unsigned cpus = 1;
  uint64_t low_ram_end = 0;
  uint64_t high_ram_size = 0;
  /// Whether the kernel may place BARs above 4 GiB.
  bool high_window = true;
  bool hpet = true;
  bool keyboard = true;
  bool firmware_config = true;
  bool panic_device = false;
  bool floppy = false;
  unsigned serial_ports = 1;
  uint16_t pm_base = 0x600;  ///< Of the PIIX4's ACPI registers.
};

/// ACPI tables (ACPI 6.4, chapter 5) that are not yet at an address: pointers in them are offsets
/// from the start of `tables`, to be moved by where that goes.
struct AcpiTables {
  struct Pointer {
    bool in_rsdp;
    uint32_t offset;
    uint8_t size;
  };
  struct Checksum {
    bool in_rsdp;
    uint32_t offset;  ///< Of the checksum byte, which is 0.
    uint32_t start;
    uint32_t length;
  };

  std::vector<uint8_t> tables;
  std::vector<uint8_t> rsdp;
  std::vector<Pointer> pointers;
  std::vector<Checksum> checksums;

  /// The bytes of `tables` and `rsdp` as they are with `tables` at `base`.
  struct Placed {
    std::vector<uint8_t> tables;
    std::vector<uint8_t> rsdp;
  };
  Placed placed_at(uint64_t base) const;
};

AcpiTables build_acpi_tables(const AcpiConfig& config);

/// The AML of the differentiated system description table.
std::vector<uint8_t> build_dsdt_aml(const AcpiConfig& config);

/// Where PCI memory below 4 GiB starts: as SeaBIOS chooses for this board.
uint32_t pci_window_start(uint64_t low_ram_end);

}  // namespace vireo::hw
