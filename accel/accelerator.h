#pragma once

#include <memory>
#include <string>

#include "util/result.h"

namespace vireo::accel {

/// A vCPU's host thread. Methods may be called from any other thread, with or without the machine
/// lock, unless they say otherwise.
class Vcpu {
 public:
  virtual ~Vcpu() = default;
  /// Creates the thread; the vCPU is paused until resume().
  virtual util::Status start() = 0;
  /// Ends the thread and joins it. The machine lock must not be held.
  virtual void stop() = 0;
  /// Asks the vCPU to leave guest code and stay out. wait_paused() returns when it has; the machine
  /// lock must not be held for that.
  virtual void request_pause() = 0;
  virtual void wait_paused() = 0;
  virtual void resume() = 0;
  /// Makes the vCPU look at interrupts soon, waking it if it sleeps. Cheap when it is running host
  /// code on the calling thread.
  virtual void wake() = 0;
  /// Resets the CPU before it runs guest code again.
  virtual void request_reset() = 0;
};

/// What runs vCPUs: translated (tcg) or by the host's virtualisation.
class Accelerator {
 public:
  virtual ~Accelerator() = default;
  /// Text for the monitor's `info jit`; with `listings` the hottest blocks are shown in full.
  virtual std::string statistics(bool listings) = 0;
  /// The profile in them, if one is kept, counts from now on. Any thread.
  virtual void restart_profile() = 0;
};

}  // namespace vireo::accel
