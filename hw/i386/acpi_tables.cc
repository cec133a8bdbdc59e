// The fixed ACPI tables of the `pc` machine: RSDP, RSDT, XSDT, FADT, FACS, MADT, HPET.

#include "hw/i386/acpi_tables.h"

#include <numeric>
#include <string_view>

#include "hw/acpi/piix4_pm.h"
#include "hw/intc/apic_bus.h"
#include "hw/intc/io_apic.h"
#include "util/byte_order.h"

namespace vireo::hw {
namespace {

using util::load_little;
using util::store_little;
using Bytes = std::vector<uint8_t>;

constexpr size_t kHeaderSize = 36;
constexpr size_t kHeaderLength = 4;
constexpr size_t kHeaderChecksum = 9;
constexpr std::string_view kOemId = "VIREO ";
constexpr std::string_view kOemTableId = "VIREOPC ";
constexpr uint32_t kHpetBase = 0xfed00000;
constexpr uint32_t kHpetId = 0x8086a201;

template <class T>
void append(Bytes& to, std::type_identity_t<T> value) {
  to.resize(to.size() + sizeof(T));
  store_little<T>(&to[to.size() - sizeof(T)], value);
}

void append(Bytes& to, std::string_view text) { to.insert(to.end(), text.begin(), text.end()); }

// Collects tables in one blob.
class Collector {
 public:
  /// Appends a table of a signature and a body; returns its offset.
  uint32_t add(std::string_view signature, uint8_t revision, const Bytes& body) {
    align(16);
    const auto at = static_cast<uint32_t>(result.tables.size());
    const auto length = static_cast<uint32_t>(kHeaderSize + body.size());
    Bytes& out = result.tables;
    append(out, signature);
    append<uint32_t>(out, length);
    append<uint8_t>(out, revision);
    append<uint8_t>(out, 0);
    append(out, kOemId);
    append(out, kOemTableId);
    append<uint32_t>(out, 1);
    append(out, "VIRE");
    append<uint32_t>(out, 1);
    out.insert(out.end(), body.begin(), body.end());
    result.checksums.push_back({false, static_cast<uint32_t>(at + kHeaderChecksum), at, length});
    return at;
  }
  uint32_t add_raw(const Bytes& bytes, size_t alignment) {
    align(alignment);
    const auto at = static_cast<uint32_t>(result.tables.size());
    result.tables.insert(result.tables.end(), bytes.begin(), bytes.end());
    return at;
  }
  /// The value at `offset` is an offset in the blob.
  void add_pointer(uint32_t offset, uint8_t size) {
    result.pointers.push_back({false, offset, size});
  }

  AcpiTables result;

