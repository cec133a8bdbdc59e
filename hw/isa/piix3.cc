// The PIIX3 PCI-to-ISA bridge: PIRQ routing.

#include "hw/isa/piix3.h"

namespace vireo::hw {
namespace {

using core::field;

constexpr unsigned kPirqRoute = 0x60;
constexpr uint8_t kNotRouted = 0x80;
// IRQ 0, 1, 2, 8 and 13 cannot be taken by PCI (2.2.6).
constexpr uint16_t kRoutable = 0xdef8;

}  // namespace

void Piix3::describe(core::Description<Piix3>& d) {
  d.type("PIIX3", "82371SB PCI-to-ISA bridge");
  d.user_creatable(false);
  describe_pci(d);
  d.interrupt_inputs("pirq", PciBus::kPirqs, &Piix3::set_pirq);
  d.state(&Piix3::regs_, 1, field("levels", &Regs::levels));
}

Piix3::Piix3() {
  set_identity({.vendor = 0x8086, .device = 0x7000, .class_code = 0x060100});
  set_default_address("01.0");
  set_config<uint8_t>(kPciHeaderType, 0x80);  // IDE and power management are on further functions
  set_config<uint16_t>(kPciCommand, 0x0007);
  set_config<uint16_t>(kPciStatus, 0x0200);
  set_config<uint8_t>(0x4c, 0x4d);     // ISA I/O recovery
  set_config<uint16_t>(0x4e, 0x0003);  // X-bus chip select
  set_config<uint8_t>(0x69, 0x02);     // top of memory
  set_writable(0x4c, 1, 0xff);
  set_writable(0x4e, 2, 0x0fff);
  set_writable(0x69, 1, 0xff);
  set_writable(0x6a, 2, 0xffff);
  set_config<uint32_t>(kPirqRoute, 0x80808080);
  set_writable(kPirqRoute, 4, 0x8f8f8f8f);
}

util::Status Piix3::on_pci_realize() {
  for (unsigned irq = 0; irq < IsaBus::kIrqCount; ++irq) {
    if ((kRoutable >> irq) & 1) irqs_[irq].connect(isa_bus_.add_irq_source(irq));
  }
  if (pci_bus() != nullptr) {
    for (unsigned pirq = 0; pirq < PciBus::kPirqs; ++pirq) {
      pci_bus()->connect_pirq(pirq, interrupt_input("pirq", pirq));
    }
  }
  return {};
}

void Piix3::set_pirq(unsigned pirq, bool level) {
  regs_.levels[pirq] = level;
  sync_pci_outputs();
}

void Piix3::sync_pci_outputs() {
  uint16_t asserted = 0;
  for (unsigned pirq = 0; pirq < PciBus::kPirqs; ++pirq) {
    const auto route = config_value<uint8_t>(kPirqRoute + pirq);
    if (regs_.levels[pirq] && !(route & kNotRouted)) {
      asserted |= static_cast<uint16_t>(1u << (route & 0x0f));
    }
  }
  for (unsigned irq = 0; irq < IsaBus::kIrqCount; ++irq) {
    const bool level = (asserted >> irq) & 1;
    if (irqs_[irq].level() != level) irqs_[irq].set(level);
  }
}

void Piix3::config_written(uint8_t offset, unsigned width) {
  if (offset < kPirqRoute + 4 && offset + width > kPirqRoute) sync_pci_outputs();
}

REGISTER_DEVICE(Piix3);

}  // namespace vireo::hw
