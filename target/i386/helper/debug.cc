// Breakpoints and single steps (SDM volume 3, 17.2 and 17.3.1). While DR7 enables something, blocks
// hold one instruction: helpers look for its breakpoints before, note its accesses, and raise the
// trap behind.

#include "target/i386/helper/debug.h"

#include <utility>

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/page_walk.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/segmentation.h"
#include "tcg/ir/block.h"
#include "tcg/runtime/hooks.h"

namespace vireo::i386 {
namespace {

constexpr unsigned kBreakpoints = 4;
constexpr uint64_t kDr6Hits = 0xf;
constexpr uint64_t kDr6SingleStep = 1u << 14;

/// The R/W field of DR7.
enum Kind : unsigned { kExecution, kDataWrite, kPort, kDataAccess };

bool is_enabled(uint64_t dr7, unsigned index) { return dr7 >> (2 * index) & 3; }
Kind kind_of(uint64_t dr7, unsigned index) { return Kind(dr7 >> (16 + 4 * index) & 3); }
uint64_t length_of(uint64_t dr7, unsigned index) {
  constexpr uint64_t kLengths[] = {1, 2, 8, 4};
  return kLengths[dr7 >> (18 + 4 * index) & 3];
}

/// The bits of DR6 for enabled breakpoints that `fits(kind)` allows and that lie in the range.
template <class Fits>
uint8_t hits_in(const CpuState& state, uint64_t first, uint64_t size, Fits&& fits) {
  uint8_t hits = 0;
  const uint64_t dr7 = state.dr[7];
  for (unsigned i = 0; i < kBreakpoints; ++i) {
    if (!is_enabled(dr7, i) || !fits(kind_of(dr7, i))) continue;
    const uint64_t length = length_of(dr7, i);
    const uint64_t begin = state.dr[i] & ~(length - 1);
    if (first < begin + length && begin < first + size) hits |= static_cast<uint8_t>(1u << i);
  }
  return hits;
}

void report(CpuState& state, uint8_t hits) { state.dr[6] = (state.dr[6] & ~kDr6Hits) | hits; }

// SDM volume 3, 17.4.3.
bool steps(const CpuState& state, uint64_t mode_before, TracedEnd end) {
  const bool only_branches = state.debug_control & kBranchStep;
  return (mode_before & kModeTrap) && (end == kBranched || !only_branches);
}

// Of the instruction that ends here; returns if there is nothing to raise.
void raise_traps(CpuState& state, bool is_step) {
  hold_debug_hits(state);
  const uint8_t hits = std::exchange(state.held_debug_hits, uint8_t{0});
  if (hits) report(state, hits);
  if (is_step) state.dr[6] |= kDr6SingleStep;
  if (hits || is_step) raise_exception(state, kDb);
}

}  // namespace

void watch_access(CpuState& state, uint64_t linear, uint64_t size, bool is_write) {
  state.debug_hits |= hits_in(state, linear, size, [&](Kind kind) {
    return kind == kDataAccess || (is_write && kind == kDataWrite);
  });
}

void watch_port(CpuState& state, uint16_t port, unsigned width) {
  if (!(state.cr4 & kCr4De)) return;
  state.debug_hits |= hits_in(state, port, width, [](Kind kind) { return kind == kPort; });
}

void hold_debug_hits(CpuState& state) {
  state.held_debug_hits |= std::exchange(state.debug_hits, uint8_t{0});
}

// Behind a load of SS hits go on waiting, and a breakpoint does not count (SDM volume 3, 6.8.3).
bool debug_exception_comes(CpuState& state) {
  const bool switches_stack = state.interrupt_shadow == kStackShadow;
  if (state.held_debug_hits && !switches_stack) {
    report(state, std::exchange(state.held_debug_hits, uint8_t{0}));
    return true;
  }
  const bool resumed = state.eflags & kRf;
  state.eflags &= ~static_cast<uint32_t>(kRf);
  if (resumed || switches_stack) return false;
  const uint64_t linear = linear_address(state, kCs, state.frame.guest_ip);
  const uint8_t hits = hits_in(state, linear, 1, [](Kind kind) { return kind == kExecution; });
  if (hits) report(state, hits);
  return hits != 0;
}

uint64_t helper_begin_watched(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  state.debug_hits = 0;
  if (debug_exception_comes(state)) raise_exception(state, kDb);
  return 0;
}

uint64_t helper_watch_access(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  watch_access(cpu_state(frame), a, b & 0xffff, b >> 16 & 1);
  return 0;
}

bool trap_follows(const CpuState& state) {
  return steps(state, state.mode, kWentOn) || state.held_debug_hits != 0;
}

uint64_t helper_finish_traced(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const auto end = static_cast<TracedEnd>(c);
  frame->guest_ip = a;
  if (end == kIterated) state.eflags |= kRf;  // SDM volume 3, 17.3.1.1
  raise_traps(state, steps(state, b, end));
  if (b & kModeInterruptShadow) state.interrupt_shadow = kNoShadow;
  update_mode(state);
  tcg::leave(frame, static_cast<uint16_t>(tcg::ExitReason::kInterruptWindow));
}

void trap_behind_entry(CpuState& state, uint64_t mode_before) {
  if (!(mode_before & kTracedModes)) return;
  raise_traps(state, (mode_before & kModeTrap) && (state.eflags & kTf));
}

void check_alignment(CpuState& state, uint64_t linear, uint64_t alignment) {
  if ((linear & (alignment - 1)) == 0) return;
  // The access itself is #GP or #SS then, which come first (table 6-2).
  if (is_possible(state, linear)) raise_exception(state, kAcFault, state.external_event);
}

uint64_t helper_check_alignment(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  check_alignment(cpu_state(frame), a, b);
  return 0;
}

}  // namespace vireo::i386
