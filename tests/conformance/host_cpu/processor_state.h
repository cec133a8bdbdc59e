#pragma once

#include <cstdint>

namespace vireo::host_cpu {

/// What an instruction of user mode may read and change beside memory. Known to assembly: see
/// host_run.cc.
struct ProcessorState {
  uint64_t general[16];
  uint64_t flags;
  uint64_t mxcsr;
  uint8_t x87[112];        ///< As FNSAVE stores it, and padding; the pointers are not compared.
  uint8_t vector[16][32];  ///< The upper halves count if the host has AVX.
};

// Linux's code segments of user mode, and its data segment.
constexpr uint16_t kCode64 = 0x33, kCode32 = 0x23, kData = 0x2b;
/// The first segment of the LDT: 64 KiB, at whose end the arena's data lies, where 16-bit addresses
/// reach it.
constexpr uint16_t kSmallData = 0x7;
constexpr uint64_t kSmallSize = 0x10000;

/// How code ended: it got to `ip`, or raised an exception there.
struct Ending {
  /// Not a vector: the code got to `ip`, or did what only a system can answer.
  static constexpr uint8_t kArrived = 0xff, kLeft = 0xfe;
  uint8_t vector = kArrived;
  uint32_t error = 0;
  uint64_t fault_address = 0;  ///< CR2, for #PF.
  uint64_t ip = 0;
  bool operator==(const Ending&) const = default;
};

/// The memory of the code under test, at the same low addresses (32-bit code reaches it) in the
/// process that interprets and in its native child, each with contents of its own.
struct Arena {
  static constexpr uint64_t kPage = 4096;
  static constexpr uint64_t kDataSize = 5 * kPage;  ///< Writable; then
  static constexpr uint64_t kReadOnlySize = kPage;  ///< read-only; what follows does not exist.
  static constexpr uint64_t kCodeSize = kPage;
  static constexpr uint64_t kStart = 0x800;  ///< Where in the code an instruction under test lies.
  uint8_t* data;
  uint8_t* code;  ///< A page, and one for what runs it natively.

  uint64_t data_address(uint64_t offset = 0) const {
    return reinterpret_cast<uint64_t>(data) + offset;
  }
  uint64_t small_data_base() const { return data_address(kDataSize + kReadOnlySize) - kSmallSize; }
  uint64_t code_address(uint64_t offset = 0) const {
    return reinterpret_cast<uint64_t>(code) + offset;
  }
};
/// Mapped by the first call, until the process ends.
const Arena& arena();

}  // namespace vireo::host_cpu
