// A PCI VGA: its description, memory and places in the address spaces.

#include "hw/display/vga.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "core/memory/ram_block.h"

namespace vireo::hw {
namespace {

using core::field;
using core::Space;

constexpr uint64_t kMemorySize = 16 << 20;
constexpr uint64_t kWindow = 0xa0000;
constexpr uint64_t kWindowSize = 0x20000;
constexpr uint16_t kMonoPorts = 0x3b0;
constexpr uint16_t kPorts = 0x3c0;
constexpr uint16_t kDispiPorts = 0x1ce;
constexpr uint64_t kMaxRom = 1 << 20;

util::Result<std::vector<std::byte>> read_rom(const std::string& path) {
  std::error_code failure;
  const uintmax_t size = std::filesystem::file_size(path, failure);
  if (failure || size == 0 || size > kMaxRom) {
    return util::Error(util::ErrorCode::kNotFound,
                       fmt::format("romfile '{}' is no file of 1 to {} bytes", path, kMaxRom));
  }
  std::vector<std::byte> image(size);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(image.data()), static_cast<std::streamsize>(size));
  if (file) return image;
  return util::Error(util::ErrorCode::kIo, fmt::format("cannot read romfile '{}'", path));
}

}  // namespace

Vga::Vga() {
  set_identity({.vendor = 0x1234,
                .device = 0x1111,
                .class_code = 0x030000,
                .revision = 2,
                .subsystem_vendor = 0x1af4,
                .subsystem = 0x1100});
}

Vga::~Vga() = default;

void Vga::describe(core::Description<Vga>& d) {
  d.type("VGA", "VGA with linear modes by the Bochs display interface");
  describe_pci(d);
  d.property("romfile", &Vga::rom_file_,
             "video BIOS, a path or the name of a firmware file; empty for none");
  d.region("mono", Space::ports, 0x0c, &Vga::read_mono_ports, &Vga::write_mono_ports);
  d.region("vga", Space::ports, 0x20, &Vga::read_ports, &Vga::write_ports);
  d.region("dispi", Space::ports, 4, &Vga::read_dispi_ports, &Vga::write_dispi_ports,
           {.unaligned = true});
  d.region("window", Space::memory, kWindowSize, &Vga::read_window, &Vga::write_window,
           {.implemented_max = 8, .unaligned = true});
  d.region("registers", Space::memory, 0x1000, &Vga::read_registers, &Vga::write_registers);
  d.state(
      &Vga::regs_, 1, field("misc", &Regs::misc), field("feature-control", &Regs::feature_control),
      field("sequencer-index", &Regs::sequencer_index).max(7), field("sequencer", &Regs::sequencer),
      field("graphics-index", &Regs::graphics_index).max(15), field("graphics", &Regs::graphics),
      field("crtc-index", &Regs::crtc_index).max(31), field("crtc", &Regs::crtc),
      field("attribute-index", &Regs::attribute_index).max(63),
      field("attribute-data", &Regs::attribute_data), field("attribute", &Regs::attribute),
      field("palette", &Regs::palette), field("palette-mask", &Regs::palette_mask),
      field("palette-writing", &Regs::palette_writing),
      field("palette-read-index", &Regs::palette_read_index),
      field("palette-write-index", &Regs::palette_write_index),
      field("palette-component", &Regs::palette_component).max(2),
      field("palette-latch", &Regs::palette_latch), field("latch", &Regs::latch),
      field("dispi-index", &Regs::dispi_index), field("dispi", &Regs::dispi));
  d.custom_state_kept_over_reset("memory", 1, &Vga::save_memory, &Vga::load_memory);
}

util::Status Vga::on_pci_realize() {
  VIREO_TRY(load_rom());
  VIREO_TRY_ASSIGN(block, core::RamBlock::create("vga.vram", kMemorySize));
  memory_ = std::move(block);
  memory_region_.reset(new core::Region(core::Region::ram("vga.vram", *memory_, 0, kMemorySize)));
  add_bar(0, *memory_region_, BarKind::memory32, /*prefetchable=*/true);
  add_bar(2, region("registers"), BarKind::memory32);
  map_region("mono", kMonoPorts);
  map_region("vga", kPorts);
  map_region("dispi", kDispiPorts);
  map_region("window", kWindow, /*priority=*/0);
  return {};
}

// A machine can do without the usual ROM, but not without one that the user named.
util::Status Vga::load_rom() {
  if (rom_file_.empty()) return {};
  std::string path = rom_file_;
  if (path.find('/') == std::string::npos) {
    auto found = environment().backends.resolve("firmware", path);
    if (!found && rom_file_ == kUsualRom) return {};
    if (!found) return std::move(found).error();
    path = *static_cast<const std::string*>(*found);
  }
  VIREO_TRY_ASSIGN(image, read_rom(path));
  return set_option_rom(image);
}

void Vga::on_pci_reset() {
  regs_.dispi[0] = 0xb0c5;
  regs_.dispi[3] = 8;
}

REGISTER_DEVICE(Vga);

}  // namespace vireo::hw
