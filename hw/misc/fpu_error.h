#pragma once

#include <cstdint>

#include "core/device/description.h"

namespace vireo::hw {

/// How a PC reports x87 errors to software that leaves CR0.NE clear: FERR# raises IRQ 13 (output
/// "irq"), and a write to port F0h takes it back (82371SB data sheet, 2.5.9.2).
class FpuErrorLatch final : public core::Device {
 public:
  static void describe(core::Description<FpuErrorLatch>& d);

  /// The CPU met a waiting error. Machine lock held.
  void signal();

 protected:
  util::Status on_realize() override;
  void sync_outputs() override { irq_.set(regs_.asserted); }

 private:
  struct Regs {
    bool asserted = false;
  };
  void clear(uint8_t);

  core::IrqLine irq_;
  Regs regs_;
};

}  // namespace vireo::hw
