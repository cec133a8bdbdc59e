#pragma once

#include <cstdint>

#include "chardev/chardev.h"
#include "core/device/backend_ref.h"
#include "core/device/description.h"

namespace vireo::hw {

/// The debug console that firmware writes to: bytes written to one port come out of a chardev; the
/// port reads as a magic value, so that its presence can be told.
class DebugConsole final : public core::Device {
 public:
  static void describe(core::Description<DebugConsole>& d);

 protected:
  util::Status on_realize() override;

 private:
  uint8_t read() const { return static_cast<uint8_t>(readback_); }
  void write(uint8_t value);

  uint16_t iobase_ = 0x402;
  uint16_t readback_ = 0xe9;
  core::BackendRef<chardev::Chardev> chardev_{"chardev"};
};

}  // namespace vireo::hw
