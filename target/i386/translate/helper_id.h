#pragma once

#include <cstdint>

namespace vireo::i386 {

/// Helpers by their place in helper/helpers.inc: what CallHelper's `aux` holds.
enum class HelperId : uint16_t {
#define HELPER(name) name,
#include "target/i386/helper/helpers.inc"
#undef HELPER
  kCount
};

}  // namespace vireo::i386
