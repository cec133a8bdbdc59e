// Starting a kernel without firmware: choice of the loader, and what loaders share.

#include "hw/i386/direct_boot.h"

#include "core/memory/address_space.h"
#include "hw/i386/host_file.h"

namespace vireo::hw {
namespace {

constexpr size_t kLargestKernel = size_t{1} << 30;

}  // namespace

util::Result<BootEntry> DirectBoot::install(core::AddressSpace& memory,
                                            const BootMemory& layout) const {
  auto kernel = read_host_file(files_.kernel, kLargestKernel);
  if (!kernel) return std::move(kernel).error().with_context("-kernel");
  if (is_multiboot(*kernel)) return install_multiboot(memory, layout, *kernel, files_);
  return install_linux(memory, layout, *kernel, files_);
}

void install_flat_gdt(core::AddressSpace& memory, BootEntry& entry) {
  constexpr uint64_t kFlatCode = 0x00cf9b000000ffff;
  constexpr uint64_t kFlatData = 0x00cf93000000ffff;
  // The Linux protocol asks for these selectors: __BOOT_CS and __BOOT_DS.
  entry.code_selector = 0x10;
  entry.data_selector = 0x18;
  entry.gdt_base = kLoaderGdt;
  entry.gdt_limit = 4 * 8 - 1;
  const uint64_t descriptors[] = {0, 0, kFlatCode, kFlatData};
  for (unsigned i = 0; i < 4; ++i) memory.store<uint64_t>(kLoaderGdt + 8 * i, descriptors[i]);
}

}  // namespace vireo::hw
