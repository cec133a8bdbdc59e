// isa-debug-exit: a port that ends the process with a code of the guest's choice.

#include "hw/misc/debug_exit.h"

#include <fmt/format.h>

#include "core/run_control.h"

namespace vireo::hw {

void DebugExit::describe(core::Description<DebugExit>& d) {
  d.type("isa-debug-exit", "ends the emulator with the guest's exit code");
  d.bus("isa");
  d.property("iobase", &DebugExit::iobase_, "first I/O port");
  d.property("iosize", &DebugExit::iosize_, "number of ports, 1 to 16");
  d.region("exit", core::Space::ports, kLargestSize, &DebugExit::read, &DebugExit::write);
}

util::Status DebugExit::on_realize() {
  if (iosize_ == 0 || iosize_ > kLargestSize || iobase_ > 0x10000 - iosize_) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("isa-debug-exit: {} ports from {:#x} do not fit: iosize is 1 to "
                                   "16, the last port ffffh",
                                   iosize_, iobase_));
  }
  region("exit").set_size(iosize_);
  map_region("exit", iobase_);
  return {};
}

void DebugExit::write(uint64_t, unsigned, uint64_t value) {
  environment().run_control.debug_exit(static_cast<int>((value << 1 | 1) & 0xff));
}

REGISTER_DEVICE(DebugExit);

}  // namespace vireo::hw
