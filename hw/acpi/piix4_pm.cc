// The PIIX4's power management function.

#include "hw/acpi/piix4_pm.h"

#include "core/clock/guest_clock.h"
#include "core/run_control.h"

namespace vireo::hw {
namespace {

using core::field;

// Configuration registers.
constexpr unsigned kBase = 0x40;
constexpr unsigned kDeviceActivityB = 0x58;
constexpr uint32_t kApmcEnable = 1u << 25;
constexpr unsigned kMiscellaneous = 0x80;
constexpr unsigned kSmbusBase = 0x90;
constexpr unsigned kSmbusConfiguration = 0xd2;

// Offsets of the I/O registers.
enum PmRegister : unsigned {
  kStatus = 0,
  kEnable = 2,
  kControl = 4,
  kTimer = 8,
  kEventStatus = 12,
  kEventEnable = 14,
  kGlobalStatus = 24,
  kGlobalControl = 40,
  kPmSize = 64,
};
enum StatusBit : uint16_t { kTimerCarry = 1, kPowerButton = 0x100, kWake = 0x8000 };
constexpr uint16_t kStatusBits = 0x8d31;
constexpr uint16_t kEnableBits = 0x0521;
enum ControlBit : uint16_t { kSciEnable = 1, kSleepEnable = 0x2000 };
constexpr uint16_t kControlBits = 0x1c07;
constexpr uint32_t kApmStatus = 1u << 5;             // of the global status
constexpr uint32_t kGlobalControlBits = 0x0701ffff;  // SMI_EN, EOS, the inactivity timer

enum SmbusRegister : unsigned {
  kHostStatus = 0,
  kHostControl = 2,
  kHostCommand = 3,
  kHostAddress = 4,
  kHostData0 = 5,
  kHostData1 = 6,
  kSmbusSize = 16,
};
constexpr uint8_t kSmbusDeviceError = 4;
constexpr uint8_t kSmbusStart = 0x40;

constexpr int64_t kNsPerSecond = 1'000'000'000;

}  // namespace

void Piix4Pm::describe(core::Description<Piix4Pm>& d) {
  d.type("PIIX4_PM", "82371AB power management");
  d.user_creatable(false);
  describe_pci(d);
  d.property("smm-enabled", &Piix4Pm::smm_enabled_,
             "off: firmware finds system-management mode set up, and leaves it alone");
  d.interrupt("sci", &Piix4Pm::sci_);
  d.interrupt("smi", &Piix4Pm::smi_);
  d.region("pm", core::Space::ports, kPmSize, &Piix4Pm::read_pm, &Piix4Pm::write_pm,
           {.implemented_max = 4});
  d.region("apm", core::Space::ports, 2, &Piix4Pm::read_apm, &Piix4Pm::write_apm,
           {.implemented_max = 1});
  d.region("smbus", core::Space::ports, kSmbusSize, &Piix4Pm::read_smbus, &Piix4Pm::write_smbus,
           {.implemented_max = 1});
  d.state(&Piix4Pm::regs_, 2, field("status", &Regs::status), field("enable", &Regs::enable),
          field("control", &Regs::control), field("event-status", &Regs::event_status),
          field("event-enable", &Regs::event_enable), field("apm-control", &Regs::apm_control),
          field("apm-status", &Regs::apm_status), field("timer-wraps", &Regs::timer_wraps),
          field("smbus-status", &Regs::smbus_status), field("smbus-control", &Regs::smbus_control),
          field("smbus-command", &Regs::smbus_command),
          field("smbus-address", &Regs::smbus_address), field("smbus-data0", &Regs::smbus_data0),
          field("smbus-data1", &Regs::smbus_data1),
          field("global-status", &Regs::global_status).since(2),
          field("global-control", &Regs::global_control).since(2));
}

Piix4Pm::Piix4Pm() {
  set_identity({.vendor = 0x8086,
                .device = 0x7113,
                .class_code = 0x068000,
                .revision = 3,
                .interrupt_pin = 1});
  set_default_address("01.3");
  set_config<uint16_t>(kPciStatus, 0x0280);
  set_config<uint32_t>(kBase, 1);
  set_writable(kBase, 4, 0xffc0);
  set_writable(kDeviceActivityB, 4, 0xffffffff);
  set_writable(kMiscellaneous, 1, 1);
  set_config<uint32_t>(kSmbusBase, 1);
  set_writable(kSmbusBase, 4, 0xfff0);
  set_writable(kSmbusConfiguration, 1, 0x0f);
}

util::Status Piix4Pm::on_pci_realize() {
  timer_.attach(environment().timers, [this] {
    update_timer_status();
    sync_pci_outputs();
  });
  map_region("apm", kSmiCommandPort);
  if (!smm_enabled_) set_config<uint32_t>(kDeviceActivityB, kApmcEnable);
  return {};
}

uint16_t Piix4Pm::base() const {
  const uint16_t base = config_value<uint16_t>(kBase) & 0xffc0;
  return (config_value<uint8_t>(kMiscellaneous) & 1) && base != 0 ? base : kUsualBase;
}

void Piix4Pm::place_registers() {
  set_config<uint32_t>(kBase, kUsualBase | 1);
  set_config<uint8_t>(kMiscellaneous, 1);
  set_config<uint32_t>(kSmbusBase, kUsualSmbusBase | 1);
  set_config<uint8_t>(kSmbusConfiguration, 9);
  set_config<uint8_t>(kPciInterruptLine, kSciIrq);
  sync_pci_outputs();
}

void Piix4Pm::sync_pci_outputs() {
  const auto place = [this](const char* region, bool enabled, uint16_t base) {
    enabled&& base != 0 ? map_region(region, base) : unmap_region(region);
  };
  place("pm", config_value<uint8_t>(kMiscellaneous) & 1, config_value<uint16_t>(kBase) & 0xffc0);
  place("smbus", config_value<uint8_t>(kSmbusConfiguration) & 1,
        config_value<uint16_t>(kSmbusBase) & 0xfff0);

  const bool fixed = (regs_.status & regs_.enable & kEnableBits) != 0;
  const bool general = (regs_.event_status & regs_.event_enable) != 0;
  sci_.set((regs_.control & kSciEnable) && (fixed || general));
  int64_t next = -1;
  if ((regs_.enable & kTimerCarry) && !(regs_.status & kTimerCarry)) {
    const auto ticks = static_cast<__int128>((regs_.timer_wraps + 1) << 23);
    next = static_cast<int64_t>((ticks * kNsPerSecond + kTimerHz - 1) / kTimerHz);
  }
  timer_.arm(next);
}

void Piix4Pm::config_written(uint8_t offset, unsigned) {
  if (offset >= kBase) sync_pci_outputs();
}

uint64_t Piix4Pm::timer_ticks() const {
  const auto now = static_cast<unsigned __int128>(environment().clock.now_ns());
  return static_cast<uint64_t>(now * kTimerHz / kNsPerSecond);
}

// The status bit is set whenever bit 23 of the timer changes.
void Piix4Pm::update_timer_status() {
  const uint64_t wraps = timer_ticks() >> 23;
  if (wraps != regs_.timer_wraps) regs_.status |= kTimerCarry;
  regs_.timer_wraps = wraps;
}

void Piix4Pm::press_power_button() {
  regs_.status |= kPowerButton;
  sync_pci_outputs();
}

void Piix4Pm::write_control(uint16_t value) {
  regs_.control = value & kControlBits;
  if (!(value & kSleepEnable)) return;
  core::RunControl& run_control = environment().run_control;
  switch ((value >> 10) & 7) {
    case kSleepTypeS5:
    case kSleepTypeS4:
      run_control.request_shutdown(core::ShutdownCause::guest_request);
      break;
    case kSleepTypeS3:
      regs_.status |= kWake;
      run_control.request_suspend();
      break;
    default:
      break;
  }
}

uint64_t Piix4Pm::read_pm(uint64_t offset, unsigned width) {
  update_timer_status();
  const auto words = [&](uint16_t low, uint16_t high) {
    return (uint64_t{high} << 16 | low) >> 8 * (offset & 3);
  };
  switch (offset & ~uint64_t{3}) {
    case kStatus:
      return words(regs_.status, regs_.enable);
    case kControl:
      return words(regs_.control, 0);
    case kTimer:
      return (timer_ticks() & 0xffffff) >> 8 * (offset & 3);
    case kEventStatus:
      return words(regs_.event_status, regs_.event_enable);
    case kGlobalStatus:
      return regs_.global_status >> 8 * (offset & 3);
    case kGlobalControl:
      return regs_.global_control >> 8 * (offset & 3);
    default:
      return 0;
  }
}

void Piix4Pm::write_pm(uint64_t offset, unsigned width, uint64_t value) {
  // Doublewords are two registers; a byte changes its half of one.
  if (width == 4) {
    write_pm(offset, 2, value & 0xffff);
    return write_pm(offset + 2, 2, value >> 16);
  }
  const auto word = static_cast<uint16_t>(offset & 1 ? value << 8 : value);
  const uint16_t touched = width == 2 ? 0xffff : offset & 1 ? 0xff00 : 0x00ff;
  const auto merge = [&](uint16_t old) {
    return static_cast<uint16_t>((old & ~touched) | (word & touched));
  };
  update_timer_status();
  switch (offset & ~uint64_t{1}) {
    case kStatus:
      regs_.status &= ~(word & kStatusBits);
      break;
    case kEnable:
      regs_.enable = merge(regs_.enable) & kEnableBits;
      break;
    case kControl:
      write_control(merge(regs_.control));
      break;
    case kEventStatus:
      regs_.event_status &= ~word;
      break;
    case kEventEnable:
      regs_.event_enable = merge(regs_.event_enable);
      break;
    case kGlobalStatus:
      regs_.global_status &= ~uint32_t{word};
      break;
    case kGlobalControl:
    case kGlobalControl + 2: {
      const unsigned shift = 8 * (offset & 2);
      const uint32_t merged = merge(static_cast<uint16_t>(regs_.global_control >> shift));
      regs_.global_control &= ~(0xffffu << shift);
      regs_.global_control |= merged << shift & kGlobalControlBits;
      break;
    }
    default:
      break;
  }
  sync_pci_outputs();
}

uint64_t Piix4Pm::read_apm(uint64_t offset, unsigned) {
  return offset == 0 ? regs_.apm_control : regs_.apm_status;
}

// Firmware would switch ACPI on and off in the SMI that writing the control port raises; SeaBIOS
// expects that this is done for it. The data sheet's SMI_EN and EOS do not hold SMIs back, since
// there are versions of SeaBIOS that set neither.
void Piix4Pm::write_apm(uint64_t offset, unsigned, uint64_t value) {
  if (offset == 1) {
    regs_.apm_status = static_cast<uint8_t>(value);
    return;
  }
  regs_.apm_control = static_cast<uint8_t>(value);
  if (value == kAcpiEnable) regs_.control |= kSciEnable;
  if (value == kAcpiDisable) regs_.control &= ~kSciEnable;
  sync_pci_outputs();
  if (!smm_enabled_ || !(config_value<uint32_t>(kDeviceActivityB) & kApmcEnable)) return;
  regs_.global_status |= kApmStatus;
  smi_.pulse();
}

uint64_t Piix4Pm::read_smbus(uint64_t offset, unsigned) {
  switch (offset) {
    case kHostStatus:
      return regs_.smbus_status;
    case kHostControl:
      return regs_.smbus_control;
    case kHostCommand:
      return regs_.smbus_command;
    case kHostAddress:
      return regs_.smbus_address;
    case kHostData0:
      return regs_.smbus_data0;
    case kHostData1:
      return regs_.smbus_data1;
    default:
      return 0;
  }
}

void Piix4Pm::write_smbus(uint64_t offset, unsigned, uint64_t value) {
  const auto byte = static_cast<uint8_t>(value);
  switch (offset) {
    case kHostStatus:
      regs_.smbus_status &= ~byte;
      break;
    case kHostControl:
      regs_.smbus_control = byte & 0x1f;
      // No slave acknowledges.
      if (byte & kSmbusStart) regs_.smbus_status |= kSmbusDeviceError;
      break;
    case kHostCommand:
      regs_.smbus_command = byte;
      break;
    case kHostAddress:
      regs_.smbus_address = byte;
      break;
    case kHostData0:
      regs_.smbus_data0 = byte;
      break;
    case kHostData1:
      regs_.smbus_data1 = byte;
      break;
    default:
      break;
  }
}

REGISTER_DEVICE(Piix4Pm);

}  // namespace vireo::hw
