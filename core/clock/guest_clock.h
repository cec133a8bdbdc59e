#pragma once

#include <atomic>
#include <cstdint>

namespace vireo::core {

/// The host's idea of UTC, in nanoseconds since 1970; for the RTC's start value and time stamps
/// only.
int64_t host_utc_ns();

/// Guest time in nanoseconds: runs with the host's monotonic clock while the VM runs and stands
/// still while it does not. A new clock is stopped at 0.
class GuestClock {
 public:
  /// Never goes back while running; callable from any thread.
  int64_t now_ns() const;
  bool running() const;

  /// The following need the machine lock.
  void start();
  void stop();
  /// Jumps to `now_ns`, after loading state or (in tests, stopped) to let time pass.
  void set_ns(int64_t now_ns);

 private:
  void store(bool running, int64_t base);
  // A sequence lock: odd while being written. Running: now = host + base_. Stopped: now = base_.
  mutable std::atomic<uint32_t> sequence_{0};
  std::atomic<bool> running_{false};
  std::atomic<int64_t> base_{0};
};

}  // namespace vireo::core
