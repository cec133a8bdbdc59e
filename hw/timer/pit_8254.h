#pragma once

#include <array>
#include <cstdint>

#include "core/clock/timer.h"
#include "core/device/description.h"

namespace vireo::hw {

/// The 8254 interval timer of a PC with port 61h, which gates counter 2 (Intel 8254 data sheet
/// 231164). Output "irq" is counter 0's; input "disable"
/// keeps it low.
class Pit8254 final : public core::Device {
 public:
  static constexpr int64_t kHz = 1'193'182;

  static void describe(core::Description<Pit8254>& d);

 protected:
  util::Status on_realize() override;
  void on_unrealize() override { timer_.cancel(); }
  void on_reset() override;
  void sync_outputs() override;

 private:
  struct Counter {
    uint32_t reload = 0x10000;  // 1 to 10000h, in binary
    int64_t start_ns = 0;       // when the counting element was loaded
    uint8_t mode = 3;
    uint8_t access = 3;  // RW1:RW0 of the control word
    bool bcd = false;
    bool gate = true;
    bool null_count = false;
    bool loaded = false;     // a count was written since the control word
    bool triggered = false;  // modes 1 and 5: a rising gate started it
    bool high_byte_next_write = false;
    bool high_byte_next_read = false;
    uint8_t low_byte = 0;  // first half of a count being written
    bool status_latched = false;
    uint8_t status = 0;
    uint8_t latched_bytes = 0;  // how many bytes of `latch` are still to be read
    uint16_t latch = 0;
  };
  struct Regs {
    std::array<Counter, 3> counters;
    uint8_t port61 = 0;
    bool disabled = false;
  };

  static int64_t ticks_between(int64_t start_ns, int64_t now_ns);
  int64_t ticks(const Counter& counter) const;
  bool running(const Counter& counter) const;
  bool output(const Counter& counter) const;
  uint16_t count(const Counter& counter) const;
  /// The next time at which the output changes, or -1.
  int64_t next_change_ns(const Counter& counter) const;

  void set_disabled(unsigned, bool disabled);
  void output_changed();
  void write_control(uint8_t value);
  void read_back(uint8_t value);
  void latch_count(Counter& counter);
  void load(Counter& counter, uint16_t value);
  void set_gate(Counter& counter, bool level);
  uint8_t read_counter(Counter& counter);
  void write_counter(Counter& counter, uint8_t value);
  uint64_t read(uint64_t offset, unsigned width);
  void write(uint64_t offset, unsigned width, uint64_t value);
  uint64_t read_port61(uint64_t offset, unsigned width);
  void write_port61(uint64_t offset, unsigned width, uint64_t value);

  core::IrqLine irq_;
  core::Timer timer_;
  Regs regs_;
};

}  // namespace vireo::hw
