#pragma once

#include <cstdint>
#include <vector>

namespace vireo::hw {

/// How software starts on the boot processor without firmware: 32-bit protected mode, paging and
/// interrupts off, A20 on, all segments flat (base 0, limit 4 GiB; CS code, the others data).
struct BootEntry {
  uint32_t eip = 0;
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t esi = 0;
  uint32_t esp = 0;
  uint32_t gdt_base = 0;
  uint16_t gdt_limit = 0;
  uint16_t code_selector = 0;
  uint16_t data_selector = 0;
};

/// Types of address ranges that INT 15h, E820h reports (ACPI 6.4, table 15.4).
enum class RangeType : uint32_t { ram = 1, reserved = 2, acpi_data = 3, acpi_nvs = 4 };

struct AddressRange {
  uint64_t base;
  uint64_t length;
  RangeType type;
};

/// What a loader has to know of the machine it loads into.
struct BootMemory {
  std::vector<AddressRange> ranges;  ///< Sorted by address.
  uint64_t low_ram_end = 0;          ///< First address above the RAM that starts at 1 MiB.
  uint64_t rsdp = 0;                 ///< ACPI's root pointer, 0 without.
};

/// Fixed places in low memory that loaders share; everything above kLoaderArea belongs to them.
inline constexpr uint32_t kLoaderArea = 0x90000;
inline constexpr uint32_t kLoaderGdt = 0x9f000;

}  // namespace vireo::hw
