// The Linux boot protocol (Documentation/arch/x86/boot.rst): bzImage, initial RAM disk, command
// line and zero page, entered at the 32-bit entry point.

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/memory/address_space.h"
#include "hw/i386/direct_boot.h"
#include "hw/i386/host_file.h"
#include "util/bits.h"
#include "util/byte_order.h"

namespace vireo::hw {
namespace {

using util::load_little;
using util::store_little;

// Offsets in the image's first sectors, and alike in the zero page.
enum HeaderOffset : size_t {
  kRsdpAddress = 0x070,
  kE820Entries = 0x1e8,
  kSetupSectors = 0x1f1,
  kVideoMode = 0x1fa,
  kBootFlag = 0x1fe,
  kJumpLength = 0x201,
  kMagic = 0x202,
  kVersion = 0x206,
  kLoaderType = 0x210,
  kLoadFlags = 0x211,
  kCode32Start = 0x214,
  kRamdiskImage = 0x218,
  kRamdiskSize = 0x21c,
  kCommandLinePointer = 0x228,
  kInitrdAddressMax = 0x22c,
  kCommandLineSize = 0x238,
  kInitSize = 0x260,
  kE820Table = 0x2d0,
};
constexpr uint32_t kHdrS = 0x53726448;
constexpr size_t kSectorSize = 512;
constexpr size_t kLongestHeader = 0x290;
constexpr uint8_t kLoadedHigh = 0x01;
constexpr uint8_t kUndefinedLoader = 0xff;
constexpr uint32_t kKernelBase = 0x100000;
constexpr uint32_t kZeroPage = kLoaderArea;
constexpr uint32_t kCommandLine = kLoaderArea + 0x1000;
constexpr size_t kLongestCommandLine = 0x8000;
constexpr size_t kMaxE820Entries = 128;

struct KernelImage {
  std::span<const std::byte> setup;
  std::span<const std::byte> protected_part;
  uint16_t version;
  uint32_t init_size;
  uint32_t initrd_address_max;
  uint32_t command_line_size;
};

util::Error no_kernel(const std::string& path, std::string_view why) {
  return util::Error(util::ErrorCode::kInvalidArgument, fmt::format("-kernel '{}' {}", path, why));
}

util::Result<KernelImage> parse(std::span<const std::byte> file, const std::string& path) {
  const auto byte_at = [&](size_t offset) { return std::to_integer<uint8_t>(file[offset]); };
  if (file.size() < kLongestHeader || load_little<uint16_t>(&file[kBootFlag]) != 0xaa55 ||
      load_little<uint32_t>(&file[kMagic]) != kHdrS) {
    return no_kernel(path, "is neither a Linux bzImage nor a multiboot image");
  }
  KernelImage image{};
  image.version = load_little<uint16_t>(&file[kVersion]);
  if (image.version < 0x202 || !(byte_at(kLoadFlags) & kLoadedHigh)) {
    return no_kernel(path, "is an old zImage; a bzImage is needed");
  }
  const size_t sectors = byte_at(kSetupSectors) ? byte_at(kSetupSectors) : 4;
  const size_t setup_size = (sectors + 1) * kSectorSize;
  if (file.size() <= setup_size) return no_kernel(path, "is cut off");
  image.setup = file.first(setup_size);
  image.protected_part = file.subspan(setup_size);
  image.initrd_address_max =
      image.version >= 0x203 ? load_little<uint32_t>(&file[kInitrdAddressMax]) : 0x37ffffff;
  image.command_line_size =
      image.version >= 0x206 ? load_little<uint32_t>(&file[kCommandLineSize]) : 255;
  image.init_size = image.version >= 0x20a ? load_little<uint32_t>(&file[kInitSize]) : 0;
  return image;
}

struct Placement {
  uint32_t address = 0;
  uint32_t size = 0;
};

// As high as the kernel can reach, above everything that the kernel uses while it unpacks itself.
util::Result<Placement> place_initrd(core::AddressSpace& memory, const BootMemory& layout,
                                     const KernelImage& image, const std::string& path) {
  if (path.empty()) return Placement{};
  auto initrd = read_host_file(path, layout.low_ram_end);
  if (!initrd) return std::move(initrd).error().with_context("-initrd");
  const uint64_t end =
      std::min<uint64_t>(layout.low_ram_end, uint64_t{image.initrd_address_max} + 1);
  // The kernel unpacks to 16 MiB when it was built as usual.
  const uint64_t kernel_end =
      std::max<uint64_t>(kKernelBase + image.protected_part.size(), 0x1000000 + image.init_size);
  const uint64_t start = end < initrd->size() ? 0 : util::align_down(end - initrd->size(), 4096);
  if (start < kernel_end) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("-initrd '{}' does not fit: {} MiB of memory are too few", path,
                                   layout.low_ram_end >> 20));
  }
  memory.write(start, *initrd);
  return Placement{static_cast<uint32_t>(start), static_cast<uint32_t>(initrd->size())};
}

