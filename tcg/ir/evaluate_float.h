#pragma once

// MXCSR and the software floating point library: what the float and conversion rows share.
// MXCSR: SDM volume 1, 10.2.3. Order of exceptions: 11.5.3 (pre-computation exceptions of all lanes
// come before any post-computation exception).

#include "tcg/ir/evaluate.h"
#include "util/softfloat/softfloat.h"

namespace vireo::tcg {

namespace softfloat = util::softfloat;
using softfloat::Environment;
using softfloat::Float32;
using softfloat::Float64;

inline Environment environment_of(uint32_t mxcsr) {
  Environment environment;
  environment.rounding = static_cast<softfloat::Rounding>(mxcsr >> 13 & 3);
  environment.denormals_are_zero = mxcsr >> 6 & 1;
  environment.flush_to_zero = mxcsr >> 15 & 1;
  environment.masks = static_cast<uint8_t>(mxcsr >> 7 & softfloat::kAllExceptions);
  return environment;
}

/// Puts the exceptions of all lanes into MXCSR and says whether one of them is to be delivered.
inline void accrue(VectorOperation& o, const Environment& environment) {
  uint8_t flags = environment.flags;
  if (environment.unmasked() & softfloat::kPreComputation) flags &= softfloat::kPreComputation;
  o.mxcsr |= flags;
  o.fault |= (flags & ~environment.masks & softfloat::kAllExceptions) != 0;
}

}  // namespace vireo::tcg
