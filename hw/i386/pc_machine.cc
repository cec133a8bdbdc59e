// The `pc` machine: a 440FX board with its built-in devices.

#include "hw/i386/pc_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/device/bus.h"
#include "core/device/description.h"
#include "core/state/state_stream.h"
#include "hw/acpi/piix4_pm.h"
#include "hw/char/uart_16550.h"
#include "hw/dma/dma_8237.h"
#include "hw/flash/cfi_flash.h"
#include "hw/i386/acpi_tables.h"
#include "hw/i386/direct_boot.h"
#include "hw/i386/fw_cfg.h"
#include "hw/i386/host_file.h"
#include "hw/ide/piix_ide.h"
#include "hw/input/i8042.h"
#include "hw/intc/apic_bus.h"
#include "hw/intc/cpu_port.h"
#include "hw/intc/io_apic.h"
#include "hw/intc/local_apic.h"
#include "hw/intc/pic_8259.h"
#include "hw/isa/isa_bus.h"
#include "hw/isa/piix3.h"
#include "hw/misc/fpu_error.h"
#include "hw/misc/port92.h"
#include "hw/pci/i440fx.h"
#include "hw/timer/hpet.h"
#include "hw/timer/pit_8254.h"
#include "hw/timer/rtc_mc146818.h"
#include "ui/input.h"
#include "util/bits.h"

namespace vireo::hw {
namespace {

constexpr uint64_t kPortSpace = 0x10000;
constexpr unsigned kMaxSerialPorts = 4;
constexpr uint64_t kMaxFirmwareFile = uint64_t{16} << 20;

}  // namespace

PcMachine::PcMachine(PcConfig config, std::unique_ptr<PcMemory> memory,
                     core::RunControl& run_control, util::EventLoop& loop,
                     core::BackendResolver& backends)
    : config_(std::move(config)),
      memory_(std::move(memory)),
      port_root_(core::Region::container("ports", kPortSpace)),
      memory_space_("memory", memory_->root()),
      smm_space_("smm", memory_->system_management_root()),
      port_space_("ports", port_root_),
      timers_(clock_, loop),
      environment_{memory_space_, port_space_, clock_, timers_, run_control, loop, backends} {}

PcMachine::~PcMachine() { remove_devices(); }

void PcMachine::remove_devices() {
  if (config_.input != nullptr && keyboard_ != nullptr) config_.input->remove(*keyboard_);
  keyboard_ = nullptr;
  // Devices leave in the reverse order, so that nothing refers to one that is gone.
  while (!devices_.empty()) {
    devices_.back()->unrealize();
    devices_.pop_back();
  }
}

util::Result<std::unique_ptr<PcMachine>> PcMachine::create(PcConfig config,
                                                           core::RunControl& run_control,
                                                           util::EventLoop& loop,
                                                           core::BackendResolver& backends) {
  VIREO_TRY_ASSIGN(memory, PcMemory::create(config.ram_size));
  std::unique_ptr<PcMachine> machine(
      new PcMachine(std::move(config), std::move(memory), run_control, loop, backends));
  VIREO_TRY(machine->build());
  return machine;
}

util::Status PcMachine::build() {
  const core::TopologyTransaction transaction;
  if (!config_.kernel.empty()) {
    direct_boot_ = std::make_unique<DirectBoot>(
        DirectBoot::Files{config_.kernel, config_.initrd, config_.command_line});
  }
  VIREO_TRY(add_host_bridge());
  VIREO_TRY(add_interrupt_controllers());
  VIREO_TRY(add_south_bridge());
  return add_isa_devices();
}

util::Status PcMachine::add_host_bridge() {
  VIREO_TRY_ASSIGN(host, add(core::make_device<I440fxHost>()));
  host_ = host;
  pci_bus_ = &host_->bus();
  auto new_bridge = core::make_device<I440fxBridge>();
  new_bridge->set_ram(memory_->ram(), memory_->system_management_root());
  VIREO_TRY_ASSIGN(bridge, add(std::move(new_bridge)));
  bridge_ = bridge;
  VIREO_TRY(add_flash());
  if (config_.firmware.empty()) return {};
  auto image = read_host_file(config_.firmware, kMaxFirmwareFile);
  if (!image) return std::move(image).error().with_context("-bios");
  auto mapped = memory_->set_firmware(host_->pci_memory(), *image);
  if (!mapped) return std::move(mapped).error().with_context("-bios " + config_.firmware);
  return {};
}

// One below the other, the first ending at 4 GiB.
util::Status PcMachine::add_flash() {
  uint64_t end = PcMemory::kAbove4g;
  for (const std::string& drive : config_.flash) {
    if (drive.empty()) continue;
    auto new_flash = core::make_device<CfiFlash>();
    VIREO_TRY(new_flash->set_property("drive", drive));
    new_flash->set_place(host_->pci_memory(), end);
    if (end == PcMemory::kAbove4g)
      new_flash->set_window(PcMemory::kLegacyHoleEnd, PcMemory::kLowFirmware);
    auto flash = add(std::move(new_flash));
    if (!flash) return std::move(flash).error().with_context("-drive if=pflash");
    end -= (*flash)->size();
  }
  return {};
}

// SMI# goes to all processors.
class PcMachine::SmiLine final : public core::IrqHandler {
 public:
  void add(CpuPort& cpu) { cpus_.push_back(&cpu); }
  void set_irq(unsigned, bool level) override {
    if (!level) return;
    for (CpuPort* cpu : cpus_) cpu->raise_smi();
  }

