#pragma once

#include <cstdint>

#include "tests/conformance/host_cpu/processor_state.h"

namespace vireo::host_cpu {

/// One run of the code of a batch. The patch is what lies around the operand in memory, the same
/// bytes afterwards are part of the result; all other memory goes on from case to case.
struct Case {
  static constexpr unsigned kMaxPatch = 896;  ///< An XSAVE area with AVX, and margins.
  ProcessorState state;
  uint32_t patch_at;  ///< Offset in the arena's data.
  uint32_t patch_size;
  uint32_t operand_at;  ///< Where in the patch the operand begins; beyond it: elsewhere.
  uint8_t patch[kMaxPatch];
};

struct CaseResult {
  ProcessorState state;
  Ending ending;
  uint8_t window[Case::kMaxPatch];  ///< The patch's bytes afterwards.
};

/// Code and a number of cases for it. Lies in memory that is shared with the child.
struct Batch {
  static constexpr unsigned kMaxCases = 128;
  unsigned bits;         ///< 32 or 64.
  uint64_t code_length;  ///< From kStart. An ending at the byte behind it counts as an arrival.
  /// The code is left through INT3 or a fault only, the page being full of INT3; otherwise it runs
  /// on into what is behind it.
  bool traps;
  bool small_data;   ///< DS and ES are kSmallData, not kData.
  bool is_sequence;  ///< Of instructions, which ends at an INT3; else one instruction.
  unsigned count;
  Case cases[kMaxCases];
  uint8_t code[Arena::kCodeSize];
  uint8_t memory[Arena::kDataSize];  ///< Before the first case.
};

struct BatchResult {
  unsigned done;  ///< Cases that have been run.
  CaseResult results[Batch::kMaxCases];
  uint8_t code[Arena::kCodeSize];    ///< Behind the last case.
  uint8_t memory[Arena::kDataSize];  ///< Likewise.
};

}  // namespace vireo::host_cpu
