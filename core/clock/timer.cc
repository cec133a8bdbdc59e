// Timers ordered by guest deadline; the event loop is woken for the first of them only.
#include "core/clock/timer.h"

#include <cassert>

#include "core/clock/guest_clock.h"
#include "core/machine_lock.h"
#include "util/async/event_loop.h"

namespace vireo::core {

struct TimerQueue::Wakeup {
  Wakeup(TimerQueue& owner, util::EventLoop& loop)
      : queue(owner), timer(loop, [this] { fire(); }) {}

  void fire() {
    MachineLockIfNeeded lock;
    programmed_host_ns = INT64_MAX;
    queue.run_due();
  }

  // Waking too early is harmless (fire() programs the rest), so only earlier deadlines set the
  // timer.
  void wake_at(int64_t host_ns) {
    if (host_ns >= programmed_host_ns) return;
    programmed_host_ns = host_ns;
    timer.arm(host_ns);
  }

  TimerQueue& queue;
  util::LoopTimer timer;
  int64_t programmed_host_ns = INT64_MAX;
};

Timer::~Timer() {
  if (queue_ && armed()) queue_->remove(*this);
}

void Timer::attach(TimerQueue& queue, std::function<void()> callback) {
  assert(!armed());
  queue_ = &queue;
  callback_ = std::move(callback);
}

void Timer::arm(int64_t deadline_ns) {
  if (deadline_ns < 0) deadline_ns = -1;
  if (deadline_ns == deadline_ns_) return;
  assert(queue_ && machine_lock().held_by_me());
  if (armed()) queue_->remove(*this);
  if (deadline_ns >= 0) queue_->insert(*this, deadline_ns);
}

TimerQueue::TimerQueue(GuestClock& clock, util::EventLoop& loop)
    : clock_(clock), wakeup_(std::make_unique<Wakeup>(*this, loop)) {}

TimerQueue::~TimerQueue() {
  MachineLockIfNeeded lock;
  for (const auto& [key, timer] : pending_) timer->deadline_ns_ = -1;
}

void TimerQueue::insert(Timer& timer, int64_t deadline_ns) {
  timer.deadline_ns_ = deadline_ns;
  timer.order_ = ++arm_count_;
  const auto place = pending_.emplace(std::pair(deadline_ns, timer.order_), &timer).first;
  if (place == pending_.begin()) program_wakeup();
}

void TimerQueue::remove(Timer& timer) {
  pending_.erase({timer.deadline_ns_, timer.order_});
  timer.deadline_ns_ = -1;
}

void TimerQueue::run_due() {
  constexpr int kMostCallbacks = 1000;
  for (int i = 0; i < kMostCallbacks && !pending_.empty(); ++i) {
    const auto [key, timer] = *pending_.begin();
    if (key.first > clock_.now_ns()) break;
    remove(*timer);
    timer->callback_();
  }
  program_wakeup();
}

void TimerQueue::clock_changed() { program_wakeup(); }

int64_t TimerQueue::next_deadline_ns() const {
  return pending_.empty() ? -1 : pending_.begin()->first.first;
}

void TimerQueue::program_wakeup() {
  if (pending_.empty() || !clock_.running()) return;
  const int64_t host_now = util::host_monotonic_ns();
  int64_t host_deadline;
  if (__builtin_add_overflow(host_now, next_deadline_ns() - clock_.now_ns(), &host_deadline))
    return;
  wakeup_->wake_at(host_deadline);
}

}  // namespace vireo::core
