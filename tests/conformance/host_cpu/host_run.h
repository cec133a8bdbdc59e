#pragma once

#include "tests/conformance/host_cpu/batch.h"

namespace vireo::host_cpu {

/// Runs the cases of a batch on this processor, in this process: its signal handlers take the
/// faults. For the child (host_child.h).
void run_natively(const Batch& batch, BatchResult& result);
/// Makes this process ready for that; never undone.
void catch_faults();

/// Whether the host's system has kSmallData to offer; makes it for this process and its children.
bool host_has_small_data();

/// Whether the host has 256-bit registers.
bool host_has_avx();

}  // namespace vireo::host_cpu
