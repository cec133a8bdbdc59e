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

enum class Outcome : uint8_t {
  kDone,         ///< The next instruction would follow.
  kDivideError,  ///< #DE.
  kOther,        ///< Another fault, a jump, or something that only the system may do.
};

/// Memory that instructions may use: low enough for 32-bit addresses. Kept until the process ends.
struct Arena {
  static constexpr uint64_t kDataSize = 40 << 10;
  uint8_t* data;
  uint8_t* code;  ///< A page.
};
const Arena& arena();

/// Runs the instruction at arena().code, `length` bytes, on this processor, in 64-bit mode or in a
/// 32-bit code segment (`bits`).
Outcome run_on_host(unsigned bits, unsigned length, ProcessorState& state);

/// Whether the host has 256-bit registers.
bool host_has_avx();

/// Whether this system has a 32-bit code segment to run in.
bool host_has_32bit_segment();

}  // namespace vireo::host_cpu
