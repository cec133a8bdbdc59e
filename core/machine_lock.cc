#include "core/machine_lock.h"

#include <cassert>
#include <chrono>

namespace vireo::core {

namespace {
thread_local std::atomic<int64_t>* waited_nanoseconds = nullptr;
}

void MachineLock::lock() {
  assert(!held_by_me());
  if (!mutex_.try_lock()) wait();
  owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
}

void MachineLock::wait() {
  if (waited_nanoseconds == nullptr) return mutex_.lock();
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  mutex_.lock();
  *waited_nanoseconds += std::chrono::nanoseconds(Clock::now() - begin).count();
}

void MachineLock::count_waiting(std::atomic<int64_t>* nanoseconds) {
  waited_nanoseconds = nanoseconds;
}

void MachineLock::unlock() {
  assert(held_by_me());
  owner_.store({}, std::memory_order_relaxed);
  mutex_.unlock();
}

MachineLock& machine_lock() {
  static MachineLock lock;
  return lock;
}

}  // namespace vireo::core
