#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "core/device/description.h"
#include "hw/pci/pci_device.h"

namespace vireo::core {
class RamBlock;
}

namespace vireo::hw {

/// The 82441FX host bridge as the function 00.0 (Intel data sheet 290549): programmable attribute
/// map and SMRAM. I440fxHost creates it.
class I440fxBridge final : public PciDevice {
 public:
  static constexpr unsigned kPamSegments = 13;

  static void describe(core::Description<I440fxBridge>& d);
  I440fxBridge();

  /// Before realize: the RAM that lies behind the addresses from 640 KiB to 1 MiB, and where SMRAM
  /// is shown to CPUs in system-management mode.
  void set_ram(core::RamBlock& ram, core::Region& system_management_root) {
    ram_ = &ram;
    smm_root_ = &system_management_root;
  }
  /// What firmware would do before it starts a kernel: RAM at C0000h to FFFFFh.
  void open_shadow_ram();

 protected:
  util::Status on_pci_realize() override;
  void on_pci_unrealize() override;
  void sync_pci_outputs() override;
  void config_written(uint8_t offset, unsigned width) override;

 private:
  core::RamBlock* ram_ = nullptr;
  std::array<std::unique_ptr<core::Region>, kPamSegments> segments_;
  core::Region* smm_root_ = nullptr;
  std::unique_ptr<core::Region> open_smram_;  // for everybody
  std::unique_ptr<core::Region> smram_;       // in system-management mode
};

/// The CPU's side of the host bridge: configuration mechanism #1 at CF8h and CFCh, the PCI memory
/// space, and the PCI bus. Port CF9h is the PIIX3's reset control register, which shares the
/// doubleword.
class I440fxHost final : public core::Device {
 public:
  static void describe(core::Description<I440fxHost>& d);
  I440fxHost();

  PciBus& bus() { return bus_; }
  core::Region& pci_memory() { return pci_memory_; }

 protected:
  util::Status on_realize() override;
  void on_unrealize() override;

 private:
  struct Regs {
    uint32_t address = 0;
    uint8_t reset_control = 0;
  };

  uint64_t read(uint64_t offset, unsigned width);
  void write(uint64_t offset, unsigned width, uint64_t value);
  PciDevice* addressed() const;
  void write_reset_control(uint8_t value);

  core::Region pci_memory_;
  PciBus bus_;
  Regs regs_;
};

}  // namespace vireo::hw
