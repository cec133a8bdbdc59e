#pragma once

#include <string>
#include <string_view>

#include "util/result.h"

namespace vireo::monitor {

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
  virtual bool running() const = 0;
  /// Writes the guest's screen to a PNG file. Errors: no display, the file cannot be written.
  virtual util::Status screendump(const std::string& path) = 0;
  /// Reads guest-physical memory for `xp`.
  virtual util::Result<std::string> examine_physical(uint64_t address, unsigned count,
                                                     unsigned width) = 0;
  /// The text of `info <topic>`; the topics are topics(). Errors: no such topic.
  virtual util::Result<std::string> info(std::string_view topic) = 0;
  /// A line a topic: "name  summary".
  virtual std::string info_topics() const = 0;
};

}  // namespace vireo::monitor
