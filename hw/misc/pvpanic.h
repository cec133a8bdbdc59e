#pragma once

#include <cstdint>

#include "core/device/description.h"

namespace vireo::hw {

/// Tells the host of a guest kernel's panic (docs/specs/pvpanic of the QEMU project).
class PanicDevice final : public core::Device {
 public:
  static void describe(core::Description<PanicDevice>& d);

 protected:
  util::Status on_realize() override;

 private:
  uint8_t read_events() const;
  void write_event(uint8_t value);

  uint16_t iobase_ = 0x505;
};

}  // namespace vireo::hw
