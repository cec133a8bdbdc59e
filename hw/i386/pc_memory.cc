// The memory map of a PC with a 440FX (82441FX data sheet, 4.1).

#include "hw/i386/pc_memory.h"

#include <fmt/format.h>

#include <algorithm>

namespace vireo::hw {
namespace {

// RAM that would reach into the last 512 MiB below 4 GiB is split at 3 GiB.
constexpr uint64_t kLargestUnsplit = 0xe0000000;
constexpr uint64_t kSplit = 0xc0000000;
constexpr uint64_t kMaxFirmware = uint64_t{16} << 20;
// The loader's area and the extended BIOS data area end conventional memory.
constexpr uint64_t kConventionalEnd = 0x9fc00;

core::Region low_ram(core::RamBlock& ram, uint64_t low_end) {
  const uint64_t hole_end = PcMemory::kLegacyHoleEnd;
  return low_end > hole_end ? core::Region::ram("ram-extended", ram, hole_end, low_end - hole_end)
                            : core::Region::container("ram-extended", 0);
}

}  // namespace

PcMemory::PcMemory(std::unique_ptr<core::RamBlock> ram, uint64_t low_end)
    : ram_(std::move(ram)),
      low_end_(low_end),
      root_(core::Region::container("system")),
      smm_root_(core::Region::container("smm")),
      smm_background_(core::Region::alias("smm-system", root_, 0, core::Region::kWholeSpace)),
      conventional_(core::Region::ram("ram-conventional", *ram_, 0, kLegacyHole)),
      extended_(low_ram(*ram_, low_end)) {
  smm_root_.add_subregion(smm_background_, 0);
  root_.add_subregion(conventional_, 0);
  if (low_end > kLegacyHoleEnd) root_.add_subregion(extended_, kLegacyHoleEnd);
  if (high_ram_size() != 0) {
    high_.reset(
        new core::Region(core::Region::ram("ram-above-4g", *ram_, low_end, high_ram_size())));
    root_.add_subregion(*high_, kAbove4g);
  }
}

util::Result<std::unique_ptr<PcMemory>> PcMemory::create(uint64_t ram_size) {
  if (ram_size < kMinRam || ram_size > kMaxRam || ram_size % core::kGuestPageSize != 0) {
    return util::Error(
        util::ErrorCode::kInvalidArgument,
        fmt::format("{} bytes of memory: a PC has 1 MiB to 512 GiB in multiples of 4 KiB",
                    ram_size));
  }
  VIREO_TRY_ASSIGN(ram, core::RamBlock::create("pc.ram", ram_size));
  const uint64_t low_end = ram_size <= kLargestUnsplit ? ram_size : kSplit;
  return std::unique_ptr<PcMemory>(new PcMemory(std::move(ram), low_end));
}

util::Status PcMemory::set_firmware(core::Region& pci, std::span<const std::byte> image) {
  if (image.empty() || image.size() % 0x10000 != 0 || image.size() > kMaxFirmware) {
    return util::Error(
        util::ErrorCode::kInvalidArgument,
        fmt::format("a firmware of {} bytes: multiples of 64 KiB up to 16 MiB fit", image.size()));
  }
  VIREO_TRY_ASSIGN(block, core::RamBlock::create("pc.bios", image.size()));
  std::ranges::copy(image, block->data());
  firmware_ = std::move(block);
  const uint64_t low_size = std::min<uint64_t>(image.size(), kLowFirmware);
  firmware_region_.reset(new core::Region(core::Region::rom("bios", *firmware_, 0, image.size())));
  firmware_low_.reset(new core::Region(
      core::Region::rom("bios-below-1m", *firmware_, image.size() - low_size, low_size)));
  pci.add_subregion(*firmware_region_, kAbove4g - image.size());
  pci.add_subregion(*firmware_low_, kLegacyHoleEnd - low_size);
  return {};
}

std::vector<AddressRange> PcMemory::ranges(uint64_t acpi_size) const {
  std::vector<AddressRange> list{
      {0, kConventionalEnd, RangeType::ram},
      {kConventionalEnd, kLegacyHole - kConventionalEnd, RangeType::reserved},
      {0xf0000, 0x10000, RangeType::reserved},
  };
  const uint64_t usable_end = low_end_ - acpi_size;
  if (usable_end > kLegacyHoleEnd) {
    list.push_back({kLegacyHoleEnd, usable_end - kLegacyHoleEnd, RangeType::ram});
  }
  if (acpi_size != 0) list.push_back({usable_end, acpi_size, RangeType::acpi_data});
  list.push_back({0xfffc0000, 0x40000, RangeType::reserved});
  if (high_ram_size() != 0) list.push_back({kAbove4g, high_ram_size(), RangeType::ram});
  return list;
}

}  // namespace vireo::hw
