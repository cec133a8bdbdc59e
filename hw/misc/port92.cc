// System control port A.

#include "hw/misc/port92.h"

#include "core/run_control.h"

namespace vireo::hw {
namespace {

enum ControlBit : uint8_t { kFastReset = 1, kFastA20 = 2 };

}  // namespace

void Port92::describe(core::Description<Port92>& d) {
  d.type("port92", "fast A20 gate and reset");
  d.user_creatable(false);
  d.interrupt("a20", &Port92::a20_);
  d.port(0, "CONTROL", &Port92::read_control, &Port92::write_control);
  d.state(&Port92::regs_, 1, core::field("control", &Regs::control));
}

util::Status Port92::on_realize() {
  map_ports(0x92);
  return {};
}

void Port92::sync_outputs() { a20_.set(regs_.control & kFastA20); }

void Port92::write_control(uint8_t value) {
  const bool reset = (value & kFastReset) && !(regs_.control & kFastReset);
  regs_.control = value;
  sync_outputs();
  if (reset) environment().run_control.request_reset(core::ResetCause::guest_request);
}

REGISTER_DEVICE(Port92);

}  // namespace vireo::hw
