#pragma once

#include <cstdint>

namespace vireo::host_cpu {

/// What an instruction of user mode may read and change beside memory. Known to assembly: see
/// host_run.cc.
struct ProcessorState {
  uint64_t general[16];
  uint64_t flags;
  uint64_t mxcsr;
  uint64_t mmx[8];
  uint8_t xmm[16][16];
};

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

/// Runs the instruction at arena().code, `length` bytes, on this processor.
Outcome run_on_host(unsigned length, ProcessorState& state);

}  // namespace vireo::host_cpu
