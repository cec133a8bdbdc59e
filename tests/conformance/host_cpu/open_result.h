#pragma once

#include "tests/conformance/host_cpu/batch.h"
#include "tests/conformance/host_cpu/encoding.h"

namespace vireo::host_cpu {

/// What of an instruction's result is left open, by the SDM or by what processors do.
enum class OpenResult : uint8_t {
  kNone,
  kDestination,     ///< Undefined: BSWAP of 16 bits, SHLD and SHRD beyond 16 bits.
  kApproximation,   ///< RCPPS, RSQRTPS: within a relative error.
  kTranscendental,  ///< Within an error in the last place.
  kMmxTransition,   ///< CVTPI2PS from memory: AMD's processors leave the x87 state alone.
};

OpenResult open_result(const i386::Insn& insn, const ProcessorState& before);
/// Of the row as a whole, for people; null if nothing is open.
const char* open_result_text(const i386::Row& row);

/// Makes the open part of our result that of the host's, if it is as near to it as it has to be.
void take_open_result(const Encoding& encoding, const Case& before, const CaseResult& host,
                      CaseResult& ours);

}  // namespace vireo::host_cpu
