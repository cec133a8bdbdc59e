#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "util/async/task.h"

namespace vireo::util {

/// Threads for work that blocks. Threads start when first needed; destruction waits for all work
/// that was submitted.
class ThreadPool {
 public:
  explicit ThreadPool(unsigned thread_count);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Queues `work`; callable from any thread.
  void submit(std::function<void()> work);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// Runs `work` on the pool and continues on `loop` with what it returned, which must not be void.
/// What `work` refers to has to live until then.
template <class Work>
Task<std::invoke_result_t<Work&>> run_blocking(ThreadPool& pool, EventLoop& loop, Work work) {
  Completion<std::invoke_result_t<Work&>> completion(loop);
  pool.submit([&completion, &work] { completion.set(work()); });
  co_return co_await completion;
}

}  // namespace vireo::util
