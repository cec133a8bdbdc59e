#pragma once

#include <sys/types.h>

#include "tests/conformance/host_cpu/batch.h"

namespace vireo::host_cpu {

/// A child process that runs batches natively. It may do no system call but wait and return from
/// signals, so that code gone astray does no harm; a child that dies or hangs is replaced.
class HostChild {
 public:
  HostChild();
  ~HostChild();
  HostChild(const HostChild&) = delete;
  HostChild& operator=(const HostChild&) = delete;

  /// To be filled in before, and what came of it: memory that is shared with the child.
  Batch& batch();
  const BatchResult& result() const;
  /// False if the child did not finish: result().done cases are good, and the next one is the
  /// culprit.
  bool run();

 private:
  struct Shared;
  void start();
  void stop();

  Shared* shared_;
  pid_t child_ = 0;
};

/// Whether this system has a 32-bit code segment to run in.
bool host_has_32bit_segment(HostChild& child);

}  // namespace vireo::host_cpu