 private:
  void align(size_t alignment) {
    while (result.tables.size() % alignment != 0) result.tables.push_back(0);
  }
};

Bytes build_facs() {
  Bytes facs(64);
  std::string_view("FACS").copy(reinterpret_cast<char*>(facs.data()), 4);
  store_little<uint32_t>(&facs[4], 64);
  return facs;
}

void set_port_register(Bytes& table, size_t offset, uint16_t port, uint8_t bits) {
  uint8_t* address = &table[offset - kHeaderSize];
  address[0] = 1;  // system I/O
  address[1] = bits;
  address[3] = bits == 8 ? 1 : bits == 16 ? 2 : 3;  // access size
  store_little<uint64_t>(address + 4, port);
}

// Revision 3; offsets are those of ACPI 6.4, table 5.9.
Bytes build_fadt(uint32_t facs, uint32_t dsdt, const AcpiConfig& config) {
  const uint16_t base = config.pm_base;
  Bytes body(244 - kHeaderSize);
  const auto set8 = [&](size_t at, uint8_t value) { body[at - kHeaderSize] = value; };
  const auto set16 = [&](size_t at, uint16_t v) { store_little<uint16_t>(&body[at - 36], v); };
  const auto set32 = [&](size_t at, uint32_t v) { store_little<uint32_t>(&body[at - 36], v); };
  set32(36, facs);
  set32(40, dsdt);
  set8(45, 1);  // a desktop
  set16(46, Piix4Pm::kSciIrq);
  set32(48, Piix4Pm::kSmiCommandPort);
  set8(52, Piix4Pm::kAcpiEnable);
  set8(53, Piix4Pm::kAcpiDisable);
  set32(56, base);
  set32(64, base + 4);
  set32(76, base + 8);
  set32(80, base + 12);
  set8(88, 4);
  set8(89, 2);
  set8(91, 4);
  set8(92, 4);
  set16(96, 0xfff);  // no C2 and C3
  set16(98, 0xfff);
  set8(108, 0x32);                                  // the RTC's century byte
  set16(109, 0x01 | (config.keyboard ? 0x02 : 0));  // legacy devices, 8042
  // WBINVD works, C1 works, no sleep button, RTC wake is no fixed feature, reset register.
  set32(112, 1u << 0 | 1u << 2 | 1u << 5 | 1u << 6 | 1u << 10);
  set_port_register(body, 116, 0xcf9, 8);
  set8(128, 0x06);
  set_port_register(body, 148, base, 32);
  set_port_register(body, 172, base + 4, 16);
  set_port_register(body, 208, base + 8, 32);
  set_port_register(body, 220, base + 12, 32);
  return body;
}

void append_override(Bytes& madt, uint8_t irq, uint32_t pin, uint16_t flags) {
  madt.insert(madt.end(), {2, 10, 0, irq});
  append<uint32_t>(madt, pin);
  append<uint16_t>(madt, flags);
}

Bytes build_madt(unsigned cpus) {
  constexpr uint16_t kLevelActiveHigh = 0x000d;
  Bytes madt;
  append<uint32_t>(madt, static_cast<uint32_t>(ApicBus::kMessageBase));
  append<uint32_t>(madt, 1);  // there are 8259s too
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    madt.insert(madt.end(), {0, 8, static_cast<uint8_t>(cpu), static_cast<uint8_t>(cpu)});
    append<uint32_t>(madt, 1);
  }
  madt.insert(madt.end(), {1, 12, 0, 0});
  append<uint32_t>(madt, static_cast<uint32_t>(IoApic::kBase));
  append<uint32_t>(madt, 0);
  append_override(madt, 0, 2, 0);
  // The interrupts that PCI may take are level-triggered, and PCI's inversion is the chipset's.
  for (uint8_t irq : {5, 9, 10, 11}) append_override(madt, irq, irq, kLevelActiveHigh);
  madt.insert(madt.end(), {4, 6, 0xff, 0, 0, 1});  // NMI on LINT1 of all
  return madt;
}

Bytes build_hpet() {
  Bytes hpet;
  append<uint32_t>(hpet, kHpetId);
  hpet.insert(hpet.end(), {0, 0, 0, 0});  // a memory address
  append<uint64_t>(hpet, kHpetBase);
  hpet.insert(hpet.end(), {0, 0, 0, 0});  // number, minimum tick, protection
  return hpet;
}

// RSDT (4-byte pointers) or XSDT (8-byte).
uint32_t add_root(Collector& collector, std::string_view signature, uint8_t pointer_size,
                  const std::vector<uint32_t>& tables) {
  Bytes body(tables.size() * pointer_size);
  for (size_t i = 0; i < tables.size(); ++i) {
    store_little(&body[i * pointer_size], tables[i], pointer_size);
  }
  const uint32_t at = collector.add(signature, 1, body);
  for (size_t i = 0; i < tables.size(); ++i) {
    collector.add_pointer(static_cast<uint32_t>(at + kHeaderSize + i * pointer_size), pointer_size);
  }
  return at;
}

void build_rsdp(AcpiTables& tables, uint32_t rsdt, uint32_t xsdt) {
  Bytes& rsdp = tables.rsdp;
  append(rsdp, "RSD PTR ");
  append<uint8_t>(rsdp, 0);
  append(rsdp, kOemId);
  append<uint8_t>(rsdp, 2);
  append<uint32_t>(rsdp, rsdt);
  append<uint32_t>(rsdp, 36);
  append<uint64_t>(rsdp, xsdt);
  append<uint32_t>(rsdp, 0);
  tables.pointers.push_back({true, 16, 4});
  tables.pointers.push_back({true, 24, 8});
  tables.checksums.push_back({true, 8, 0, 20});
  tables.checksums.push_back({true, 32, 0, 36});
}

}  // namespace

uint32_t pci_window_start(uint64_t low_ram_end) {
  if (low_ram_end <= 0x80000000) return 0x80000000;
  return low_ram_end <= 0xc0000000 ? 0xc0000000 : 0xe0000000;
}

AcpiTables build_acpi_tables(const AcpiConfig& config) {
  Collector collector;
  const uint32_t facs = collector.add_raw(build_facs(), 64);
  const uint32_t dsdt = collector.add("DSDT", 2, build_dsdt_aml(config));
  const uint32_t fadt = collector.add("FACP", 3, build_fadt(facs, dsdt, config));
  collector.add_pointer(fadt + 36, 4);
  collector.add_pointer(fadt + 40, 4);
  std::vector<uint32_t> tables{fadt, collector.add("APIC", 3, build_madt(config.cpus))};
  if (config.hpet) tables.push_back(collector.add("HPET", 1, build_hpet()));
  const uint32_t rsdt = add_root(collector, "RSDT", 4, tables);
  const uint32_t xsdt = add_root(collector, "XSDT", 8, tables);
  build_rsdp(collector.result, rsdt, xsdt);
  return std::move(collector.result);
}

AcpiTables::Placed AcpiTables::placed_at(uint64_t base) const {
  Placed placed{tables, rsdp};
  for (const Pointer& pointer : pointers) {
    uint8_t* at = &(pointer.in_rsdp ? placed.rsdp : placed.tables)[pointer.offset];
    store_little(at, load_little(at, pointer.size) + base, pointer.size);
  }
  for (const Checksum& checksum : checksums) {
    Bytes& file = checksum.in_rsdp ? placed.rsdp : placed.tables;
    const auto first = file.begin() + checksum.start;
    file[checksum.offset] =
        static_cast<uint8_t>(-std::accumulate(first, first + checksum.length, 0));
  }
  return placed;
}

}  // namespace vireo::hw
