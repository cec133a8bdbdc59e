#pragma once

#include <cstdint>

#include "core/device/description.h"

namespace vireo::hw {

/// Ends the emulator: writing v to the port exits with code (v << 1) | 1. For test programs.
class DebugExit final : public core::Device {
 public:
  static void describe(core::Description<DebugExit>& d);

 protected:
  util::Status on_realize() override;

 private:
  static constexpr uint32_t kLargestSize = 16;

  uint64_t read(uint64_t, unsigned) { return 0; }
  void write(uint64_t offset, unsigned width, uint64_t value);

  uint32_t iobase_ = 0x501;
  uint32_t iosize_ = 2;
};

}  // namespace vireo::hw
