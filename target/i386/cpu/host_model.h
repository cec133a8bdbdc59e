#pragma once

#include "target/i386/cpu/config.h"

namespace vireo::i386 {

/// The host's processor, with features that are not implemented as well. Errors: it is no x86.
util::Result<CpuConfig> host_cpu_config();

}  // namespace vireo::i386
