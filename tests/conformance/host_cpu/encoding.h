#pragma once

#include <random>

#include "target/i386/decode/insn.h"
#include "tests/conformance/host_cpu/processor_state.h"

namespace vireo::host_cpu {

using Random = std::mt19937_64;

/// Random values for arena().data.
void fill_memory(Random& random);

/// A random instruction of a row, written to arena().code, with registers that make its memory
/// operand lie in arena().data.
struct Sample {
  i386::Insn insn;
  ProcessorState state;
};

/// False if this try gave none (a combination of operands that cannot be set up).
bool make_sample(unsigned bits, i386::Map map, const i386::Row& row, Random& random,
                 Sample& sample);

i386::FeatureSet all_features();

}  // namespace vireo::host_cpu
