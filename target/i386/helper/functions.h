#pragma once

#include <cstdint>
#include <span>

#include "target/i386/cpu/state.h"
#include "tcg/runtime/hooks.h"

namespace vireo::i386 {

// The helpers of helpers.inc, which says what their arguments are.
#define HELPER(name) uint64_t helper_##name(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c);
#include "target/i386/helper/helpers.inc"
#undef HELPER

/// What the IR's x87 operations do (tcg::X87Function).
uint64_t plain_x87(tcg::Frame* frame, uint64_t code, uint64_t low, uint64_t high);

/// In the order of HelperId (translate/helper_id.h).
std::span<const tcg::Helper> helper_table();

}  // namespace vireo::i386
