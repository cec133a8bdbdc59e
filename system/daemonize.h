#pragma once

#include "util/result.h"

namespace vireo::system {

/// -daemonize: the process that the user started stays until the machine is ready (or failed), so
/// that its exit code and errors are the machine's.
class Daemon {
 public:
  /// Forks; returns in the child only. The parent exits when the child reports or ends.
  util::Status fork_to_background();
  /// Lets the parent exit with 0 and detaches from the terminal; nothing if not forked.
  void report_ready();

 private:
  int ready_fd_ = -1;
};

}  // namespace vireo::system