 private:
  std::vector<CpuPort*> cpus_;
};

util::Status PcMachine::add_south_bridge() {
  VIREO_TRY_ASSIGN(piix3, add(core::make_device<Piix3>()));
  isa_bus_ = &piix3->isa_bus();
  connect_isa_interrupts();
  auto new_ide = core::make_device<PiixIde>();
  VIREO_TRY(new_ide->set_property("addr", "01.1"));
  VIREO_TRY_ASSIGN(ide, add(std::move(new_ide)));
  ide_ = ide;
  for (unsigned channel = 0; channel < PiixIde::kChannels; ++channel) {
    ide_->interrupt_output("irq", channel).connect(isa_bus_->add_irq_source(14 + channel));
  }
  auto new_power = core::make_device<Piix4Pm>();
  VIREO_TRY(new_power->set_property("smm-enabled", config_.system_management ? "on" : "off"));
  VIREO_TRY_ASSIGN(power, add(std::move(new_power)));
  power_ = power;
  smi_line_ = std::make_unique<SmiLine>();
  power_->interrupt_output("smi").connect({smi_line_.get(), 0});
  power_->interrupt_output("sci").connect(isa_bus_->add_irq_source(Piix4Pm::kSciIrq));
  return {};
}

util::Status PcMachine::add_interrupt_controllers() {
  VIREO_TRY_ASSIGN(apic_bus, add(core::make_device<ApicBus>()));
  VIREO_TRY_ASSIGN(pic, add(core::make_device<Pic8259Pair>()));
  auto new_io_apic = core::make_device<IoApic>();
  new_io_apic->connect(*apic_bus);
  VIREO_TRY_ASSIGN(io_apic, add(std::move(new_io_apic)));
  apic_bus_ = apic_bus;
  pic_ = pic;
  io_apic_ = io_apic;
  for (unsigned cpu = 0; cpu < config_.cpus; ++cpu) {
    auto apic = core::make_device<LocalApic>();
    apic->set_identity(cpu, cpu == 0);
    VIREO_TRY_ASSIGN(local_apic, add(std::move(apic)));
    local_apics_.push_back(local_apic);
    apic_bus_->add(*local_apic);
    pic_->interrupt_output("intr").connect(local_apic->interrupt_input("lint", 0));
  }
  pci_bus_->set_msi_receiver([this](uint64_t address, uint32_t data) { send_msi(address, data); });
  return {};
}

// Messages for addresses other than the APICs' are plain writes.
void PcMachine::send_msi(uint64_t address, uint32_t data) {
  if (address - ApicBus::kMessageBase < ApicBus::kMessageSize) {
    apic_bus_->deliver_msi(address, data);
  } else {
    memory_space_.store<uint32_t>(address, data);
  }
}

void PcMachine::connect_isa_interrupts() {
  for (unsigned irq = 0; irq < IsaBus::kIrqCount; ++irq) {
    if (irq == 2) continue;  // the cascade of the 8259s
    isa_bus_->connect_irq_receiver(irq, pic_->interrupt_input("ir", irq));
    // The timer is on pin 2, as the MADT says.
    isa_bus_->connect_irq_receiver(irq, io_apic_->interrupt_input("pin", irq == 0 ? 2 : irq));
  }
}

util::Status PcMachine::add_isa_devices() {
  VIREO_TRY(add_timers());
  VIREO_TRY(add(core::make_device<Dma8237Pair>()));
  VIREO_TRY(add_a20_sources());
  VIREO_TRY_ASSIGN(fpu_error, add(core::make_device<FpuErrorLatch>()));
  fpu_error_ = fpu_error;
  fpu_error_->interrupt_output("irq").connect(isa_bus_->add_irq_source(13));
  VIREO_TRY(add_serial_ports());
  return add_firmware_configuration();
}

util::Status PcMachine::add_timers() {
  VIREO_TRY_ASSIGN(pit, add(core::make_device<Pit8254>()));
  VIREO_TRY_ASSIGN(rtc, add(core::make_device<RtcMc146818>()));
  VIREO_TRY_ASSIGN(hpet, add(core::make_device<Hpet>()));
  rtc_ = rtc;
  rtc_->set_time(config_.rtc_seconds);
  fill_cmos();
  pit->interrupt_output("irq").connect(isa_bus_->add_irq_source(0));
  // While the HPET replaces it, the 8254 is cut off.
  hpet->interrupt_output("legacy").connect(pit->interrupt_input("disable"));
  for (unsigned input = 0; input < IoApic::kPins; ++input) {
    core::IrqLine& line = hpet->interrupt_output("irq", input);
    if (input == 2) {
      line.connect(isa_bus_->add_irq_source(0));
    } else if (input == 8) {
      line.connect(isa_bus_->add_irq_source(8));
    } else if (input >= IsaBus::kIrqCount) {
      line.connect(io_apic_->interrupt_input("pin", input));
    }
  }
  return {};
}

util::Status PcMachine::add_serial_ports() {
  if (config_.serial.size() > kMaxSerialPorts) {
    return util::Error(
        util::ErrorCode::kInvalidArgument,
        fmt::format("{} serial ports: a PC has four at most", config_.serial.size()));
  }
  for (size_t i = 0; i < config_.serial.size(); ++i) {
    auto uart = core::make_device<Uart16550>();
    VIREO_TRY(uart->set_property("index", std::to_string(i)));
    VIREO_TRY(uart->set_property("chardev", config_.serial[i]));
    VIREO_TRY(add_device(std::move(uart)));
  }
  return {};
}

// The PIIX3 passes A20 when the keyboard controller or port 92h says so.
class PcMachine::A20Gate final : public core::IrqHandler {
 public:
  void add(CpuPort& cpu) {
    cpus_.push_back(&cpu);
    cpu.set_a20(sources_ != 0);
  }
  void set_irq(unsigned source, bool level) override {
    sources_ = level ? sources_ | 1u << source : sources_ & ~(1u << source);
    for (CpuPort* cpu : cpus_) cpu->set_a20(sources_ != 0);
  }

