// pvpanic: a port that a panicking kernel writes to.

#include "hw/misc/pvpanic.h"

#include "core/run_control.h"

namespace vireo::hw {
namespace {

enum Event : uint8_t { kPanicked = 1, kCrashKernelLoaded = 2 };

}  // namespace

void PanicDevice::describe(core::Description<PanicDevice>& d) {
  d.type("pvpanic", "tells the host when the guest's kernel panics");
  d.bus("isa");
  d.property("ioport", &PanicDevice::iobase_, "I/O port");
  d.port(0, "EVENT", &PanicDevice::read_events, &PanicDevice::write_event);
}

util::Status PanicDevice::on_realize() {
  map_ports(iobase_);
  return {};
}

uint8_t PanicDevice::read_events() const { return kPanicked | kCrashKernelLoaded; }

void PanicDevice::write_event(uint8_t value) {
  if (value & kPanicked) {
    environment().run_control.guest_panicked(false);
  } else if (value & kCrashKernelLoaded) {
    environment().run_control.guest_panicked(true);
  }
}

REGISTER_DEVICE(PanicDevice);

}  // namespace vireo::hw
