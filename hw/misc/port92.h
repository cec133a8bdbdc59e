#pragma once

#include <cstdint>

#include "core/device/description.h"

namespace vireo::hw {

/// System control port A at 92h: fast A20 gate (output "a20") and fast reset (82371SB data sheet,
/// 2.5.9.3).
class Port92 final : public core::Device {
 public:
  static void describe(core::Description<Port92>& d);

 protected:
  util::Status on_realize() override;
  void sync_outputs() override;

 private:
  struct Regs {
    uint8_t control = 0;
  };
  uint8_t read_control() const { return regs_.control; }
  void write_control(uint8_t value);

  core::IrqLine a20_;
  Regs regs_;
};

}  // namespace vireo::hw
