#pragma once

#include <array>
#include <memory>

#include "hw/ide/ide_channel.h"
#include "hw/pci/pci_device.h"

namespace vireo::hw {

/// The IDE function of the PIIX3 (Intel data sheet 290550): two channels at the legacy ports, and a
/// bus master for each (Programming Interface for Bus Master IDE Controller 1.0). Its outputs
/// "irq" 0 and 1 are for ISA interrupts 14 and 15.
class PiixIde final : public PciDevice, private IdeHost {
 public:
  static constexpr unsigned kChannels = 2;

  static void describe(core::Description<PiixIde>& d);
  PiixIde();

  IdeChannel& channel(unsigned index) { return *channels_[index]; }
  /// What firmware would do before it starts a kernel: makes both channels answer.
  void enable_channels();

 protected:
  util::Status on_pci_realize() override;
  void on_pci_unrealize() override;
  util::Status after_pci_load() override;
  void sync_pci_outputs() override;
  void config_written(uint8_t offset, unsigned width) override;

 private:
  struct BusMaster {
    uint8_t command = 0;
    uint8_t status = 0;
    uint32_t table = 0;
    // Where the transfer is.
    uint32_t next_descriptor = 0;
    uint32_t address = 0;
    uint32_t left = 0;  // of the present region
    bool last = false;  // the present region is the table's last
  };
  struct State {
    std::array<BusMaster, kChannels> masters{};
    std::array<IdeChannelRegs, kChannels> channels{};
    std::array<bool, kChannels> interrupt{};
  };

  void set_channel_interrupt(unsigned channel, bool level) override;
  bool dma_running(unsigned channel) const override;
  size_t dma_transfer(unsigned channel, std::span<std::byte> buffer, bool to_memory) override;
  bool next_region(BusMaster& master);

  uint64_t read_bus_master(uint64_t offset, unsigned width);
  void write_bus_master(uint64_t offset, unsigned width, uint64_t value);
  void write_bus_master_byte(unsigned channel, unsigned offset, uint8_t value);
  void write_command(unsigned channel, uint8_t value);
  template <unsigned kChannel>
  uint64_t read_ports(uint64_t offset, unsigned width) {
    return channels_[kChannel]->read(offset, width);
  }
  template <unsigned kChannel>
  void write_ports(uint64_t offset, unsigned width, uint64_t value) {
    channels_[kChannel]->write(offset, width, value);
  }
  template <unsigned kChannel>
  uint64_t read_control(uint64_t, unsigned) {
    return channels_[kChannel]->read_alternate_status();
  }
  template <unsigned kChannel>
  void write_control(uint64_t, unsigned, uint64_t value) {
    channels_[kChannel]->write_control(static_cast<uint8_t>(value));
  }
  void map_channels();

  std::array<core::IrqLine, kChannels> irqs_;
  std::array<bool, kChannels> mapped_{};
  std::array<std::unique_ptr<IdeChannel>, kChannels> channels_;
  State state_;
};

}  // namespace vireo::hw
