#pragma once

#include <pthread.h>

#include <cstdint>
#include <ctime>
#include <memory>

#include "util/result.h"

namespace vireo::util {

/// Interrupts a thread every few milliseconds of its processor time, and tells where it was.
class ThreadSampler {
 public:
  /// Called in a signal handler on the thread, with the address of the instruction that comes next.
  using Function = void (*)(void* context, const void* instruction);

  struct Times {
    int64_t wall_ns = 0;       ///< Since the start.
    int64_t processor_ns = 0;  ///< Likewise, of the thread.
    int64_t kernel_ns = 0;     ///< Of that, in the host's kernel, by the host's account.
  };

  /// Samples the calling thread from here on. Errors: the host has no such timers.
  static Result<std::unique_ptr<ThreadSampler>> start(Function function, void* context);
  /// On the same thread.
  ~ThreadSampler();

  /// From any thread.
  Times times() const;

 private:
  ThreadSampler() = default;
  Times now() const;

  Times start_;
  int thread_id_ = 0;
  clockid_t processor_clock_{};
  timer_t timer_{};
};

}  // namespace vireo::util
