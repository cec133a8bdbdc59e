#pragma once

#include "tcg/runtime/frame.h"

namespace vireo::tcg::x86_64 {

class JitBackend;

// Translated code raises host signals on purpose: SIGSEGV at polls after a kick and at empty jump
// cache entries of guest IP 0, SIGFPE at divisions and unmasked SIMD exceptions. Others are passed
// on to the handlers that were there before.

/// Installs the handlers (once a process) and adds the backend's code.
void watch_faults(JitBackend* backend);
void unwatch_faults(JitBackend* backend);

/// Tells the handlers which vCPU this thread runs, and whose code.
class FaultScope {
 public:
  FaultScope(const JitBackend& backend, Frame* frame);
  ~FaultScope();
  FaultScope(const FaultScope&) = delete;
  FaultScope& operator=(const FaultScope&) = delete;
};

}  // namespace vireo::tcg::x86_64
