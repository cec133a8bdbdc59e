#pragma once

#include <string>

#include "tests/conformance/host_cpu/batch.h"
#include "tests/conformance/host_cpu/encoding.h"

namespace vireo::host_cpu {

/// What differs between the host's and our result of the same case, but for what the SDM leaves
/// undefined, which `ours` takes from the host's; empty if nothing does.
std::string differences(const Encoding& encoding, const Case& before, const CaseResult& host,
                        CaseResult& ours);
/// The same for the only case of a sequence, in which everything is defined.
std::string sequence_differences(const Batch& batch, const BatchResult& host,
                                 const BatchResult& ours);

/// The arithmetic flags that an instruction leaves undefined (SDM volume 1, appendix A).
uint64_t undefined_flags(const i386::Insn& insn, const ProcessorState& before);

/// What is not zero in it, for reproducing.
std::string describe(const Case& from);
std::string hex(uint64_t value);

}  // namespace vireo::host_cpu
