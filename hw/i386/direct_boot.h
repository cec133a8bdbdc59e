#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "hw/i386/boot_entry.h"
#include "util/result.h"

namespace vireo::core {
class AddressSpace;
}

namespace vireo::hw {

/// Starts a kernel without firmware, from files that are read anew at each reset: a bzImage by the
/// 32-bit Linux boot protocol, or a multiboot image.
class DirectBoot {
 public:
  struct Files {
    std::string kernel;
    std::string initrd;  ///< May be empty. Multiboot: modules, "file args,file args".
    std::string command_line;
  };

  explicit DirectBoot(Files files) : files_(std::move(files)) {}

  /// Errors: a file cannot be read, is no kernel, or does not fit.
  util::Result<BootEntry> install(core::AddressSpace& memory, const BootMemory& layout) const;

 private:
  Files files_;
};

/// A Linux bzImage (Documentation/arch/x86/boot.rst), protocol 2.02 or later. Errors as above.
util::Result<BootEntry> install_linux(core::AddressSpace& memory, const BootMemory& layout,
                                      std::span<const std::byte> kernel,
                                      const DirectBoot::Files& files);

/// Whether `image` has a multiboot header (Multiboot specification 0.6.96, 3.1).
bool is_multiboot(std::span<const std::byte> image);
util::Result<BootEntry> install_multiboot(core::AddressSpace& memory, const BootMemory& layout,
                                          std::span<const std::byte> image,
                                          const DirectBoot::Files& files);

/// Puts a flat GDT at kLoaderGdt and names it in `entry`.
void install_flat_gdt(core::AddressSpace& memory, BootEntry& entry);

}  // namespace vireo::hw
