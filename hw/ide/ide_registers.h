#pragma once

#include <cstdint>

namespace vireo::hw {

/// Offsets in the command block (ATA/ATAPI-6, 7).
enum AtaRegister : uint8_t {
  kAtaData = 0,
  kAtaError = 1,  // Features when written
  kAtaCount = 2,
  kAtaLow = 3,
  kAtaMid = 4,
  kAtaHigh = 5,
  kAtaDevice = 6,
  kAtaStatus = 7,  // Command when written
};

enum AtaStatus : uint8_t {
  kAtaBusy = 0x80,
  kAtaReady = 0x40,
  kAtaSeekComplete = 0x10,
  kAtaDataRequest = 0x08,
  kAtaCheck = 0x01,
};

enum AtaError : uint8_t {
  kAtaAborted = 0x04,
  kAtaIdNotFound = 0x10,
  kAtaUncorrectable = 0x40,
};

enum AtaDeviceBit : uint8_t { kAtaDeviceOne = 0x10, kAtaDeviceLba = 0x40 };

enum AtaControl : uint8_t { kAtaInterruptOff = 0x02, kAtaSoftReset = 0x04, kAtaHighOrder = 0x80 };

/// Interrupt reason, in the count register of packet devices.
enum AtapiReason : uint8_t { kAtapiCommand = 1, kAtapiToHost = 2, kAtapiDone = 3 };

enum AtaCommand : uint8_t {
  kAtaDeviceReset = 0x08,
  kAtaExecuteDiagnostic = 0x90,
};

}  // namespace vireo::hw