 private:
  unsigned sources_ = 0;
  std::vector<CpuPort*> cpus_;
};

util::Status PcMachine::add_a20_sources() {
  a20_gate_ = std::make_unique<A20Gate>();
  VIREO_TRY_ASSIGN(keyboard, add(core::make_device<I8042>()));
  VIREO_TRY_ASSIGN(port92, add(core::make_device<Port92>()));
  keyboard->interrupt_output("a20").connect({a20_gate_.get(), 0});
  port92->interrupt_output("a20").connect({a20_gate_.get(), 1});
  if (config_.input != nullptr) config_.input->add(*keyboard);
  keyboard_ = keyboard;
  return {};
}

void PcMachine::attach_cpu(unsigned cpu, CpuPort& port) {
  a20_gate_->add(port);
  smi_line_->add(port);
  local_apics_[cpu]->connect(port, *apic_bus_, [this] { return pic_->acknowledge(); });
}

// Without firmware the tables go to the end of low RAM, the root pointer behind them.
BootMemory PcMachine::place_acpi_tables() {
  const uint64_t tables_size = util::align_up(acpi_tables_->tables.size(), 16);
  const uint64_t size =
      util::align_up(tables_size + acpi_tables_->rsdp.size(), core::kGuestPageSize);
  const uint64_t base = memory_->low_ram_end() - size;
  const AcpiTables::Placed placed = acpi_tables_->placed_at(base);
  memory_space_.write(base, std::as_bytes(std::span(placed.tables)));
  memory_space_.write(base + tables_size, std::as_bytes(std::span(placed.rsdp)));
  return {.ranges = memory_->ranges(size), .low_ram_end = base, .rsdp = base + tables_size};
}

void PcMachine::press_power_button() { power_->press_power_button(); }

void PcMachine::signal_fpu_error() { fpu_error_->signal(); }

util::Status PcMachine::add_device(std::unique_ptr<core::Device> device, std::string_view bus) {
  for (const core::PropertyDefault& row : config_.property_defaults) {
    if (row.type != device->type().name) continue;
    VIREO_TRY(device->set_default_property(row.property, row.value));
  }
  const std::string& kind = device->type().bus;
  if (!kind.empty()) {
    core::Bus* place = nullptr;
    for (core::Bus* candidate : buses_) {
      if (bus.empty() ? candidate->kind() == kind && candidate->has_room_for(*device)
                      : candidate->name() == bus) {
        place = candidate;
        break;
      }
    }
    if (place == nullptr) {
      return util::Error(
          util::ErrorCode::kNotFound,
          bus.empty() ? fmt::format("no bus of kind '{}' has room for '{}'", kind, device->label())
                      : fmt::format("there is no bus '{}'", bus));
    }
    VIREO_TRY(device->attach(*place));
  }
  VIREO_TRY(device->realize(environment_));
  for (core::Bus* child : device->child_buses()) buses_.push_back(child);
  devices_.push_back(std::move(device));
  return {};
}

util::Result<std::optional<BootEntry>> PcMachine::reset() {
  {
    const core::TopologyTransaction transaction;
    for (const auto& device : devices_) device->reset();
  }
  // What stayed high through it (the 8254's output) is an edge, as after the first reset.
  isa_bus_->tell_levels();
  if (const FloppyController* floppy = floppy_controller()) describe_floppies(*floppy);
  describe_to_acpi();
  if (!direct_boot_) return std::optional<BootEntry>{};
  bridge_->open_shadow_ram();
  power_->place_registers();
  ide_->enable_channels();
  const BootMemory layout = place_acpi_tables();
  VIREO_TRY_ASSIGN(entry, direct_boot_->install(memory_space_, layout));
  return std::optional<BootEntry>(entry);
}

void PcMachine::save(core::StateWriter& writer) const {
  std::map<std::string_view, uint32_t> instances;
  for (const auto& device : devices_) device->save(writer, instances[device->type().name]++);
}

util::Status PcMachine::load(const core::StateReader& reader) {
  const core::TopologyTransaction transaction;
  std::map<std::string_view, uint32_t> instances;
  for (const auto& device : devices_) {
    VIREO_TRY(device->load(reader, instances[device->type().name]++));
  }
  return {};
}

}  // namespace vireo::hw
