#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

namespace vireo::util {
class EventLoop;
}  // namespace vireo::util

namespace vireo::core {

class GuestClock;
class TimerQueue;

/// Calls back once when guest time reaches its deadline, on the event loop's thread under the
/// machine lock. All methods need the machine lock. Destruction cancels. The deadline is not saved
/// by itself: devices keep it in their state and arm again in sync_outputs().
class Timer {
 public:
  Timer() = default;
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// To be called before anything else (and again when a device is realized again).
  void attach(TimerQueue& queue, std::function<void()> callback);
  /// Fires at `deadline_ns` of the queue's guest clock (at once if that has passed); replaces an
  /// earlier deadline. A negative deadline cancels.
  void arm(int64_t deadline_ns);
  void cancel() { arm(-1); }
  bool armed() const { return deadline_ns_ >= 0; }
  /// -1 when not armed. Already -1 inside the callback.
  int64_t deadline_ns() const { return deadline_ns_; }

 private:
  friend class TimerQueue;
  TimerQueue* queue_ = nullptr;
  std::function<void()> callback_;
  int64_t deadline_ns_ = -1;
  uint64_t order_ = 0;
};

/// The timers of one guest clock in order of their deadlines, driven by an event loop.
class TimerQueue {
 public:
  TimerQueue(GuestClock& clock, util::EventLoop& loop);
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  GuestClock& clock() const { return clock_; }
  /// Runs all timers that are due; machine lock held. Timers that a callback arms at or before the
  /// present run too, up to a bound, so that a guest cannot keep the loop here.
  void run_due();
  /// To be called after the clock started, stopped or jumped; machine lock held.
  void clock_changed();
  /// The next deadline in guest time, or -1; machine lock held.
  int64_t next_deadline_ns() const;

 private:
  friend class Timer;
  struct Wakeup;
  void insert(Timer& timer, int64_t deadline_ns);
  void remove(Timer& timer);
  void program_wakeup();

  GuestClock& clock_;
  // By deadline, then in the order of arming.
  std::map<std::pair<int64_t, uint64_t>, Timer*> pending_;
  uint64_t arm_count_ = 0;
  std::unique_ptr<Wakeup> wakeup_;
};

}  // namespace vireo::core
