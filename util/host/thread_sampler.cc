// Samples by a POSIX timer on the thread's processor time that signals that thread (timer_create(2)
// with SIGEV_THREAD_ID). Linux looks at such timers in its clock's ticks, so that 250 to 1,000
// samples a second are all there is.
#include "util/host/thread_sampler.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>

namespace vireo::util {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr long kPeriodNs = 1'000'000;

thread_local ThreadSampler::Function sampled_function;
thread_local void* sampled_context;

const void* interrupted_instruction(const void* context) {
  const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return reinterpret_cast<const void*>(registers.gregs[REG_RIP]);
#else
  return reinterpret_cast<const void*>(registers.pc);
#endif
}

void handle(int, siginfo_t*, void* context) {
  const int error = errno;
  if (sampled_function != nullptr) {
    sampled_function(sampled_context, interrupted_instruction(context));
  }
  errno = error;
}

// Stays installed: a last signal may come behind its timer's end.
void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGPROF, &action, nullptr);
  });
}

int64_t read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

/// proc(5): the 15th field of a thread's stat, counted behind its name.
int64_t kernel_nanoseconds(int thread_id) {
  const auto path = fmt::format("/proc/self/task/{}/stat", thread_id);
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return 0;
  char text[1024] = {};
  text[std::fread(text, 1, sizeof text - 1, file)] = 0;
  std::fclose(file);
  const char* behind_name = std::strrchr(text, ')');
  long long ticks = 0;
  if (behind_name == nullptr ||
      std::sscanf(behind_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %lld",
                  &ticks) != 1) {
    return 0;
  }
  return ticks * (kSecond / sysconf(_SC_CLK_TCK));
}

}  // namespace

Result<std::unique_ptr<ThreadSampler>> ThreadSampler::start(Function function, void* context) {
  install_handler();
  sampled_context = context;
  sampled_function = function;
  std::unique_ptr<ThreadSampler> sampler(new ThreadSampler);
  sampler->thread_id_ = static_cast<int>(syscall(SYS_gettid));
  pthread_getcpuclockid(pthread_self(), &sampler->processor_clock_);
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
#ifdef sigev_notify_thread_id
  event.sigev_notify_thread_id = sampler->thread_id_;
#else
  event._sigev_un._tid = sampler->thread_id_;
#endif
  const itimerspec period = {{0, kPeriodNs}, {0, kPeriodNs}};
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &sampler->timer_) != 0 ||
      timer_settime(sampler->timer_, 0, &period, nullptr) != 0) {
    sampled_function = nullptr;
    return Error(ErrorCode::kUnsupported,
                 fmt::format("the host has no timer on a thread's time: {}", strerror(errno)));
  }
  sampler->start_ = sampler->now();
  return sampler;
}

ThreadSampler::~ThreadSampler() {
  timer_delete(timer_);
  sampled_function = nullptr;
}

ThreadSampler::Times ThreadSampler::now() const {
  return {read_clock(CLOCK_MONOTONIC), read_clock(processor_clock_),
          kernel_nanoseconds(thread_id_)};
}

ThreadSampler::Times ThreadSampler::times() const {
  const Times time = now();
  return {time.wall_ns - start_.wall_ns, time.processor_ns - start_.processor_ns,
          time.kernel_ns - start_.kernel_ns};
}

}  // namespace vireo::util
