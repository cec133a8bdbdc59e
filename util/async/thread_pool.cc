// A plain queue of work and threads that are started as work piles up.
#include "util/async/thread_pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace vireo::util {

struct ThreadPool::Implementation {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  std::vector<std::thread> threads;
  unsigned max_threads = 1;
  unsigned idle = 0;
  bool ending = false;

  void serve() {
    std::unique_lock lock(mutex);
    while (true) {
      ++idle;
      changed.wait(lock, [&] { return ending || !queue.empty(); });
      --idle;
      if (queue.empty()) return;
      const std::function<void()> work = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      work();
      lock.lock();
    }
  }
};

ThreadPool::ThreadPool(unsigned thread_count)
    : implementation_(std::make_unique<Implementation>()) {
  implementation_->max_threads = thread_count ? thread_count : 1;
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(implementation_->mutex);
    implementation_->ending = true;
  }
  implementation_->changed.notify_all();
  for (std::thread& thread : implementation_->threads) thread.join();
}

void ThreadPool::submit(std::function<void()> work) {
  Implementation& pool = *implementation_;
  std::lock_guard lock(pool.mutex);
  pool.queue.push_back(std::move(work));
  if (pool.queue.size() > pool.idle && pool.threads.size() < pool.max_threads) {
    pool.threads.emplace_back([&pool] { pool.serve(); });
  }
  pool.changed.notify_one();
}

}  // namespace vireo::util
