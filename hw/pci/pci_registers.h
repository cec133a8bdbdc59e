#pragma once

#include <cstdint>

namespace vireo::hw {

/// Offsets in a type 0 configuration header (PCI Local Bus Specification 3.0, 6.1).
enum PciRegister : uint8_t {
  kPciVendorId = 0x00,
  kPciDeviceId = 0x02,
  kPciCommand = 0x04,
  kPciStatus = 0x06,
  kPciRevision = 0x08,
  kPciClassCode = 0x09,
  kPciCacheLineSize = 0x0c,
  kPciLatencyTimer = 0x0d,
  kPciHeaderType = 0x0e,
  kPciBar0 = 0x10,
  kPciSubsystemVendorId = 0x2c,
  kPciSubsystemId = 0x2e,
  kPciRomBar = 0x30,
  kPciCapabilities = 0x34,
  kPciInterruptLine = 0x3c,
  kPciInterruptPin = 0x3d,
};

enum PciCommandBit : uint16_t {
  kPciCommandIo = 1u << 0,
  kPciCommandMemory = 1u << 1,
  kPciCommandMaster = 1u << 2,
  kPciCommandParity = 1u << 6,
  kPciCommandSerr = 1u << 8,
  kPciCommandIntxDisable = 1u << 10,
};

enum PciStatusBit : uint16_t {
  kPciStatusInterrupt = 1u << 3,
  kPciStatusCapabilities = 1u << 4,
};

enum PciCapabilityId : uint8_t {
  kPciCapabilityMsi = 0x05,
  kPciCapabilityVendor = 0x09,
  kPciCapabilityMsix = 0x11,
};

}  // namespace vireo::hw
