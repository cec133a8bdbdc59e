#pragma once

#include <cstdint>

#include "core/clock/timer.h"
#include "hw/pci/pci_device.h"

namespace vireo::hw {

/// The 82371AB PIIX4's power management function (Intel data sheet 290562, chapter 11): ACPI fixed
/// hardware (ACPI 6.4, 4.8), the APM ports that switch it on and raise SMIs, and an SMBus host
/// without slaves.
class Piix4Pm final : public PciDevice {
 public:
  /// Where firmware puts the registers, and the values that the FADT and DSDT tell.
  static constexpr uint16_t kUsualBase = 0x600;
  static constexpr uint16_t kUsualSmbusBase = 0x700;
  static constexpr uint16_t kSmiCommandPort = 0xb2;
  static constexpr uint8_t kAcpiEnable = 0xf1;
  static constexpr uint8_t kAcpiDisable = 0xf0;
  static constexpr unsigned kSciIrq = 9;
  static constexpr uint8_t kSleepTypeS5 = 0;
  static constexpr uint8_t kSleepTypeS3 = 1;
  static constexpr uint8_t kSleepTypeS4 = 2;
  static constexpr int64_t kTimerHz = 3'579'545;

  static void describe(core::Description<Piix4Pm>& d);
  Piix4Pm();

  void press_power_button();
  /// Where firmware has put the ACPI registers; kUsualBase if it has not yet.
  uint16_t base() const;
  /// What firmware would do before it starts a kernel: registers at kUsualBase.
  void place_registers();

 protected:
  util::Status on_pci_realize() override;
  void on_pci_unrealize() override { timer_.cancel(); }
  void on_pci_reset() override { regs_.timer_wraps = timer_ticks() >> 23; }
  void sync_pci_outputs() override;
  void config_written(uint8_t offset, unsigned width) override;

 private:
  struct Regs {
    uint16_t status = 0;
    uint16_t enable = 0;
    uint16_t control = 0;
    uint16_t event_status = 0;  // GPE0
    uint16_t event_enable = 0;
    uint8_t apm_control = 0;
    uint8_t apm_status = 0;
    uint64_t timer_wraps = 0;  // changes of the timer's bit 23 seen so far
    uint8_t smbus_status = 0;
    uint8_t smbus_control = 0;
    uint8_t smbus_command = 0;
    uint8_t smbus_address = 0;
    uint8_t smbus_data0 = 0;
    uint8_t smbus_data1 = 0;
    uint32_t global_status = 0;
    uint32_t global_control = 0;
  };

  uint64_t timer_ticks() const;
  void update_timer_status();
  void write_control(uint16_t value);

  uint64_t read_pm(uint64_t offset, unsigned width);
  void write_pm(uint64_t offset, unsigned width, uint64_t value);
  uint64_t read_apm(uint64_t offset, unsigned width);
  void write_apm(uint64_t offset, unsigned width, uint64_t value);
  uint64_t read_smbus(uint64_t offset, unsigned width);
  void write_smbus(uint64_t offset, unsigned width, uint64_t value);

  bool smm_enabled_ = true;
  core::IrqLine sci_;
  core::IrqLine smi_;
  core::Timer timer_;
  Regs regs_;
};

}  // namespace vireo::hw
