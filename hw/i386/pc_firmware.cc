// What the `pc` machine tells its firmware: fw_cfg items, ACPI and SMBIOS tables, CMOS bytes.

#include <algorithm>

#include "core/device/description.h"
#include "hw/acpi/piix4_pm.h"
#include "hw/floppy/floppy_controller.h"
#include "hw/i386/firmware_tables.h"
#include "hw/i386/fw_cfg.h"
#include "hw/i386/pc_machine.h"
#include "hw/i386/smbios.h"
#include "hw/timer/rtc_mc146818.h"
#include "util/byte_order.h"

namespace vireo::hw {
namespace {

// CMOS bytes as IBM, AMI and SeaBIOS use them.
enum CmosByte : uint8_t {
  kFloppyDrives = 0x10,
  kEquipment = 0x14,
  kBaseMemory = 0x15,
  kExtendedMemory = 0x17,
  kExtendedMemoryAgain = 0x30,
  kMemoryAbove16M = 0x34,
  kBootOrderThird = 0x38,
  kBootOrder = 0x3d,
  kMemoryAbove4G = 0x5b,
  kCpusLessOne = 0x5f,
};

constexpr uint8_t kHasFloppy = 0x01;
constexpr uint8_t kMouseAndCoprocessor = 0x06;

uint8_t boot_device(char letter) {
  switch (letter) {
    case 'a':
      return 1;
    case 'c':
      return 2;
    case 'd':
      return 3;
    case 'n':
      return 4;
    default:
      return 0;
  }
}

FwCfg::Bytes e820_file(const PcMemory& memory) {
  const auto entry = [](FwCfg::Bytes& bytes, uint64_t base, uint64_t length) {
    bytes.resize(bytes.size() + 20);
    uint8_t* at = &bytes[bytes.size() - 20];
    util::store_little<uint64_t>(at, base);
    util::store_little<uint64_t>(at + 8, length);
    util::store_little<uint32_t>(at + 16, static_cast<uint32_t>(RangeType::ram));
  };
  FwCfg::Bytes bytes;
  entry(bytes, 0, memory.low_ram_end());
  if (memory.high_ram_size() != 0) entry(bytes, PcMemory::kAbove4g, memory.high_ram_size());
  return bytes;
}

}  // namespace

util::Status PcMachine::add_firmware_configuration() {
  auto fw_cfg = core::make_device<FwCfg>();
  fill_firmware_configuration(*fw_cfg);
  VIREO_TRY_ASSIGN(added, add(std::move(fw_cfg)));
  fw_cfg_ = added;
  // Firmware places ACPI's registers before it asks for the tables that tell of them.
  fw_cfg_->set_file_listener([this] { describe_to_acpi(); });
  return {};
}

const FloppyController* PcMachine::floppy_controller() const {
  for (const auto& device : devices_) {
    if (const auto* floppy = dynamic_cast<const FloppyController*>(device.get())) return floppy;
  }
  return nullptr;
}

// At each reset, for the user's devices come after the board's.
void PcMachine::describe_to_acpi() {
  const bool panic_device = std::ranges::any_of(
      devices_, [](const auto& device) { return device->type().name == "pvpanic"; });
  acpi_tables_ = std::make_unique<AcpiTables>(
      build_acpi_tables({.cpus = config_.cpus,
                         .low_ram_end = memory_->low_ram_end(),
                         .high_ram_size = memory_->high_ram_size(),
                         // Without firmware the kernel places all BARs, and Linux 6.1 with PAE
                         // loses bits 63:32 of an address when it maps registers.
                         .high_window = memory_->has_firmware() || !config_.flash[0].empty(),
                         .panic_device = panic_device,
                         .floppy = floppy_controller() != nullptr,
                         .serial_ports = static_cast<unsigned>(config_.serial.size()),
                         .pm_base = power_->base()}));
  add_acpi_files(*fw_cfg_, *acpi_tables_);
}

// The types of both drives, and in the equipment byte how many there are.
void PcMachine::describe_floppies(const FloppyController& controller) {
  const auto first = static_cast<uint8_t>(controller.drive_type(0));
  const auto second = static_cast<uint8_t>(controller.drive_type(1));
  rtc_->set_cmos(kFloppyDrives, static_cast<uint8_t>(first << 4 | second));
  if (first == 0 && second == 0) return;
  const uint8_t both = first != 0 && second != 0 ? 0x40 : 0;
  rtc_->set_cmos(kEquipment, kMouseAndCoprocessor | kHasFloppy | both);
}

void PcMachine::fill_firmware_configuration(FwCfg& fw_cfg) {
  fw_cfg.set(FwCfg::kUuid, {config_.uuid.begin(), config_.uuid.end()});
  fw_cfg.set64(FwCfg::kRamSize, memory_->low_ram_end() + memory_->high_ram_size());
  fw_cfg.set16(FwCfg::kNoGraphic, config_.graphics ? 0 : 1);
  fw_cfg.set16(FwCfg::kCpuCount, static_cast<uint16_t>(config_.cpus));
  fw_cfg.set16(FwCfg::kMaxCpus, static_cast<uint16_t>(config_.cpus));
  fw_cfg.set16(FwCfg::kBootMenu, config_.boot_menu ? 1 : 0);
  fw_cfg.set32(FwCfg::kIrq0Override, 1);
  // No NUMA nodes: counts of nodes, and of CPUs for the table that follows.
  fw_cfg.set(FwCfg::kNuma, FwCfg::Bytes(8 * (1 + config_.cpus)));
  fw_cfg.set_file("etc/e820", e820_file(*memory_));
  // A byte for each of S0 to S5: bit 7 for available, and the sleep type.
  fw_cfg.set_file("etc/system-states", {0x80, 0, 0, 0x01, 0x82, 0x80});
  SmbiosTables smbios = build_smbios({.cpus = config_.cpus,
                                      .low_ram_end = memory_->low_ram_end(),
                                      .high_ram_size = memory_->high_ram_size(),
                                      .uuid = config_.uuid});
  fw_cfg.set_file("etc/smbios/smbios-anchor", std::move(smbios.anchor));
  fw_cfg.set_file("etc/smbios/smbios-tables", std::move(smbios.structures));
}

void PcMachine::fill_cmos() {
  const auto set16 = [this](uint8_t index, uint64_t value) {
    rtc_->set_cmos(index, static_cast<uint8_t>(value));
    rtc_->set_cmos(index + 1, static_cast<uint8_t>(value >> 8));
  };
  const uint64_t low = memory_->low_ram_end();
  const uint64_t extended = std::min<uint64_t>((low - PcMemory::kMinRam) >> 10, 0xffff);
  constexpr uint64_t k16M = uint64_t{16} << 20;
  set16(kBaseMemory, 640);
  set16(kExtendedMemory, extended);
  set16(kExtendedMemoryAgain, extended);
  set16(kMemoryAbove16M, low > k16M ? std::min<uint64_t>((low - k16M) >> 16, 0xffff) : 0);
  const uint64_t high = memory_->high_ram_size() >> 16;
  set16(kMemoryAbove4G, high);
  rtc_->set_cmos(kMemoryAbove4G + 2, static_cast<uint8_t>(high >> 16));
  rtc_->set_cmos(kCpusLessOne, static_cast<uint8_t>(config_.cpus - 1));
  rtc_->set_cmos(kEquipment, kMouseAndCoprocessor);
  uint8_t order[3] = {};
  for (size_t i = 0; i < std::min<size_t>(config_.boot_order.size(), 3); ++i) {
    order[i] = boot_device(config_.boot_order[i]);
  }
  rtc_->set_cmos(kBootOrder, static_cast<uint8_t>(order[0] | order[1] << 4));
  // Bit 0 would keep SeaBIOS from checking the floppy's signature.
  rtc_->set_cmos(kBootOrderThird, static_cast<uint8_t>(order[2] << 4));
}

}  // namespace vireo::hw
