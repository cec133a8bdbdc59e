#pragma once

#include <array>
#include <cstdint>

#include "core/clock/timer.h"
#include "core/device/description.h"

namespace vireo::hw {

/// A high precision event timer block of three timers and a 64-bit counter at 100 MHz (IA-PC HPET
/// specification 1.0a). Outputs "irq" are the I/O APIC's inputs 0 to 23; "legacy" tells the board
/// to cut the 8254 off while legacy replacement is on.
class Hpet final : public core::Device {
 public:
  static constexpr uint64_t kBase = 0xfed00000;
  static constexpr uint32_t kBlockId = 0x8086a201;

  static void describe(core::Description<Hpet>& d);

 protected:
  util::Status on_realize() override;
  void on_unrealize() override;
  void on_reset() override;
  void sync_outputs() override;

 private:
  static constexpr unsigned kTimers = 3;
  static constexpr unsigned kInputs = 24;

  struct TimerRegs {
    uint64_t configuration = 0;
    uint64_t comparator = ~uint64_t{0};
    uint64_t period = 0;
    bool setting_value = false;  // the next comparator write sets the value, not the period
  };
  struct Regs {
    uint64_t configuration = 0;
    uint64_t status = 0;
    uint64_t counter = 0;  // while stopped
    int64_t start_ns = 0;  // when the counter was 0, while it runs
    std::array<TimerRegs, kTimers> timers;
  };

  bool running() const { return regs_.configuration & 1; }
  bool legacy() const { return regs_.configuration & 2; }
  uint64_t counter() const;
  unsigned route(unsigned index) const;
  uint64_t mask(const TimerRegs& timer) const;
  void arm(unsigned index);
  void expired(unsigned index);
  void update_lines();
  uint64_t read_register(uint64_t offset) const;
  void write_register(uint64_t offset, uint64_t value, uint64_t written);
  void write_configuration(uint64_t value);
  void write_timer(unsigned index, unsigned offset, uint64_t value);
  uint64_t read(uint64_t offset, unsigned width);
  void write(uint64_t offset, unsigned width, uint64_t value);

  std::array<core::IrqLine, kInputs> irqs_;
  core::IrqLine legacy_;
  std::array<core::Timer, kTimers> timers_;
  Regs regs_;
};

}  // namespace vireo::hw
