#pragma once

#include <array>
#include <cstdint>

#include "hw/isa/isa_bus.h"
#include "hw/pci/pci_device.h"

namespace vireo::hw {

/// The 82371SB PIIX3's PCI-to-ISA bridge, function 01.0 (Intel data sheet 290550): it routes the
/// four PCI interrupt lines ("pirq") to ISA interrupts, and owns the ISA bus.
class Piix3 final : public PciDevice {
 public:
  static void describe(core::Description<Piix3>& d);
  Piix3();

  IsaBus& isa_bus() { return isa_bus_; }

 protected:
  util::Status on_pci_realize() override;
  void sync_pci_outputs() override;
  void config_written(uint8_t offset, unsigned width) override;

 private:
  struct Regs {
    std::array<bool, PciBus::kPirqs> levels{};
  };
  void set_pirq(unsigned pirq, bool level);

  IsaBus isa_bus_{this};
  std::array<core::IrqLine, IsaBus::kIrqCount> irqs_;
  Regs regs_;
};

}  // namespace vireo::hw
