// The native side of the comparison: a forked process in a seccomp sandbox, which shares a page of
// work with its parent and is woken by futexes.

#include "tests/conformance/host_cpu/host_child.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/conformance/host_cpu/host_run.h"

namespace vireo::host_cpu {
namespace {

// A sanitizer's run-time library makes calls of its own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSandboxed = false;
#else
constexpr bool kSandboxed = true;
#endif

long futex(std::atomic<uint32_t>& word, int operation, uint32_t value, const timespec* timeout) {
  return syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);
}

void wake(std::atomic<uint32_t>& word) { futex(word, FUTEX_WAKE, 1, nullptr); }

/// Kills the process at any system call but these.
void enter_sandbox() {
  const auto allow = [](unsigned short number, unsigned char skip) {
    return sock_filter{BPF_JMP | BPF_JEQ | BPF_K, skip, 0, number};
  };
  sock_filter program[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, arch)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 4, AUDIT_ARCH_X86_64},
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      allow(SYS_rt_sigreturn, 3),
      allow(SYS_futex, 2),
      allow(SYS_exit_group, 1),
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog filter{sizeof program / sizeof *program, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    std::perror("no sandbox for the instructions under test");
  }
}

}  // namespace

struct HostChild::Shared {
  std::atomic<uint32_t> asked, answered;
  Batch batch;
  BatchResult result;
};

HostChild::HostChild() {
  host_has_small_data();  // for the child as well
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("no memory to share with the native child");
    std::abort();
  }
  shared_ = new (memory) Shared;
  start();
}

HostChild::~HostChild() {
  stop();
  munmap(shared_, sizeof(Shared));
}

Batch& HostChild::batch() { return shared_->batch; }
const BatchResult& HostChild::result() const { return shared_->result; }

void HostChild::start() {
  shared_->asked = shared_->answered = 0;
  const pid_t parent = getpid();
  child_ = fork();
  if (child_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  catch_faults();
  if (kSandboxed) enter_sandbox();
  for (uint32_t turn = 0;;) {
    while (shared_->asked == turn) futex(shared_->asked, FUTEX_WAIT, turn, nullptr);
    ++turn;
    run_natively(shared_->batch, shared_->result);
    shared_->answered = turn;
    wake(shared_->answered);
  }
}

void HostChild::stop() {
  kill(child_, SIGKILL);
  waitpid(child_, nullptr, 0);
}

bool HostChild::run() {
  shared_->result.done = 0;
  const uint32_t turn = ++shared_->asked;
  wake(shared_->asked);
  constexpr unsigned kPatience = 200;  // Waits of 100 ms without a case done.
  unsigned done = 0;
  for (unsigned waits = 0; shared_->answered != turn;) {
    const timespec limit{0, 100'000'000};
    if (futex(shared_->answered, FUTEX_WAIT, turn - 1, &limit) == 0 || errno != ETIMEDOUT) continue;
    const bool dead = waitpid(child_, nullptr, WNOHANG) == child_;
    const unsigned now = __atomic_load_n(&shared_->result.done, __ATOMIC_RELAXED);
    if (now != done) waits = 0;
    done = now;
    if (!dead && ++waits < kPatience) continue;
    if (!dead) stop();
    start();
    return false;
  }
  return true;
}

bool host_has_32bit_segment(HostChild& child) {
  const uint8_t dec_eax_or_prefix[] = {0x48, 0x90};  // In 64-bit mode a NOP.
  Batch& batch = child.batch();
  batch.bits = 32;
  batch.code_length = sizeof dec_eax_or_prefix;
  batch.traps = batch.is_sequence = batch.small_data = false;
  batch.count = 1;
  std::memcpy(batch.code + Arena::kStart, dec_eax_or_prefix, sizeof dec_eax_or_prefix);
  batch.cases[0] = {};
  batch.cases[0].state.general[0] = 5;
  batch.cases[0].state.mxcsr = 0x1f80;
  return child.run() && child.result().results[0].ending.vector == Ending::kArrived &&
         static_cast<uint32_t>(child.result().results[0].state.general[0]) == 4;
}

}  // namespace vireo::host_cpu
