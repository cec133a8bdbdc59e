#pragma once

#include "target/i386/cpu/state.h"
#include "target/i386/helper/exception.h"

namespace vireo::i386 {

/// enter_handler() for protected and VM86 mode (SDM volume 3, 6.12) and for long mode (6.14).
void enter_protected_mode_handler(CpuState& state, const Event& event);
void enter_long_mode_handler(CpuState& state, const Event& event);

}  // namespace vireo::i386
