// The latch between FERR# and IRQ 13.

#include "hw/misc/fpu_error.h"

namespace vireo::hw {

void FpuErrorLatch::describe(core::Description<FpuErrorLatch>& d) {
  d.type("fpu-error", "x87 errors as IRQ 13");
  d.user_creatable(false);
  d.interrupt("irq", &FpuErrorLatch::irq_);
  d.port(0, "CLEAR", nullptr, &FpuErrorLatch::clear);
  d.state(&FpuErrorLatch::regs_, 1, core::field("asserted", &Regs::asserted));
}

util::Status FpuErrorLatch::on_realize() {
  map_ports(0xf0);
  return {};
}

void FpuErrorLatch::signal() {
  if (regs_.asserted) return;
  regs_.asserted = true;
  sync_outputs();
}

void FpuErrorLatch::clear(uint8_t) {
  regs_.asserted = false;
  sync_outputs();
}

REGISTER_DEVICE(FpuErrorLatch);

}  // namespace vireo::hw
