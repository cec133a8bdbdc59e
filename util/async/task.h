#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "util/async/event_loop.h"
#include "util/result.h"

namespace vireo::util {

template <class T = Status>
class Task;

namespace task_detail {

struct PromiseBase {
  // Hands control straight to whoever awaits, so that chains of tasks use no stack.
  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      return self.promise().continuation;
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  // Nothing in this project throws on purpose; out of memory in a coroutine ends the process.
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

  std::coroutine_handle<> continuation = std::noop_coroutine();
};

template <class T>
struct Promise : PromiseBase {
  Task<T> get_return_object() {
    return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
  }
  template <class U>
  void return_value(U&& value) {
    result.emplace(std::forward<U>(value));
  }
  T take() { return std::move(*result); }
  std::optional<T> result;
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const {}
  void take() const {}
};

}  // namespace task_detail

/// A lazy coroutine: starts when awaited, resumes its awaiter when done. `Task<>` yields a Status.
/// A task destroyed before its end releases its frame. Beware with g++ 12: name lambdas and
/// aggregates instead of building them inside a `co_await` expression, where the compiler destroys
/// them twice.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_detail::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
    handle_.promise().continuation = awaiter;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

inline Task<void> task_detail::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

namespace task_detail {

// A coroutine nobody owns: it runs at once and frees itself at its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() const { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

template <class T, class Done>
Detached run_detached(Task<T> task, Done done) {
  if constexpr (std::is_void_v<T>) {
    co_await task;
    done();
  } else {
    T value = co_await task;
    done(std::move(value));
  }
}

}  // namespace task_detail

/// Awaiting it continues the coroutine on `loop`'s thread, from whatever thread it is on.
struct ResumeOn {
  EventLoop& loop;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiter) const {
    loop.post([awaiter] { awaiter.resume(); });
  }
  void await_resume() const noexcept {}
};
inline ResumeOn resume_on(EventLoop& loop) { return {loop}; }

/// Starts `task` at once on the calling thread (which should be the loop's) and calls `done` with
/// its result. The task is nobody's from here on.
template <class T, class Done>
void start(Task<T> task, Done done) {
  task_detail::run_detached(std::move(task), std::move(done));
}

/// Starts `task` on `loop`'s thread, from any thread; `done` gets its result there.
template <class T, class Done>
void spawn(EventLoop& loop, Task<T> task, Done done) {
  // std::function wants copyable content, which a task is not: the frame waits on the loop itself.
  auto on_loop = [](EventLoop& where, Task<T> inner, Done finish) -> task_detail::Detached {
    co_await resume_on(where);
    start(std::move(inner), std::move(finish));
  };
  on_loop(loop, std::move(task), std::move(done));
}
inline void spawn(EventLoop& loop, Task<void> task) {
  spawn(loop, std::move(task), [] {});
}

/// Runs `loop` on this thread until `task` is done, and returns its result; for tools and tests.
template <class T>
T run_until_complete(EventLoop& loop, Task<T> task) {
  if constexpr (std::is_void_v<T>) {
    bool finished = false;
    start(std::move(task), [&] { finished = true; });
    while (!finished) loop.run_one(INT64_MAX);
  } else {
    std::optional<T> result;
    start(std::move(task), [&](T value) { result.emplace(std::move(value)); });
    while (!result) loop.run_one(INT64_MAX);
    return std::move(*result);
  }
}

/// A value that arrives later, from any thread: `co_await completion` resumes on the loop once
/// `set` was called. Set once, awaited once; has to live until then.
template <class T>
class Completion {
 public:
  explicit Completion(EventLoop& loop) : loop_(loop) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  void set(T value) {
    value_.emplace(std::move(value));
    EventLoop& loop = loop_;  // the awaiter may destroy this object as soon as it can run
    const State before = state_.exchange(State::set, std::memory_order_acq_rel);
    if (before == State::awaited) loop.post([awaiter = awaiter_] { awaiter.resume(); });
  }

  bool await_ready() const noexcept { return state_.load(std::memory_order_acquire) == State::set; }
  bool await_suspend(std::coroutine_handle<> awaiter) noexcept {
    awaiter_ = awaiter;
    State expected = State::empty;
    return state_.compare_exchange_strong(expected, State::awaited, std::memory_order_acq_rel);
  }
  T await_resume() { return std::move(*value_); }

 private:
  enum class State { empty, awaited, set };
  EventLoop& loop_;
  std::coroutine_handle<> awaiter_;
  std::optional<T> value_;
  std::atomic<State> state_{State::empty};
};

}  // namespace vireo::util
