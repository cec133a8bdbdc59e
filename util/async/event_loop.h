#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

namespace vireo::util {

/// Nanoseconds of the host's monotonic clock; the time base of LoopTimer.
int64_t host_monotonic_ns();

/// A thread's event loop. Handlers run one at a time on the thread that calls `run`. Everything but
/// `post` and `stop` (and the watches below) is to be used on that thread, or before it runs.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Queues `function` to run on the loop's thread; callable from any thread.
  void post(std::function<void()> function);
  /// Runs handlers until `stop`; returns at once if stopped already. May be called again
  /// afterwards.
  void run();
  /// Runs what is ready without waiting; returns how many handlers ran.
  size_t poll();
  /// Runs one handler, waiting at most `timeout_ns` for it; returns whether one ran.
  bool run_one(int64_t timeout_ns);
  /// Makes `run` return after the current handler; callable from any thread.
  void stop();
  /// Whether the calling thread is inside run, poll or run_one.
  bool in_loop_thread() const;

  struct Implementation;
  Implementation& implementation() { return *implementation_; }

 private:
  std::unique_ptr<Implementation> implementation_;
};

/// Calls back once at a deadline, on the loop's thread. Any thread may arm and cancel it; it goes
/// away on the loop's thread, which cancels it.
class LoopTimer {
 public:
  LoopTimer(EventLoop& loop, std::function<void()> callback);
  ~LoopTimer();
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;

  /// Fires when host_monotonic_ns() reaches `deadline_ns`; replaces an earlier deadline.
  void arm(int64_t deadline_ns);
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Calls back while a descriptor is readable or writable (level-triggered). The descriptor stays
/// the caller's and has to outlive the watch. Its methods are for the loop's thread. Regular files
/// count as always ready.
class FdWatch {
 public:
  /// Callbacks may be empty. Nothing is watched until `watch_*(true)`.
  FdWatch(EventLoop& loop, int fd, std::function<void()> on_readable,
          std::function<void()> on_writable = {});
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  void watch_readable(bool on);
  void watch_writable(bool on);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Calls back on the loop for each of `signals` that arrives.
class SignalWatch {
 public:
  SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
              std::function<void(int signal)> callback);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace vireo::util
