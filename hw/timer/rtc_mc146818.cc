// The MC146818 real-time clock. Its time is an offset to guest time; registers are filled when
// read.

#include "hw/timer/rtc_mc146818.h"

#include <algorithm>
#include <chrono>

#include "core/clock/guest_clock.h"
#include "hw/isa/isa_bus.h"

namespace vireo::hw {
namespace {

using core::field;

enum CmosIndex : uint8_t {
  kSeconds,
  kSecondsAlarm,
  kMinutes,
  kMinutesAlarm,
  kHours,
  kHoursAlarm,
  kWeekday,
  kDay,
  kMonth,
  kYear,
  kRegisterA,
  kRegisterB,
  kRegisterC,
  kRegisterD,
  kCentury = 0x32,
};
enum RegisterABit : uint8_t { kUpdateInProgress = 0x80 };
enum RegisterBBit : uint8_t {
  kSet = 0x80,
  kPeriodicEnable = 0x40,
  kAlarmEnable = 0x20,
  kUpdateEnable = 0x10,
  kSquareWave = 0x08,
  kBinary = 0x04,
  k24Hours = 0x02,
};
enum RegisterCBit : uint8_t { kRequest = 0x80, kPeriodic = 0x40, kAlarm = 0x20, kUpdate = 0x10 };

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDaySeconds = 86400;
// UIP rises this long before an update.
constexpr int64_t kUpdateWarningNs = 244'000;
// Alarm bytes from here on match anything.
constexpr uint8_t kDontCare = 0xc0;
// Guest programs have no use for times outside these.
constexpr int64_t kMaxOffsetNs = int64_t{1} << 62;

int64_t floor_div(int64_t value, int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

}  // namespace

void RtcMc146818::describe(core::Description<RtcMc146818>& d) {
  d.type("mc146818rtc", "MC146818 real-time clock and CMOS memory");
  d.bus("isa");
  d.user_creatable(false);
  d.interrupt("irq", &RtcMc146818::irq_);
  d.port(0, "INDEX", &RtcMc146818::read_index, &RtcMc146818::write_index);
  d.port(1, "DATA", &RtcMc146818::read_data, &RtcMc146818::write_data);
  d.state_kept_over_reset(
      "regs", &RtcMc146818::regs_, 1, field("cmos", &Regs::cmos),
      field("index", &Regs::index).max(0x7f),
      field("offset-ns", &Regs::offset_ns)
          .min(-kMaxOffsetNs)
          .max(static_cast<uint64_t>(kMaxOffsetNs)),
      field("periodic-ns", &Regs::periodic_ns).min(0),
      field("checked-ns", &Regs::checked_ns).min(0).max(static_cast<uint64_t>(kMaxOffsetNs)));
}

util::Status RtcMc146818::on_realize() {
  regs_.cmos[kRegisterA] = 0x26;  // 32768 Hz, 1024 Hz periodic rate
  regs_.cmos[kRegisterB] = k24Hours;
  regs_.cmos[kRegisterD] = 0x80;  // the battery is good
  timer_.attach(environment().timers, [this] { timer_expired(); });
  map_ports(0x70);
  return connect_isa_irq(*this, irq_, 8);
}

void RtcMc146818::on_reset() {
  regs_.cmos[kRegisterB] &= ~(kPeriodicEnable | kAlarmEnable | kUpdateEnable | kSquareWave);
  regs_.cmos[kRegisterC] = 0;
}

void RtcMc146818::sync_outputs() {
  irq_.set(regs_.cmos[kRegisterC] & kRequest);
  timer_.arm(next_event_ns());
}

void RtcMc146818::set_time(int64_t seconds) {
  constexpr int64_t kMaxSeconds = kMaxOffsetNs / kSecond;
  regs_.offset_ns = std::clamp(std::clamp(seconds, -kMaxSeconds, kMaxSeconds) * kSecond - now_ns(),
                               -kMaxOffsetNs, kMaxOffsetNs);
  show_time(floor_div(clock_ns(), kSecond));
}

void RtcMc146818::set_cmos(uint8_t index, uint8_t value) {
  if (index > kRegisterD) regs_.cmos[index & 0x7f] = value;
}

int64_t RtcMc146818::now_ns() const { return environment().clock.now_ns(); }

// The divider chain runs (register A's DV bits are 010) and SET does not hold it.
bool RtcMc146818::updates() const {
  return (regs_.cmos[kRegisterA] & 0x70) == 0x20 && !(regs_.cmos[kRegisterB] & kSet);
}

// Table 5 of the data sheet for 32.768 kHz; 0 when off.
int64_t RtcMc146818::period_ns() const {
  unsigned rate = regs_.cmos[kRegisterA] & 0x0f;
  if (rate == 0 || (regs_.cmos[kRegisterA] & 0x70) != 0x20) return 0;
  if (rate <= 2) rate += 7;
  return kSecond * (int64_t{1} << (rate - 1)) / 32768;
}

uint8_t RtcMc146818::encode(int value) const {
  if (regs_.cmos[kRegisterB] & kBinary) return static_cast<uint8_t>(value);
  return static_cast<uint8_t>(value / 10 << 4 | value % 10);
}

int RtcMc146818::decode(uint8_t value) const {
  if (regs_.cmos[kRegisterB] & kBinary) return value;
  return (value >> 4) * 10 + (value & 15);
}

uint8_t RtcMc146818::encode_hour(int hour) const {
  if (regs_.cmos[kRegisterB] & k24Hours) return encode(hour);
  return encode(hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? 0x80 : 0);
}

int RtcMc146818::decode_hour(uint8_t value) const {
  if (regs_.cmos[kRegisterB] & k24Hours) return decode(value);
  return decode(value & 0x7f) % 12 + (value & 0x80 ? 12 : 0);
}

void RtcMc146818::show_time(int64_t seconds) {
  using namespace std::chrono;
  const int64_t days_since_epoch = floor_div(seconds, kDaySeconds);
  const auto second_of_day = static_cast<int>(seconds - days_since_epoch * kDaySeconds);
  const sys_days date{days{days_since_epoch}};
  const year_month_day calendar{date};
  const int full_year = static_cast<int>(calendar.year());
  regs_.cmos[kSeconds] = encode(second_of_day % 60);
  regs_.cmos[kMinutes] = encode(second_of_day / 60 % 60);
  regs_.cmos[kHours] = encode_hour(second_of_day / 3600);
  regs_.cmos[kWeekday] = encode(static_cast<int>(weekday{date}.c_encoding()) + 1);
  regs_.cmos[kDay] = encode(static_cast<int>(static_cast<unsigned>(calendar.day())));
  regs_.cmos[kMonth] = encode(static_cast<int>(static_cast<unsigned>(calendar.month())));
  regs_.cmos[kYear] = encode((full_year % 100 + 100) % 100);
  regs_.cmos[kCentury] = encode(std::max(0, full_year / 100));
}

int64_t RtcMc146818::shown_time() const {
  using namespace std::chrono;
  const auto& cmos = regs_.cmos;
  const int full_year = decode(cmos[kCentury]) * 100 + decode(cmos[kYear]);
  const sys_days month_start{
      year{full_year} / month{static_cast<unsigned>(std::clamp(decode(cmos[kMonth]), 1, 12))} / 1};
  const int64_t day_number = month_start.time_since_epoch().count() + decode(cmos[kDay]) - 1;
  return day_number * kDaySeconds + decode_hour(cmos[kHours]) * 3600 + decode(cmos[kMinutes]) * 60 +
         decode(cmos[kSeconds]);
}

bool RtcMc146818::alarm_matches(int64_t seconds) const {
  const auto second_of_day =
      static_cast<int>(seconds - floor_div(seconds, kDaySeconds) * kDaySeconds);
  const auto matches = [](uint8_t alarm, uint8_t shown) {
    return alarm >= kDontCare || alarm == shown;
  };
  return matches(regs_.cmos[kSecondsAlarm], encode(second_of_day % 60)) &&
         matches(regs_.cmos[kMinutesAlarm], encode(second_of_day / 60 % 60)) &&
         matches(regs_.cmos[kHoursAlarm], encode_hour(second_of_day / 3600));
}

bool RtcMc146818::alarm_between(int64_t after, int64_t until) const {
  // Alarms come back every day.
  for (int64_t second = std::max(after + 1, until - kDaySeconds + 1); second <= until; ++second) {
    if (alarm_matches(second)) return true;
  }
  return false;
}

// Sets the flags of register C for what happened since it was last called.
void RtcMc146818::collect_events() {
  const int64_t now = now_ns();
  uint8_t flags = regs_.cmos[kRegisterC] & ~kRequest;
  if (const int64_t period = period_ns(); period != 0) {
    if (now / period != regs_.periodic_ns / period) flags |= kPeriodic;
  }
  const int64_t before = floor_div(regs_.checked_ns + regs_.offset_ns, kSecond);
  const int64_t present = floor_div(now + regs_.offset_ns, kSecond);
  if (updates() && present > before) {
    flags |= kUpdate;
    if (!(flags & kAlarm) && alarm_between(before, present)) flags |= kAlarm;
  }
  regs_.periodic_ns = now;
  regs_.checked_ns = now;
  constexpr uint8_t kEnables = kPeriodicEnable | kAlarmEnable | kUpdateEnable;
  if (flags & regs_.cmos[kRegisterB] & kEnables) flags |= kRequest;
  regs_.cmos[kRegisterC] = flags;
}

int64_t RtcMc146818::next_event_ns() const {
  const uint8_t enabled = regs_.cmos[kRegisterB];
  const int64_t now = now_ns();
  int64_t next = INT64_MAX;
  if (regs_.cmos[kRegisterC] & kRequest) return -1;  // until register C is read
  if (const int64_t period = period_ns(); (enabled & kPeriodicEnable) && period != 0) {
    next = (now / period + 1) * period;
  }
  if ((enabled & (kAlarmEnable | kUpdateEnable)) && updates()) {
    const int64_t second = (floor_div(clock_ns(), kSecond) + 1) * kSecond - regs_.offset_ns;
    next = std::min(next, second);
  }
  return next == INT64_MAX ? -1 : next;
}

void RtcMc146818::timer_expired() {
  collect_events();
  sync_outputs();
}

uint8_t RtcMc146818::read_data() {
  const unsigned index = regs_.index;
  const bool is_time = index <= kYear && (index > kHoursAlarm || index % 2 == 0);
  if ((is_time || index == kCentury) && updates()) show_time(floor_div(clock_ns(), kSecond));
  if (index == kRegisterA) {
    const int64_t in_second = clock_ns() - floor_div(clock_ns(), kSecond) * kSecond;
    const bool updating = updates() && in_second >= kSecond - kUpdateWarningNs;
    return regs_.cmos[kRegisterA] | (updating ? kUpdateInProgress : 0);
  }
  if (index == kRegisterC) {
    collect_events();
    const uint8_t flags = regs_.cmos[kRegisterC];
    regs_.cmos[kRegisterC] = 0;
    sync_outputs();
    return flags;
  }
  return regs_.cmos[index];
}

void RtcMc146818::write_data(uint8_t value) {
  const unsigned index = regs_.index;
  switch (index) {
    case kSecondsAlarm:
    case kMinutesAlarm:
    case kHoursAlarm:
      collect_events();
      regs_.cmos[index] = value;
      break;
    case kRegisterA:
      collect_events();
      regs_.cmos[kRegisterA] = value & 0x7f;
      sync_outputs();
      break;
    case kRegisterB:
      write_register_b(value);
      break;
    case kRegisterC:
    case kRegisterD:
      break;
    default:
      if (index <= kYear || index == kCentury) {
        write_time(index, value);
      } else {
        regs_.cmos[index] = value;
      }
      break;
  }
}

void RtcMc146818::write_time(unsigned index, uint8_t value) {
  if (!updates()) {
    regs_.cmos[index] = value;
    return;
  }
  show_time(floor_div(clock_ns(), kSecond));
  regs_.cmos[index] = value;
  set_time(shown_time());
}

void RtcMc146818::write_register_b(uint8_t value) {
  collect_events();
  const bool updated = updates();
  if (updated) show_time(floor_div(clock_ns(), kSecond));
  if (value & kSet) value &= ~kUpdateEnable;
  const uint8_t before = regs_.cmos[kRegisterB];
  // Leaving SET, the clock starts from what the registers say in the old or new data mode.
  regs_.cmos[kRegisterB] = value;
  if ((before & kSet) && updates()) set_time(shown_time());
  collect_events();
  sync_outputs();
}

REGISTER_DEVICE(RtcMc146818);

}  // namespace vireo::hw
