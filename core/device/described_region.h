#pragma once

#include "core/device/device_type.h"
#include "core/memory/region.h"

namespace vireo::core {

/// A region of one device, made from its RegionDescription: leads accesses to the device's
/// functions and traces them.
class DescribedRegion final : public IoHandler {
 public:
  DescribedRegion(Device& device, const RegionDescription& description);

  const RegionDescription& description() const { return description_; }
  Region& region() { return region_; }

  uint64_t io_read(uint64_t offset, unsigned width) override;
  void io_write(uint64_t offset, unsigned width, uint64_t value) override;

 private:
  const Register* find(uint64_t offset) const;
  uint64_t read_registers(uint64_t offset, unsigned width);
  void write_registers(uint64_t offset, unsigned width, uint64_t value);

  Device& device_;
  const RegionDescription& description_;
  Region region_;
};

}  // namespace vireo::core
