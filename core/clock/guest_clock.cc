// Guest time: the host's monotonic clock plus a base while running, the base alone while stopped.
#include "core/clock/guest_clock.h"

#include <chrono>

#include "util/async/event_loop.h"

namespace vireo::core {

int64_t host_utc_ns() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count();
}

int64_t GuestClock::now_ns() const {
  while (true) {
    const uint32_t before = sequence_.load(std::memory_order_acquire);
    const bool running = running_.load(std::memory_order_relaxed);
    const int64_t base = base_.load(std::memory_order_relaxed);
    const int64_t now = running ? util::host_monotonic_ns() + base : base;
    std::atomic_thread_fence(std::memory_order_acquire);
    if ((before & 1) == 0 && sequence_.load(std::memory_order_relaxed) == before) return now;
  }
}

bool GuestClock::running() const { return running_.load(std::memory_order_relaxed); }

void GuestClock::start() {
  if (!running()) store(true, now_ns() - util::host_monotonic_ns());
}

void GuestClock::stop() {
  if (running()) store(false, now_ns());
}

void GuestClock::set_ns(int64_t now_ns) {
  store(running(), running() ? now_ns - util::host_monotonic_ns() : now_ns);
}

void GuestClock::store(bool running, int64_t base) {
  sequence_.fetch_add(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  running_.store(running, std::memory_order_relaxed);
  base_.store(base, std::memory_order_relaxed);
  sequence_.fetch_add(1, std::memory_order_release);
}

}  // namespace vireo::core
