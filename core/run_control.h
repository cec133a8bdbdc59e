#pragma once

#include <cstdint>

namespace vireo::core {

enum class ResetCause : uint8_t {
  guest_request,  ///< Keyboard controller, port 92, PIIX or ACPI reset register.
  triple_fault,
  watchdog,
  host_request,  ///< Monitor or signal.
};

enum class ShutdownCause : uint8_t {
  guest_request,  ///< ACPI S5 and the like.
  guest_reset,    ///< A reset under -no-reboot.
  guest_panic,
  debug_exit,
  host_signal,
  host_request,  ///< Monitor `quit`.
  host_error,
};

/// What devices and CPUs may ask of the VM that holds them. Requests are thread-safe, return at
/// once, and take effect when the vCPUs have left guest code.
class RunControl {
 public:
  virtual ~RunControl() = default;
  virtual void request_reset(ResetCause cause) = 0;
  /// Ends the VM; `exit_code` becomes the process's.
  virtual void request_shutdown(ShutdownCause cause, int exit_code = 0) = 0;
  /// ACPI S3: stop until a wake-up.
  virtual void request_suspend() = 0;
  virtual void request_wakeup() = 0;
  /// pvpanic: the guest's kernel gave up; `crash_kernel` says that the guest will handle it itself.
  virtual void guest_panicked(bool crash_kernel) = 0;
  /// isa-debug-exit: ends the process with `exit_code`.
  virtual void debug_exit(int exit_code) = 0;
};

}  // namespace vireo::core
