#pragma once

#include <cstdint>

namespace vireo::hw {

inline constexpr uint16_t kVirtioVendor = 0x1af4;
inline constexpr uint16_t kVirtioNoVector = 0xffff;

/// Device status (virtio 1.2, 2.1).
enum VirtioStatus : uint8_t {
  kVirtioAcknowledge = 1,
  kVirtioDriver = 2,
  kVirtioDriverOk = 4,
  kVirtioFeaturesOk = 8,
  kVirtioNeedsReset = 0x40,
  kVirtioFailed = 0x80,
};

/// Feature bits that are not of one device type (virtio 1.2, 6).
enum VirtioFeature : uint8_t {
  kVirtioAnyLayout = 27,
  kVirtioIndirectDescriptors = 28,
  kVirtioEventIndex = 29,
  kVirtioVersion1 = 32,
};

constexpr uint64_t virtio_bit(unsigned feature) { return uint64_t{1} << feature; }

/// Device types (virtio 1.2, 5).
enum VirtioType : uint16_t {
  kVirtioNet = 1,
  kVirtioBlock = 2,
  kVirtioConsole = 3,
  kVirtioEntropy = 4,
};

}  // namespace vireo::hw
