#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>

#include "util/activity.h"

namespace vireo::core {

/// The lock under which all device models run. Not recursive: whoever may or may not hold it uses
/// MachineLockIfNeeded.
class MachineLock {
 public:
  void lock();
  void unlock();
  /// Adds the nanoseconds for which the calling thread waits for the lock to a counter, from here
  /// on; null: to none.
  static void count_waiting(std::atomic<int64_t>* nanoseconds);
  bool held_by_me() const {
    return owner_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

 private:
  void wait();

  std::mutex mutex_;
  std::atomic<std::thread::id> owner_{};
};

/// The process's one machine lock. Guest RAM, the translator and FlatView look-ups do not need it.
MachineLock& machine_lock();

/// Holds the machine lock for its scope; the calling thread must not hold it yet.
class [[nodiscard]] MachineLockGuard {
 public:
  MachineLockGuard() { machine_lock().lock(); }
  ~MachineLockGuard() { machine_lock().unlock(); }
  MachineLockGuard(const MachineLockGuard&) = delete;
  MachineLockGuard& operator=(const MachineLockGuard&) = delete;

 private:
  util::ActivityScope activity_{util::Activity::kDevice};
};

/// Holds the machine lock for its scope, taking it only if the calling thread does not hold it
/// already.
class [[nodiscard]] MachineLockIfNeeded {
 public:
  MachineLockIfNeeded() : taken_(!machine_lock().held_by_me()) {
    if (taken_) machine_lock().lock();
  }
  ~MachineLockIfNeeded() {
    if (taken_) machine_lock().unlock();
  }
  MachineLockIfNeeded(const MachineLockIfNeeded&) = delete;
  MachineLockIfNeeded& operator=(const MachineLockIfNeeded&) = delete;

 private:
  bool taken_;
  util::ActivityScope activity_{util::Activity::kDevice};
};

}  // namespace vireo::core