std::vector<std::byte> build_zero_page(const BootMemory& layout, const KernelImage& image,
                                       Placement initrd) {
  std::vector<std::byte> page(4096);
  // The setup header ends where the jump at 200h leads to.
  const size_t header_end =
      std::min(kMagic + std::to_integer<size_t>(image.setup[kJumpLength]), kLongestHeader);
  std::copy(image.setup.begin() + kSetupSectors,
            image.setup.begin() + static_cast<ptrdiff_t>(header_end), page.begin() + kSetupSectors);
  page[kLoaderType] = std::byte{kUndefinedLoader};
  store_little<uint16_t>(&page[kVideoMode], 0xffff);
  store_little<uint32_t>(&page[kCode32Start], kKernelBase);
  store_little<uint32_t>(&page[kRamdiskImage], initrd.address);
  store_little<uint32_t>(&page[kRamdiskSize], initrd.size);
  store_little<uint32_t>(&page[kCommandLinePointer], kCommandLine);
  store_little<uint64_t>(&page[kRsdpAddress], layout.rsdp);
  const size_t count = std::min(layout.ranges.size(), kMaxE820Entries);
  page[kE820Entries] = static_cast<std::byte>(count);
  for (size_t i = 0; i < count; ++i) {
    std::byte* entry = &page[kE820Table + 20 * i];
    store_little<uint64_t>(entry, layout.ranges[i].base);
    store_little<uint64_t>(entry + 8, layout.ranges[i].length);
    store_little<uint32_t>(entry + 16, static_cast<uint32_t>(layout.ranges[i].type));
  }
  return page;
}

}  // namespace

util::Result<BootEntry> install_linux(core::AddressSpace& memory, const BootMemory& layout,
                                      std::span<const std::byte> kernel,
                                      const DirectBoot::Files& files) {
  VIREO_TRY_ASSIGN(image, parse(kernel, files.kernel));
  const std::string& text = files.command_line;
  if (text.size() > std::min<size_t>(image.command_line_size, kLongestCommandLine - 1)) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("-append has {} characters, this kernel takes {}", text.size(),
                                   image.command_line_size));
  }
  if (kKernelBase + image.protected_part.size() > layout.low_ram_end) {
    return no_kernel(files.kernel, "does not fit into memory");
  }
  VIREO_TRY_ASSIGN(initrd, place_initrd(memory, layout, image, files.initrd));
  memory.write(kKernelBase, image.protected_part);
  memory.write(kZeroPage, build_zero_page(layout, image, initrd));
  memory.write(kCommandLine, std::as_bytes(std::span(text.c_str(), text.size() + 1)));

  BootEntry entry{.eip = kKernelBase, .esi = kZeroPage, .esp = kLoaderArea};
  install_flat_gdt(memory, entry);
  return entry;
}

}  // namespace vireo::hw
