#pragma once

#include "tcg/runtime/frame_allocation.h"

namespace vireo::accel {

/// Where a vCPU's state has to lie for the accelerators.
using CpuMemory = tcg::FrameAllocation;

}  // namespace vireo::accel
