#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "core/run_control.h"
#include "hw/i386/boot_entry.h"
#include "monitor/hmp.h"
#include "system/backends.h"
#include "system/key_sender.h"
#include "system/monitor_control.h"
#include "system/options/configuration.h"
#include "ui/input.h"
#include "ui/surface.h"
#include "util/async/event_loop.h"
#include "util/result.h"

namespace vireo::accel {
class Accelerator;
class Vcpu;
}  // namespace vireo::accel
namespace vireo::hw {
class PcCpu;
class PcMachine;
}  // namespace vireo::hw

namespace vireo::system {

/// A virtual machine from its configuration to its end: builds it, runs it, and carries out what
/// devices and users ask of it as a whole. Lives on the event loop's thread.
class Vm final : public core::RunControl {
 public:
  /// Errors are the user's; nothing has started then.
  static util::Result<std::unique_ptr<Vm>> create(Configuration configuration);
  ~Vm() override;

  /// Runs until the guest or the user ends it; returns the process's exit code.
  int run();

  // For the monitor, on the loop's thread without the machine lock.
  void pause();
  void resume();
  /// Ends once requests to disks that are in flight have ended: none may land in memory later.
  void reset();
  void quit(int exit_code = 0);
  KeySender& keys() { return keys_; }
  bool running() const { return running_; }
  hw::PcMachine& machine() { return *machine_; }
  hw::PcCpu& cpu() { return *cpu_; }
  /// What the guest shows; null without a display adapter.
  ui::Screen* screen() { return screen_; }
  accel::Accelerator& accelerator() { return *accelerator_; }
  const Configuration& configuration() const { return configuration_; }

 private:
  explicit Vm(Configuration configuration);
  util::Status build();
  util::Status build_machine();
  util::Status build_accelerator();
  util::Status add_devices();
  util::Status add_monitor();
  util::Status reset_machine();
  void finish_reset();
  void finish_disk_requests();
  void on_shutdown(core::ShutdownCause cause, int exit_code);

  // core::RunControl, from any thread.
  void request_reset(core::ResetCause cause) override;
  void request_shutdown(core::ShutdownCause cause, int exit_code) override;
  void request_suspend() override;
  void request_wakeup() override;
  void guest_panicked(bool crash_kernel) override;
  void debug_exit(int exit_code) override;

  Configuration configuration_;
  util::EventLoop loop_;
  Backends backends_;
  ui::InputHub input_;
  KeySender keys_{loop_, input_};
  MonitorControl control_{*this};
  std::unique_ptr<monitor::Hmp> monitor_;
  ui::Screen* screen_ = nullptr;
  std::unique_ptr<hw::PcMachine> machine_;
  std::unique_ptr<accel::Accelerator> accelerator_;
  std::unique_ptr<hw::PcCpu> cpu_;
  std::unique_ptr<accel::Vcpu> vcpu_;
  std::optional<util::SignalWatch> signals_;
  bool running_ = false;
  bool resetting_ = false;  // waiting for drives
  bool resume_after_reset_ = false;
  std::atomic<bool> reset_pending_{false};
  int exit_code_ = 0;
};

}  // namespace vireo::system
