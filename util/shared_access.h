#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace vireo::util {

/// Whether `address` is a multiple of `size`, a power of two.
inline bool is_aligned(const void* address, unsigned size) {
  return (reinterpret_cast<uintptr_t>(address) & (size - 1)) == 0;
}

// An x86 host keeps the order of x86 itself, and only the compiler has to be told. Acquire and
// release would be free as well, but ThreadSanitizer would keep a clock for each word of guest RAM.
#if defined(__x86_64__)
inline constexpr int kSharedLoadOrder = __ATOMIC_RELAXED;
inline constexpr int kSharedStoreOrder = __ATOMIC_RELAXED;
#else
inline constexpr int kSharedLoadOrder = __ATOMIC_ACQUIRE;
inline constexpr int kSharedStoreOrder = __ATOMIC_RELEASE;
#endif

/// Reads memory that other threads may be writing, as x86 does: a naturally aligned value is read
/// whole, and no later access is made before it. (Intel SDM volume 3, 9.1.1 and 9.2.2.)
template <std::unsigned_integral T>
T load_shared(const void* from) {
  if (is_aligned(from, sizeof(T))) {
    const T value = __atomic_load_n(static_cast<const T*>(from), kSharedLoadOrder);
    std::atomic_signal_fence(std::memory_order_acquire);
    return value;
  }
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// Writes memory that other threads may be reading, as x86 does: a naturally aligned value is
/// written whole, and no earlier access is made behind it.
template <std::unsigned_integral T>
void store_shared(void* to, T value) {
  if (is_aligned(to, sizeof(T))) {
    std::atomic_signal_fence(std::memory_order_release);
    __atomic_store_n(static_cast<T*>(to), value, kSharedStoreOrder);
  } else {
    std::memcpy(to, &value, sizeof value);
  }
}

}  // namespace vireo::util
