#pragma once

#include <array>
#include <cstdint>

#include "core/clock/timer.h"
#include "core/device/description.h"

namespace vireo::hw {

/// The MC146818 real-time clock with 128 bytes of battery-backed RAM (Motorola MC146818A data
/// sheet; 82371SB data sheet for the upper bank) behind ports 70h and 71h. Byte 32h is the century.
class RtcMc146818 final : public core::Device {
 public:
  static void describe(core::Description<RtcMc146818>& d);

  /// The time of day that the clock shows at the guest clock's present, in seconds since 1970 of
  /// the zone it keeps. For the machine, after realize; battery-backed from then on.
  void set_time(int64_t seconds);
  /// RAM bytes from 0eh on, for the machine.
  void set_cmos(uint8_t index, uint8_t value);
  uint8_t cmos(uint8_t index) const { return regs_.cmos[index & 0x7f]; }

 protected:
  util::Status on_realize() override;
  void on_unrealize() override { timer_.cancel(); }
  void on_reset() override;
  void sync_outputs() override;

 private:
  struct Regs {
    std::array<uint8_t, 128> cmos{};
    uint8_t index = 0;
    int64_t offset_ns = 0;    // clock time minus guest time; UTC or local time, as the guest likes
    int64_t periodic_ns = 0;  // up to when periods and updates were looked at
    int64_t checked_ns = 0;
  };

  int64_t now_ns() const;
  int64_t clock_ns() const { return now_ns() + regs_.offset_ns; }
  bool updates() const;
  int64_t period_ns() const;
  uint8_t encode(int value) const;
  int decode(uint8_t value) const;
  uint8_t encode_hour(int hour) const;
  int decode_hour(uint8_t value) const;
  void show_time(int64_t seconds);
  int64_t shown_time() const;
  bool alarm_matches(int64_t seconds) const;
  bool alarm_between(int64_t after, int64_t until) const;
  void collect_events();
  void timer_expired();
  int64_t next_event_ns() const;

  uint8_t read_index() const { return 0xff; }
  void write_index(uint8_t value) { regs_.index = value & 0x7f; }
  uint8_t read_data();
  void write_data(uint8_t value);
  void write_register_b(uint8_t value);
  void write_time(unsigned index, uint8_t value);

  core::IrqLine irq_;
  core::Timer timer_;
  Regs regs_;
};

}  // namespace vireo::hw
