#pragma once

#include <cstdint>
#include <utility>

#include "target/i386/cpu/state.h"
#include "target/i386/helper/page_walk.h"

namespace vireo::i386 {

/// Record an exception at the current instruction and abandon what is being done: control goes to
/// the innermost guarded() call, or from translated code to the execution loop (kException). C++
/// frames between are abandoned without destructors.
[[noreturn]] void raise_exception(CpuState& state, uint8_t vector);
[[noreturn]] void raise_exception(CpuState& state, uint8_t vector, uint32_t error);
/// #GP(error).
[[noreturn]] void raise_gp(CpuState& state, uint32_t error = 0);
/// The fault of a failed walk of `linear`; sets CR2 for a page fault.
[[noreturn]] void raise_walk_fault(CpuState& state, uint64_t linear, const Walk& walk);

/// Records like the above without leaving, for code outside of helpers.
void record_exception(CpuState& state, uint8_t vector);
void record_exception(CpuState& state, uint8_t vector, uint32_t error);

bool run_guarded(CpuState& state, void (*body)(void*), void* context);

/// Runs `body`; false if it raised an exception, which is then in CpuState::pending.
template <class Body>
bool guarded(CpuState& state, Body&& body) {
  return run_guarded(
      state, [](void* context) { (*static_cast<std::remove_reference_t<Body>*>(context))(); },
      &body);
}

}  // namespace vireo::i386
