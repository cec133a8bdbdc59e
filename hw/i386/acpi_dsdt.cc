// The DSDT of the `pc` machine: the PCI host bridge, interrupt links, ISA devices, sleep states.

#include <algorithm>

#include "hw/acpi/aml.h"
#include "hw/acpi/piix4_pm.h"
#include "hw/i386/acpi_tables.h"
#include "hw/pci/pci_bus.h"
#include "util/bits.h"

namespace vireo::hw {
namespace {

using namespace aml;

constexpr unsigned kSlots = 32;
constexpr uint32_t kPciEnd = 0xfebfffff;
constexpr uint64_t kWindow64Size = uint64_t{32} << 30;
constexpr uint64_t kPresentAndWorking = 0x0b;
constexpr uint64_t kPresentButDisabled = 0x09;
const char* const kLinks[] = {"LNKA", "LNKB", "LNKC", "LNKD"};
const char* const kRoutes[] = {"\\_SB.PCI0.ISA.PRQA", "\\_SB.PCI0.ISA.PRQB", "\\_SB.PCI0.ISA.PRQC",
                               "\\_SB.PCI0.ISA.PRQD"};

// 6.2.13: for each slot and pin, the link that the board wires it to.
Term routing_table() {
  std::vector<Term> rows;
  for (unsigned slot = 1; slot < kSlots; ++slot) {
    for (unsigned pin = 0; pin < 4; ++pin) {
      const unsigned pirq = PciBus::pirq_of(static_cast<uint8_t>(slot << 3), pin);
      rows.push_back(package({integer(slot << 16 | 0xffff), integer(pin),
                              path(std::string("\\_SB.") + kLinks[pirq]), integer(0)}));
    }
  }
  return name("_PRT", package(rows));
}

// An interrupt link programs the PIIX3's route register.
Term interrupt_link(unsigned pirq) {
  const Term route = path(kRoutes[pirq]);
  const Term number = path("IRQW");
  return device(
      kLinks[pirq],
      {name("_HID", eisa_id("PNP0C0F")), name("_UID", integer(pirq)),
       name("_PRS", resources({shared_interrupts({5, 10, 11})})),
       method("_STA", 0,
              {if_true(bit_and(route, integer(0x80)), {return_value(integer(kPresentButDisabled))}),
               return_value(integer(kPresentAndWorking))}),
       method("_DIS", 0, {bit_or_into(route, integer(0x80), route)}),
       method("_CRS", 0,
              {name("BUF0", resources({shared_interrupts({0})})),
               create_dword_field(path("BUF0"), kInterruptNumberOffset, "IRQW"),
               store(bit_and(route, integer(0x0f)), number), return_value(path("BUF0"))}),
       method("_SRS", 1,
              {create_dword_field(argument(0), kInterruptNumberOffset, "IRQW"),
               store(number, route)})});
}

Term host_bridge_resources(const AcpiConfig& config) {
  std::vector<Term> list{bus_numbers(0, 0xff),
                         io_ports(0xcf8, 8),
                         port_window(0, 0xcf7),
                         port_window(0xd00, 0xffff),
                         memory_window32(0xa0000, 0xbffff),
                         memory_window32(pci_window_start(config.low_ram_end), kPciEnd)};
  if (config.high_window) {
    const uint64_t above =
        util::align_up((uint64_t{1} << 32) + config.high_ram_size, uint64_t{1} << 30);
    list.push_back(memory_window64(above, above + kWindow64Size - 1));
  }
  return name("_CRS", resources(list));
}

Term isa_device(const char* label, const char* id, const std::vector<Term>& resource_list) {
  return device(label, {name("_HID", eisa_id(id)), name("_CRS", resources(resource_list))});
}

std::vector<Term> isa_devices(const AcpiConfig& config) {
  std::vector<Term> list{
      name("_ADR", integer(0x00010000)),
      operation_region("P40C", RegionSpace::pci_config, 0x60, 4),
      byte_fields("P40C", {"PRQA", "PRQB", "PRQC", "PRQD"}),
      isa_device("RTC", "PNP0B00", {io_ports(0x70, 2), irq(8)}),
  };
  if (config.keyboard) {
    list.push_back(isa_device("KBD", "PNP0303", {io_ports(0x60, 1), io_ports(0x64, 1), irq(1)}));
    list.push_back(isa_device("MOU", "PNP0F13", {irq(12)}));
  }
  if (config.floppy) {
    list.push_back(
        isa_device("FDC0", "PNP0700", {io_ports(0x3f2, 4), io_ports(0x3f7, 1), irq(6), dma(2)}));
  }
  for (unsigned port = 0; port < std::min(config.serial_ports, 2u); ++port) {
    list.push_back(device(port == 0 ? "COM1" : "COM2",
                          {name("_HID", eisa_id("PNP0501")), name("_UID", integer(port + 1)),
                           name("_CRS", resources({io_ports(port == 0 ? 0x3f8 : 0x2f8, 8),
                                                   irq(port == 0 ? 4 : 3)}))}));
  }
  return list;
}

// Devices that guests know by the ids of the virtual machine interface that they follow.
std::vector<Term> system_devices(const AcpiConfig& config) {
  std::vector<Term> list;
  const auto virtual_device = [&](const char* label, const char* id, uint16_t base,
                                  uint8_t length) {
    list.push_back(
        device(label, {name("_HID", string(id)), name("_STA", integer(kPresentAndWorking)),
                       name("_CRS", resources({io_ports(base, length)}))}));
  };
  if (config.firmware_config) virtual_device("FWCF", "QEMU0002", 0x510, 12);
  if (config.panic_device) virtual_device("PEVT", "QEMU0001", 0x505, 1);
  if (config.hpet) {
    list.push_back(device("HPET", {name("_HID", eisa_id("PNP0103")), name("_UID", integer(0)),
                                   name("_CRS", resources({fixed_memory(0xfed00000, 0x400)}))}));
  }
  // What motherboard registers take of the I/O space.
  list.push_back(device("MBRD", {name("_HID", eisa_id("PNP0C02")),
                                 name("_CRS", resources({io_ports(config.pm_base, 64),
                                                         io_ports(Piix4Pm::kUsualSmbusBase, 16),
                                                         io_ports(0xb2, 2)}))}));
  return list;
}

Term sleep_state(const char* label, uint8_t type) {
  return name(label, package({integer(type), integer(type), integer(0), integer(0)}));
}

}  // namespace

std::vector<uint8_t> build_dsdt_aml(const AcpiConfig& config) {
  std::vector<Term> bus{device("PCI0", {name("_HID", eisa_id("PNP0A03")), name("_ADR", integer(0)),
                                        name("_UID", integer(0)), host_bridge_resources(config),
                                        routing_table(), device("ISA", isa_devices(config))})};
  for (unsigned pirq = 0; pirq < PciBus::kPirqs; ++pirq) bus.push_back(interrupt_link(pirq));
  for (Term& term : system_devices(config)) bus.push_back(std::move(term));
  return concatenate({scope("\\_SB", bus), sleep_state("\\_S4", Piix4Pm::kSleepTypeS4),
                      sleep_state("\\_S5", Piix4Pm::kSleepTypeS5)});
}

}  // namespace vireo::hw
