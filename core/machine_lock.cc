#include "core/machine_lock.h"

#include <cassert>

namespace vireo::core {

void MachineLock::lock() {
  assert(!held_by_me());
  mutex_.lock();
  owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
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
