#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "hw/pci/pci_device.h"
#include "ui/surface.h"

namespace vireo::hw {

/// A VGA with the registers and memory of IBM's (VGA Technical Reference) and the linear modes of
/// the Bochs display interface, as a PCI function: memory in BAR 0, registers in BAR 2.
///
/// Byte a of plane p is byte 4 * a + p of the memory.
class Vga final : public PciDevice, public ui::Screen {
 public:
  static void describe(core::Description<Vga>& d);
  Vga();
  ~Vga() override;

  void render(ui::Surface& surface) override;

 protected:
  util::Status on_pci_realize() override;
  void on_pci_reset() override;

 private:
  static constexpr unsigned kDispiRegisters = 11;

  struct Regs {
    uint8_t misc = 0;
    uint8_t feature_control = 0;
    uint8_t sequencer_index = 0;
    std::array<uint8_t, 8> sequencer{};
    uint8_t graphics_index = 0;
    std::array<uint8_t, 16> graphics{};
    uint8_t crtc_index = 0;
    std::array<uint8_t, 32> crtc{};
    uint8_t attribute_index = 0;
    bool attribute_data = false;  // the next write to 3C0h is data
    std::array<uint8_t, 32> attribute{};
    std::array<uint8_t, 768> palette{};
    uint8_t palette_mask = 0xff;
    bool palette_writing = false;  // which of the indices was set last
    uint8_t palette_read_index = 0;
    uint8_t palette_write_index = 0;
    uint8_t palette_component = 0;
    std::array<uint8_t, 3> palette_latch{};
    uint32_t latch = 0;  // a byte of each plane
    uint16_t dispi_index = 0;
    std::array<uint16_t, kDispiRegisters> dispi{};
  };

  util::Status load_rom();

  // vga_registers.cc
  uint64_t read_ports(uint64_t offset, unsigned width);
  void write_ports(uint64_t offset, unsigned width, uint64_t value);
  uint64_t read_mono_ports(uint64_t offset, unsigned width);
  void write_mono_ports(uint64_t offset, unsigned width, uint64_t value);
  uint8_t read_port(uint16_t port);
  void write_port(uint16_t port, uint8_t value);
  bool is_decoded(uint16_t port) const;
  uint8_t read_status();
  void write_attribute(uint8_t value);
  void write_crtc(uint8_t value);
  uint8_t read_palette();
  void write_palette(uint8_t value);
  uint64_t read_dispi_ports(uint64_t offset, unsigned width);
  void write_dispi_ports(uint64_t offset, unsigned width, uint64_t value);
  uint16_t read_dispi(unsigned index) const;
  void write_dispi(unsigned index, uint16_t value);
  void enable_dispi(uint16_t value);
  uint64_t read_registers(uint64_t offset, unsigned width);
  void write_registers(uint64_t offset, unsigned width, uint64_t value);

  // vga_memory.cc
  uint64_t read_window(uint64_t offset, unsigned width);
  void write_window(uint64_t offset, unsigned width, uint64_t value);
  bool window_address(uint64_t offset, uint32_t& address) const;
  uint8_t read_byte(uint32_t address);
  void write_byte(uint32_t address, uint8_t value);
  void write_planes(uint32_t address, uint8_t value);
  uint32_t planes_to_write(uint8_t value, uint32_t& bit_mask) const;
  uint32_t load_planes(uint32_t address) const;
  void save_memory(core::FieldWriter& writer) const;
  util::Status load_memory(const core::FieldReader& reader, uint32_t version);

  // vga_render.cc
  bool dispi_enabled() const { return regs_.dispi[4] & 1; }
  uint8_t memory_at(uint64_t address) const;
  uint32_t color(uint8_t index) const;
  uint32_t attribute_color(unsigned index) const;
  void render_dispi(ui::Surface& surface) const;
  uint32_t dispi_pixel(uint64_t line, uint32_t x, unsigned bits) const;
  void render_text(ui::Surface& surface) const;
  void render_cell(ui::Surface& surface, uint32_t left, uint32_t top, uint32_t cell) const;
  void render_graphics(ui::Surface& surface) const;
  uint32_t graphics_pixel(uint32_t row_address, uint32_t x) const;
  uint32_t displayed_height() const;
  uint32_t rows_per_line() const;
  uint32_t start_address() const { return uint32_t{regs_.crtc[0x0c]} << 8 | regs_.crtc[0x0d]; }

  static constexpr std::string_view kUsualRom = "vgabios-stdvga.bin";
  std::string rom_file_{kUsualRom};
  std::unique_ptr<core::RamBlock> memory_;
  std::unique_ptr<core::Region> memory_region_;
  Regs regs_;
};

}  // namespace vireo::hw
