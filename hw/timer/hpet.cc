// The high precision event timer: counter, comparators, legacy replacement.

#include "hw/timer/hpet.h"

#include <algorithm>

#include "core/clock/guest_clock.h"

namespace vireo::hw {
namespace {

using core::field;

constexpr int64_t kTickNs = 10;
constexpr uint64_t kCapabilities = uint64_t{10'000'000} << 32 | Hpet::kBlockId;
constexpr int kPriority = 10;
constexpr int64_t kShortestNs = 10'000;

enum Register : uint64_t {
  kId = 0x000,
  kConfiguration = 0x010,
  kStatus = 0x020,
  kCounter = 0x0f0,
  kTimerBase = 0x100,
  kTimerSize = 0x020,
};
enum TimerBit : uint64_t {
  kLevel = 1u << 1,
  kEnable = 1u << 2,
  kPeriodic = 1u << 3,
  kPeriodicCapable = 1u << 4,
  k64BitCapable = 1u << 5,
  kSetValue = 1u << 6,
  k32Bit = 1u << 8,
};
constexpr uint64_t kTimerWritable =
    kLevel | kEnable | kPeriodic | kSetValue | k32Bit | uint64_t{0x1f} << 9;
// Timers may be routed to inputs 2, 8 and 16 to 23.
constexpr uint64_t kRoutes = 0x00ff0104;

}  // namespace

void Hpet::describe(core::Description<Hpet>& d) {
  d.type("hpet", "high precision event timer");
  d.user_creatable(false);
  d.interrupt("irq", &Hpet::irqs_);
  d.interrupt("legacy", &Hpet::legacy_);
  d.region("registers", core::Space::memory, 0x400, &Hpet::read, &Hpet::write,
           {.implemented_min = 4, .implemented_max = 8});
  d.state(&Hpet::regs_, 1, field("configuration", &Regs::configuration),
          field("status", &Regs::status), field("counter", &Regs::counter),
          field("start-ns", &Regs::start_ns).min(INT64_MIN / 2).max(INT64_MAX / 2),
          field("timers", &Regs::timers, field("configuration", &TimerRegs::configuration),
                field("comparator", &TimerRegs::comparator), field("period", &TimerRegs::period),

                field("setting-value", &TimerRegs::setting_value)));
}

util::Status Hpet::on_realize() {
  for (unsigned i = 0; i < kTimers; ++i) {
    timers_[i].attach(environment().timers, [this, i] { expired(i); });
  }
  map_region("registers", kBase, kPriority);
  return {};
}

void Hpet::on_unrealize() {
  for (core::Timer& timer : timers_) timer.cancel();
}

void Hpet::on_reset() {
  for (TimerRegs& timer : regs_.timers) {
    timer.configuration = kRoutes << 32 | kPeriodicCapable | k64BitCapable;
  }
}

void Hpet::sync_outputs() {
  legacy_.set(legacy());
  update_lines();
  for (unsigned i = 0; i < kTimers; ++i) arm(i);
}

uint64_t Hpet::counter() const {
  if (!running()) return regs_.counter;
  return static_cast<uint64_t>((environment().clock.now_ns() - regs_.start_ns) / kTickNs);
}

// Legacy replacement takes the places of the 8254 (input 2) and the RTC (input 8).
unsigned Hpet::route(unsigned index) const {
  if (legacy() && index < 2) return index == 0 ? 2 : 8;
  return (regs_.timers[index].configuration >> 9) & 0x1f;
}

uint64_t Hpet::mask(const TimerRegs& timer) const {
  return timer.configuration & k32Bit ? 0xffffffff : ~uint64_t{0};
}

void Hpet::arm(unsigned index) {
  const TimerRegs& timer = regs_.timers[index];
  if (!running() || !(timer.configuration & kEnable)) return timers_[index].cancel();
  const uint64_t width = mask(timer);
  const uint64_t distance = (timer.comparator - counter()) & width;
  constexpr uint64_t kFar = uint64_t{1} << 58;
  const int64_t wait = static_cast<int64_t>(std::min(distance, kFar)) * kTickNs;
  const int64_t shortest = timer.configuration & kPeriodic ? kShortestNs : 0;
  timers_[index].arm(environment().clock.now_ns() + std::max(wait, shortest));
}

void Hpet::expired(unsigned index) {
  TimerRegs& timer = regs_.timers[index];
  if (timer.configuration & kPeriodic) {
    if (timer.period != 0) {
      const uint64_t behind = (counter() - timer.comparator) & mask(timer);
      timer.comparator =
          (timer.comparator + (behind / timer.period + 1) * timer.period) & mask(timer);
      arm(index);
    }
  }
  if (timer.configuration & kLevel) {
    regs_.status |= uint64_t{1} << index;
    return update_lines();
  }
  const unsigned input = route(index);
  if (input < kInputs) irqs_[input].pulse();
}

void Hpet::update_lines() {
  uint32_t levels = 0;
  for (unsigned i = 0; i < kTimers; ++i) {
    const bool asserted = (regs_.status >> i & 1) && (regs_.timers[i].configuration & kEnable);
    if (asserted && route(i) < kInputs) levels |= 1u << route(i);
  }
  for (unsigned input = 0; input < kInputs; ++input) {
    const bool level = (levels >> input) & 1;
    if (irqs_[input].level() != level) irqs_[input].set(level);
  }
}

uint64_t Hpet::read_register(uint64_t offset) const {
  switch (offset) {
    case kId:
      return kCapabilities | uint64_t{kTimers - 1} << 8 | 1u << 13 | 1u << 15;
    case kConfiguration:
      return regs_.configuration;
    case kStatus:
      return regs_.status;
    case kCounter:
      return counter();
    default:
      break;
  }
  const uint64_t index = (offset - kTimerBase) / kTimerSize;
  if (offset < kTimerBase || index >= kTimers) return 0;
  const TimerRegs& timer = regs_.timers[index];
  switch (offset % kTimerSize) {
    case 0x00:
      return timer.configuration;
    case 0x08:
      return timer.comparator;
    default:
      return 0;
  }
}

void Hpet::write_configuration(uint64_t value) {
  const bool was_running = running();
  const uint64_t present = counter();
  regs_.configuration = value & 3;
  if (was_running && !running()) regs_.counter = present;
  if (!was_running && running()) {
    // A counter beyond what guest time can express starts over.
    const auto ticks = std::min<uint64_t>(regs_.counter, uint64_t{1} << 58);
    regs_.start_ns = environment().clock.now_ns() - static_cast<int64_t>(ticks) * kTickNs;
  }
  sync_outputs();
}

void Hpet::write_timer(unsigned index, unsigned offset, uint64_t value) {
  TimerRegs& timer = regs_.timers[index];
  if (offset == 0x00) {
    timer.configuration =
        (timer.configuration & ~kTimerWritable) | (value & kTimerWritable & ~uint64_t{kSetValue});
    timer.setting_value = value & kSetValue;
    if (timer.configuration & k32Bit) {
      timer.comparator &= 0xffffffff;
      timer.period &= 0xffffffff;
    }
  } else if (offset == 0x08) {
    value &= mask(timer);
    // In periodic mode the accumulator is only written right after SET_VALUE.
    if (!(timer.configuration & kPeriodic) || timer.setting_value) timer.comparator = value;
    if (timer.configuration & kPeriodic) timer.period = value;
    timer.setting_value = false;
  }
  update_lines();
  arm(index);
}

// `value` is the whole register with the written bytes replaced; `written` has only those.
void Hpet::write_register(uint64_t offset, uint64_t value, uint64_t written) {
  if (offset == kConfiguration) return write_configuration(value);
  if (offset == kStatus) {
    regs_.status &= ~written;
    return update_lines();
  }
  if (offset == kCounter) {
    if (!running()) regs_.counter = value;
    return;
  }
  const uint64_t index = (offset - kTimerBase) / kTimerSize;
  if (offset < kTimerBase || index >= kTimers) return;
  write_timer(static_cast<unsigned>(index), offset % kTimerSize, value);
}

uint64_t Hpet::read(uint64_t offset, unsigned width) {
  return read_register(offset & ~uint64_t{7}) >> 8 * (offset & 7);
}

void Hpet::write(uint64_t offset, unsigned width, uint64_t value) {
  const uint64_t at = offset & ~uint64_t{7};
  if (width == 8) return write_register(at, value, value);
  const unsigned shift = offset & 4 ? 32 : 0;
  // A 32-bit comparator's upper half is not there.
  const uint64_t others = read_register(at) & ~(uint64_t{0xffffffff} << shift);
  write_register(at, others | value << shift, value << shift);
}

REGISTER_DEVICE(Hpet);

}  // namespace vireo::hw
