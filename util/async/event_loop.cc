// The event loop on stand-alone Asio, the only file that knows Asio's types.
#include "util/async/event_loop.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace vireo::util {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

int64_t host_monotonic_ns() {
  return std::chrono::duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

struct EventLoop::Implementation {
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
};

EventLoop::EventLoop() : implementation_(std::make_unique<Implementation>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::post(std::function<void()> function) {
  asio::post(implementation_->context, std::move(function));
}

void EventLoop::run() {
  implementation_->context.run();
  implementation_->context.restart();
}

size_t EventLoop::poll() {
  implementation_->context.restart();
  return implementation_->context.poll();
}

bool EventLoop::run_one(int64_t timeout_ns) {
  constexpr int64_t kLongest = int64_t{3600} * 1'000'000'000;  // keeps now + timeout in range
  implementation_->context.restart();
  return implementation_->context.run_one_for(nanoseconds(std::min(timeout_ns, kLongest))) != 0;
}

void EventLoop::stop() { implementation_->context.stop(); }

bool EventLoop::in_loop_thread() const {
  return implementation_->context.get_executor().running_in_this_thread();
}

// A timer of the kernel, which any thread sets with one system call; Asio's own would have to wake
// the loop's thread for that.
struct LoopTimer::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, std::function<void()> function)
      : timer(loop.implementation().context), callback(std::move(function)) {
    const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
    timer.assign(fd, ignored);
  }

  void set(int64_t deadline_ns) {
    itimerspec deadline{};
    deadline.it_value = {.tv_sec = deadline_ns / kSecond, .tv_nsec = deadline_ns % kSecond};
    timerfd_settime(timer.native_handle(), TFD_TIMER_ABSTIME, &deadline, nullptr);
  }

  void wait() {
    timer.async_wait(timer.wait_read, [self = shared_from_this()](const asio::error_code& error) {
      if (error) return;
      self->wait();
      // Setting the timer takes back what it has not been asked for yet.
      uint64_t expirations = 0;
      if (read(self->timer.native_handle(), &expirations, sizeof expirations) > 0) self->callback();
    });
  }

  static constexpr int64_t kSecond = 1'000'000'000;
  asio::posix::stream_descriptor timer;
  asio::error_code ignored;
  std::function<void()> callback;
};

LoopTimer::LoopTimer(EventLoop& loop, std::function<void()> callback)
    : state_(std::make_shared<State>(loop, std::move(callback))) {
  state_->wait();
}

LoopTimer::~LoopTimer() { state_->timer.close(state_->ignored); }

void LoopTimer::arm(int64_t deadline_ns) {
  state_->set(std::max<int64_t>(deadline_ns, 1));  // zero would disarm it
}

void LoopTimer::cancel() { state_->set(0); }

// Asio makes the descriptors that it waits on non-blocking, which on a terminal would hit our
// standard output as well. So it waits on an epoll instance of our own, which watches the
// descriptor and leaves its flags alone.
struct FdWatch::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, int watched, std::function<void()> readable,
        std::function<void()> writable)
      : fd(watched),
        poller(loop.implementation().context),
        on_readable(std::move(readable)),
        on_writable(std::move(writable)) {
    poller.assign(epoll_create1(EPOLL_CLOEXEC), ignored);
    epoll_event event{};
    always_ready =
        epoll_ctl(poller.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0 && errno == EPERM;
  }

  void want(uint32_t event, bool on) {
    wanted = on ? wanted | event : wanted & ~event;
    if (!wanted) return;
    epoll_event events{wanted, {}};
    epoll_ctl(poller.native_handle(), EPOLL_CTL_MOD, fd, &events);
    if (!waiting) wait();
  }

  void wait() {
    waiting = true;
    auto self = shared_from_this();
    if (always_ready) {  // a regular file
      asio::post(poller.get_executor(), [self] { self->dispatch(EPOLLIN | EPOLLOUT); });
      return;
    }
    poller.async_wait(poller.wait_read, [self](const asio::error_code& error) {
      epoll_event events{};
      if (!error && self->poller.is_open()) epoll_wait(self->poller.native_handle(), &events, 1, 0);
      if (!error) self->dispatch(events.events);
    });
  }

  void dispatch(uint32_t events) {
    waiting = false;
    // Reading or writing is how the owner finds out about hang-ups and errors.
    if (events & (EPOLLHUP | EPOLLERR)) events |= EPOLLIN | EPOLLOUT;
    if (events & wanted & EPOLLIN) on_readable();
    if (events & wanted & EPOLLOUT) on_writable();
    if (wanted && !waiting) wait();
  }

  void close() {
    wanted = 0;
    poller.close(ignored);
  }

  int fd;
  asio::posix::stream_descriptor poller;
  asio::error_code ignored;
  std::function<void()> on_readable;
  std::function<void()> on_writable;
  uint32_t wanted = 0;
  bool waiting = false;
  bool always_ready = false;
};

FdWatch::FdWatch(EventLoop& loop, int fd, std::function<void()> on_readable,
                 std::function<void()> on_writable)
    : state_(std::make_shared<State>(loop, fd, std::move(on_readable), std::move(on_writable))) {}

FdWatch::~FdWatch() { state_->close(); }

void FdWatch::watch_readable(bool on) { state_->want(EPOLLIN, on); }
void FdWatch::watch_writable(bool on) { state_->want(EPOLLOUT, on); }

struct SignalWatch::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, std::function<void(int)> function)
      : signals(loop.implementation().context), callback(std::move(function)) {}
  void wait() {
    signals.async_wait([self = shared_from_this()](const asio::error_code& error, int signal) {
      if (error || self->closed) return;
      self->callback(signal);
      if (!self->closed) self->wait();
    });
  }
  asio::signal_set signals;
  std::function<void(int)> callback;
  bool closed = false;
};

SignalWatch::SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
                         std::function<void(int signal)> callback)
    : state_(std::make_shared<State>(loop, std::move(callback))) {
  for (const int signal : signals) state_->signals.add(signal);
  state_->wait();
}

SignalWatch::~SignalWatch() {
  state_->closed = true;
  state_->signals.cancel();
}

}  // namespace vireo::util
