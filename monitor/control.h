#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace vireo::monitor {

/// The arguments of `mce`, in their order; see the SDM, volume 3, 15.3.
struct MachineCheck {
  uint64_t cpu = 0, bank = 0, status = 0, mcg_status = 0, address = 0, misc = 0;
};

/// What a monitor can ask of the virtual machine. Implemented by `system`; called on the loop's
/// thread without the machine lock.
class Control {
 public:
  virtual ~Control() = default;
  virtual void quit() = 0;
  virtual void stop() = 0;
  virtual void cont() = 0;
  virtual void system_reset() = 0;
  /// Presses the ACPI power button.
  virtual void system_powerdown() = 0;
  virtual void nmi() = 0;
  /// Reports a hardware error to a CPU. Errors: no such CPU or bank, a status that is not valid.
  virtual util::Status machine_check(const MachineCheck& error) = 0;
  virtual bool running() const = 0;
  /// What `info jit` tells of the vCPUs' time counts from now on.
  virtual void restart_profile() = 0;
  /// Writes the guest's screen to a file; `format` is "png" or "ppm". Errors: no display, the file
  /// cannot be written.
  virtual util::Status screendump(const std::string& path, std::string_view format) = 0;
  /// Presses keys (Linux event codes) one after the other, and lets go of them in reverse after
  /// `hold_ms`.
  virtual void send_keys(const std::vector<uint16_t>& codes, unsigned hold_ms) = 0;
  /// Reads guest-physical memory for `xp`.
  virtual util::Result<std::string> examine_physical(uint64_t address, unsigned count,
                                                     unsigned width) = 0;
  /// The text of `info <topic> [-v]`; the topics are topics(). Errors: no such topic.
  virtual util::Result<std::string> info(std::string_view topic, bool verbose) = 0;
  /// A line a topic: "name  summary".
  virtual std::string info_topics() const = 0;
};

}  // namespace vireo::monitor
