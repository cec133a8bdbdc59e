#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock/guest_clock.h"
#include "core/clock/timer.h"
#include "core/device/device.h"
#include "core/device/environment.h"
#include "core/device/irq_line.h"
#include "core/memory/address_space.h"
#include "hw/i386/boot_entry.h"
#include "hw/i386/pc_memory.h"

namespace vireo::core {
class Bus;
class Device;
class StateReader;
class StateWriter;
}  // namespace vireo::core

namespace vireo::ui {
class InputHub;
}

namespace vireo::hw {

class ApicBus;
class CpuPort;
struct AcpiTables;
class DirectBoot;
class FloppyController;
class FpuErrorLatch;
class FwCfg;
class I8042;
class I440fxBridge;
class I440fxHost;
class IoApic;
class IsaBus;
class LocalApic;
class PciBus;
class Pic8259Pair;
class Piix4Pm;
class PiixIde;
class RtcMc146818;

/// What a PC is made of.
struct PcConfig {
  uint64_t ram_size = uint64_t{128} << 20;
  unsigned cpus = 1;
  std::string firmware;  ///< Path of a BIOS image; empty with a directly loaded kernel only.
  std::array<std::string, 2>
      flash;           ///< Names of drives that flash chips hold: firmware in the first.
  std::string kernel;  ///< Path; empty boots the firmware.
  std::string initrd;
  std::string command_line;
  int64_t rtc_seconds = 0;  ///< What the clock shows at start, in seconds since 1970.
  /// Letters of -boot order=: a floppy, c disk, d CD-ROM, n network.
  std::string boot_order = "cad";
  bool boot_menu = false;
  bool system_management = true;  ///< -machine smm=: firmware may set up SMM.
  bool graphics = true;           ///< False tells firmware to use the serial port (-nographic).
  std::array<uint8_t, 16> uuid{};
  ui::InputHub* input = nullptr;  ///< Where keyboard and mouse hear of input; may be null.
  /// Values of properties that are not set otherwise, on built-in devices too.
  std::vector<core::PropertyDefault> property_defaults;
  /// Names of chardevs for COM1 to COM4; "" for an unconnected port.
  std::vector<std::string> serial;
};

/// The `pc` machine: its memory, clocks, buses and built-in devices, wired. Everything needs the
/// machine lock, construction and destruction too.
class PcMachine {
 public:
  /// Errors are the user's: sizes, files, back ends.
  static util::Result<std::unique_ptr<PcMachine>> create(PcConfig config,
                                                         core::RunControl& run_control,
                                                         util::EventLoop& loop,
                                                         core::BackendResolver& backends);
  ~PcMachine();
  PcMachine(const PcMachine&) = delete;
  PcMachine& operator=(const PcMachine&) = delete;

  const core::Environment& environment() const { return environment_; }
  core::AddressSpace& memory() { return memory_space_; }
  /// Memory as a CPU in system-management mode sees it.
  core::AddressSpace& system_management_memory() { return smm_space_; }
  core::AddressSpace& ports() { return port_space_; }
  core::GuestClock& clock() { return clock_; }
  core::TimerQueue& timers() { return timers_; }
  core::RamBlock& ram() { return memory_->ram(); }
  IsaBus& isa_bus() { return *isa_bus_; }
  PciBus& pci_bus() { return *pci_bus_; }
  ApicBus& apic_bus() { return *apic_bus_; }

  LocalApic& local_apic(unsigned cpu) { return *local_apics_[cpu]; }
  /// Connects vCPU `cpu` to its local APIC. To be called for each before the first reset().
  void attach_cpu(unsigned cpu, CpuPort& port);

  /// For optional firmware files (-fw_cfg), before the first reset.
  FwCfg& fw_cfg() { return *fw_cfg_; }
  /// The real-time clock, for `-rtc` and CMOS bytes.
  RtcMc146818& rtc() { return *rtc_; }
  /// ACPI's power button.
  void press_power_button();
  /// FERR#: the CPU met an x87 error with CR0.NE clear.
  void signal_fpu_error();

  /// Adds a device whose properties are set: attaches it to a bus of the kind it wants (the only
  /// one or `bus`), realizes it and keeps it. Errors: no such bus or slot, the device's own.
  util::Status add_device(std::unique_ptr<core::Device> device, std::string_view bus = "");
  const std::vector<std::unique_ptr<core::Device>>& devices() const { return devices_; }
  /// Ends all devices, built-in ones too: to be called before the vCPUs and the accelerator end.
  void remove_devices();

  /// Resets all devices and, for a directly loaded kernel, puts it into memory again. The vCPUs
  /// have to be stopped; afterwards the caller resets them, and starts the first at the entry that
  /// this returns, if any. Errors: the kernel's files have become unreadable.
  util::Result<std::optional<BootEntry>> reset();

  void save(core::StateWriter& writer) const;
  /// Errors leave the machine to be reset.
  util::Status load(const core::StateReader& reader);

 private:
  PcMachine(PcConfig config, std::unique_ptr<PcMemory> memory, core::RunControl& run_control,
            util::EventLoop& loop, core::BackendResolver& backends);

  template <class T>
  util::Result<T*> add(std::unique_ptr<T> device) {
    T* const added = device.get();
    VIREO_TRY(add_device(std::move(device)));
    return added;
  }
  util::Status build();
  util::Status add_host_bridge();
  util::Status add_flash();
  util::Status add_interrupt_controllers();
  util::Status add_south_bridge();
  util::Status add_isa_devices();
  util::Status add_timers();
  util::Status add_serial_ports();
  util::Status add_a20_sources();
  util::Status add_firmware_configuration();
  void fill_firmware_configuration(FwCfg& fw_cfg);
  void fill_cmos();
  void describe_floppies(const FloppyController& controller);
  void describe_to_acpi();
  const FloppyController* floppy_controller() const;
  void connect_isa_interrupts();
  void send_msi(uint64_t address, uint32_t data);
  BootMemory place_acpi_tables();

  class A20Gate;
  class SmiLine;

  PcConfig config_;
  std::unique_ptr<PcMemory> memory_;
  core::Region port_root_;
  core::AddressSpace memory_space_;
  core::AddressSpace smm_space_;
  core::AddressSpace port_space_;
  core::GuestClock clock_;
  core::TimerQueue timers_;
  core::Environment environment_;
  std::unique_ptr<DirectBoot> direct_boot_;
  I440fxHost* host_ = nullptr;
  I440fxBridge* bridge_ = nullptr;
  PciBus* pci_bus_ = nullptr;
  IsaBus* isa_bus_ = nullptr;
  Pic8259Pair* pic_ = nullptr;
  ApicBus* apic_bus_ = nullptr;
  IoApic* io_apic_ = nullptr;
  Piix4Pm* power_ = nullptr;
  PiixIde* ide_ = nullptr;
  RtcMc146818* rtc_ = nullptr;
  FwCfg* fw_cfg_ = nullptr;
  I8042* keyboard_ = nullptr;
  FpuErrorLatch* fpu_error_ = nullptr;
  std::unique_ptr<A20Gate> a20_gate_;
  std::unique_ptr<SmiLine> smi_line_;
  std::unique_ptr<AcpiTables> acpi_tables_;
  std::vector<LocalApic*> local_apics_;
  std::vector<core::Bus*> buses_;
  std::vector<std::unique_ptr<core::Device>> devices_;
};

}  // namespace vireo::hw
