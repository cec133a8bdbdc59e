// What the devices of this program need around them, and how a hostile guest treats them.
#include "tests/conformance/surroundings.h"

#include <array>
#include <iterator>
#include <memory>

#include "block/testing/memory_drive.h"
#include "hw/isa/isa_bus.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pci_registers.h"

namespace vireo::conformance {

const Surroundings& all_surroundings() {
  static const Surroundings value{
      .buses = {{"isa", [] { return std::make_unique<hw::IsaBus>(); }}},
      .properties = {{"ide-hd", {{"drive", "disk"}}},
                     {"ide-cd", {{"drive", "disc"}}},
                     {"isa-fdc", {{"driveA", "floppy"}}},
                     {"cfi.pflash01", {{"drive", "flash"}}},
                     {"virtio-blk-pci", {{"drive", "disk"}}}},
      .add_backends = [](core::testing::TestMachine& machine) -> std::shared_ptr<void> {
        struct Drives {
          explicit Drives(util::EventLoop& loop)
              : disk(loop, 1 << 20),
                disc(loop, 1 << 20, {.id = "disc", .cdrom = true}),
                floppy(loop, 720 << 10),
                flash(loop, 64 << 10) {}
          block::testing::MemoryDrive disk, disc, floppy, flash;
        };
        auto drives = std::make_shared<Drives>(machine.loop);
        machine.backends.add("drive", "disk", drives->disk.drive.get());
        machine.backends.add("drive", "disc", drives->disc.drive.get());
        machine.backends.add("drive", "floppy", drives->floppy.drive.get());
        if (!drives->flash.drive->preload()) std::abort();
        machine.backends.add("drive", "flash", drives->flash.drive.get());
        return drives;
      },
      .poke_device = &poke_pci_configuration,
  };
  return value;
}

uint64_t random_value(std::mt19937_64& random) {
  // Small and sparse values and page addresses reach more states than noise does.
  const uint64_t noise = random();
  const uint64_t values[] = {noise,       noise & 0xff,    uint64_t{1} << noise % 64,
                             0,           noise & 0xff000, noise & 0x0f,
                             ~uint64_t{0}};
  return values[random() % std::size(values)];
}

void scatter_words(core::AddressSpace& memory, uint64_t base, uint64_t size,
                   std::mt19937_64& random) {
  for (uint64_t at = base; at < base + size; at += 4) {
    const uint64_t noise = random();
    const uint64_t values[] = {noise % size, noise & 7, noise, 0, 0};
    memory.store<uint32_t>(at, static_cast<uint32_t>(values[random() % std::size(values)]));
  }
}

void poke_pci_configuration(core::Device& device, std::mt19937_64& random) {
  auto* const function = dynamic_cast<hw::PciDevice*>(&device);
  if (function == nullptr) return;
  const unsigned width = 1u << random() % 3;
  const auto offset = static_cast<uint8_t>(random() & 0xff & ~(width - 1));
  switch (random() % 4) {
    case 0:
      function->config_read(offset, width);
      break;
    case 1:
      function->config_write(offset, width, static_cast<uint32_t>(random_value(random)));
      break;
    case 2:
      function->config_write(hw::kPciCommand, 2, 7);
      break;
    default: {
      const auto bar = static_cast<uint8_t>(hw::kPciBar0 + 4 * (random() % 6));
      constexpr std::array<uint32_t, 4> kPlaces = {0xc000, 0xfe000000, 0, 0x80000};
      function->config_write(bar, 4, kPlaces[random() % kPlaces.size()]);
    }
  }
}

}  // namespace vireo::conformance
