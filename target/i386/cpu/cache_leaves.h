#pragma once

#include "target/i386/cpu/config.h"

namespace vireo::i386 {

/// Leaf 2, for Intel's models.
CpuidResult cache_descriptors(const CpuConfig& config);

/// Leaf 4 (Intel) or 0x8000001d (AMD): a cache a sub-leaf, zeros behind the last.
CpuidResult cache_leaf(const CpuConfig& config, uint32_t subleaf);

/// Leaves 0x80000005 and 0x80000006. Intel has of them the second-level cache alone.
CpuidResult first_level_caches(const CpuConfig& config);
CpuidResult outer_caches(const CpuConfig& config);

}  // namespace vireo::i386
