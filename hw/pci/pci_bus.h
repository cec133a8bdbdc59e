#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "core/device/bus.h"
#include "core/device/irq_line.h"
#include "core/memory/region.h"

namespace vireo::hw {

class PciDevice;

/// A conventional PCI bus with 32 slots of 8 functions, and its four interrupt lines.
class PciBus final : public core::Bus {
 public:
  static constexpr unsigned kPirqs = 4;

  /// `memory` is the PCI memory space, where BARs appear.
  PciBus(core::Device* owner, core::Region& memory) : Bus("pci", "pci.0", owner), memory_(memory) {}

  bool has_room_for(const core::Device& device) const override;
  std::string address_of(const core::Device& device) const override;

  core::Region& memory() const { return memory_; }
  /// The function at `devfn` (slot * 8 + function), or null.
  PciDevice* find(uint8_t devfn) const { return functions_[devfn]; }

  /// Where the interrupt lines PIRQA to PIRQD go: the OR of the functions wired to each.
  void connect_pirq(unsigned pirq, core::IrqInput receiver) { pirqs_[pirq].connect(receiver); }
  /// Takes message signalled interrupts: address and data. Without it they are lost.
  void set_msi_receiver(std::function<void(uint64_t address, uint32_t data)> receiver) {
    msi_receiver_ = std::move(receiver);
  }

  // For PciDevice.
  /// The line of INTA# (pin 0) to INTD# of a slot: a board's swizzle.
  static unsigned pirq_of(uint8_t devfn, unsigned pin) { return ((devfn >> 3) - 1 + pin) & 3; }
  void set_interrupt(const PciDevice& device, unsigned pin, bool level);
  void send_msi(uint64_t address, uint32_t data) const {
    if (msi_receiver_) msi_receiver_(address, data);
  }

 protected:
  util::Status claim_slot(core::Device& device) override;
  void release_slot(core::Device& device) override;

 private:
  int free_devfn() const;
  void update_pirq(unsigned pirq);

  core::Region& memory_;
  std::array<PciDevice*, 256> functions_{};
  std::array<uint8_t, 256> asserted_{};  // a bit a pin
  std::array<core::IrqLine, kPirqs> pirqs_;
  std::function<void(uint64_t, uint32_t)> msi_receiver_;
};

}  // namespace vireo::hw
