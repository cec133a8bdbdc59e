// The local APIC's timer: one-shot, periodic and TSC-deadline mode (SDM volume 3, 11.5.4).

#include <algorithm>

#include "core/clock/guest_clock.h"
#include "hw/intc/cpu_port.h"
#include "hw/intc/local_apic.h"

namespace vireo::hw {
namespace {

enum TimerMode : unsigned { kOneShot = 0, kPeriodic = 1, kDeadline = 2 };
// Faster periodic timers would leave the guest no time between its interrupts.
constexpr int64_t kShortestPeriodNs = 10'000;
static_assert(LocalApic::kTimerHz == 1'000'000'000, "a tick is a nanosecond here");

}  // namespace

int64_t LocalApic::timer_divisor() const {
  const unsigned code = (regs_.divide_configuration & 3) | ((regs_.divide_configuration >> 1) & 4);
  return code == 7 ? 1 : int64_t{2} << code;
}

int64_t LocalApic::timer_period_ns() const { return regs_.initial_count * timer_divisor(); }

uint32_t LocalApic::current_count() const {
  if (regs_.initial_count == 0 || timer_mode() == kDeadline) return 0;
  const int64_t ticks = (environment().clock.now_ns() - regs_.timer_start_ns) / timer_divisor();
  if (timer_mode() == kPeriodic) {
    return static_cast<uint32_t>(regs_.initial_count - ticks % regs_.initial_count);
  }
  return static_cast<uint32_t>(std::max<int64_t>(0, regs_.initial_count - ticks));
}

void LocalApic::start_timer() {
  regs_.timer_start_ns = environment().clock.now_ns();
  regs_.timer_next_ns = -1;
  if (timer_mode() != kDeadline && regs_.initial_count != 0) {
    int64_t period = timer_period_ns();
    if (timer_mode() == kPeriodic) period = std::max(period, kShortestPeriodNs);
    regs_.timer_next_ns = regs_.timer_start_ns + period;
  }
  timer_.arm(regs_.timer_next_ns);
}

void LocalApic::set_tsc_deadline(uint64_t tsc) {
  if (timer_mode() != kDeadline || cpu_ == nullptr) return;
  regs_.tsc_deadline = tsc;
  regs_.timer_next_ns = tsc == 0 ? -1 : std::max<int64_t>(0, cpu_->time_of_tsc(tsc));
  if (regs_.timer_next_ns >= 0 && regs_.timer_next_ns <= environment().clock.now_ns()) {
    return timer_expired();
  }
  timer_.arm(regs_.timer_next_ns);
}

void LocalApic::timer_expired() {
  const int64_t now = environment().clock.now_ns();
  if (timer_mode() == kPeriodic && regs_.initial_count != 0) {
    const int64_t period = std::max(timer_period_ns(), kShortestPeriodNs);
    // Periods that were missed while nothing ran are one interrupt.
    const int64_t missed = (now - regs_.timer_next_ns) / period;
    regs_.timer_next_ns += (missed + 1) * period;
  } else {
    regs_.timer_next_ns = -1;
    regs_.tsc_deadline = 0;
  }
  timer_.arm(regs_.timer_next_ns);
  trigger_lvt(kLvtTimer);
}

}  // namespace vireo::hw
