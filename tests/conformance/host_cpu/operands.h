#pragma once

#include "tests/conformance/host_cpu/batch.h"
#include "tests/conformance/host_cpu/encoding.h"

namespace vireo::host_cpu {

/// Random registers and memory for an instruction, its operands being where there is memory (or,
/// seldom, where there is none). False if this try gave none.
bool fill_case(const Encoding& encoding, Random& random, Case& into);

/// Random registers alone, all exceptions of x87 and SIMD masked.
void fill_state(Random& random, ProcessorState& state);
/// Random values for all data.
void fill_memory(Random& random, uint8_t (&memory)[Arena::kDataSize]);

}  // namespace vireo::host_cpu
