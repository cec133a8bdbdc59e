// Going to the background.

#include "system/daemonize.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace vireo::system {

namespace {

util::Error failed(const char* what) {
  return {util::ErrorCode::kIo, fmt::format("-daemonize: {}: {}", what, strerror(errno))};
}

// Waits for the child's word or its end; exits as it says.
[[noreturn]] void wait_for_child(int fd, pid_t child) {
  char ready = 0;
  if (::read(fd, &ready, 1) == 1) ::_exit(0);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1);
}

}  // namespace

util::Status Daemon::fork_to_background() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return failed("pipe");
  const pid_t child = ::fork();
  if (child < 0) return failed("fork");
  if (child > 0) {
    ::close(fds[1]);
    wait_for_child(fds[0], child);
  }
  ::close(fds[0]);
  ready_fd_ = fds[1];
  ::setsid();
  return {};
}

void Daemon::report_ready() {
  if (ready_fd_ < 0) return;
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) {
    for (int fd = 0; fd <= 2; ++fd) ::dup2(null, fd);
    ::close(null);
  }
  const char ready = 1;
  if (::write(ready_fd_, &ready, 1) != 1) std::abort();
  ::close(ready_fd_);
  ready_fd_ = -1;
}

}  // namespace vireo::system
