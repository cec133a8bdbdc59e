// The mode bits that translations depend on, derived from the state.

#include "target/i386/cpu/mode.h"

#include "target/i386/cpu/xsave_layout.h"

namespace vireo::i386 {
namespace {

constexpr uint16_t kDefaultBig = 1u << 14;
constexpr uint16_t kLongSegment = 1u << 13;

bool is_flat(const CpuState& state) {
  const auto flat = [&](SegmentRegister s) {
    const Segment& segment = state.segments[s];
    // Expand-down and unusable segments are not flat; a data segment has to be writable.
    const bool plain = (segment.attributes & 0x9e) == 0x92 || (segment.attributes & 0x9e) == 0x9a;
    return segment.base == 0 && segment.limit == 0xffffffff && plain;
  };
  return flat(kDs) && flat(kEs) && flat(kSs) && (state.segments[kDs].attributes & 0xa) == 2 &&
         (state.segments[kEs].attributes & 0xa) == 2 && state.segments[kCs].base == 0 &&
         state.segments[kCs].limit == 0xffffffff;
}

/// Which segments' accesses have to be checked; see kModeCheckShift.
uint64_t limit_bits(const CpuState& state) {
  const bool has_rights = (state.cr0 & kCr0Pe) && !(state.eflags & kVm);
  uint64_t mode = 0;
  for (unsigned i = 0; i < kSegmentCount; ++i) {
    const Segment& segment = state.segments[i];
    // Present, writable data that expands up.
    const bool plain = !has_rights || (segment.attributes & 0x9e) == 0x92;
    const bool usual = segment.limit == 0xffff || segment.limit == 0xffffffff;
    if (!plain || !usual) mode |= uint64_t{1} << (kModeCheckShift + i);
    if (segment.limit != 0xffffffff) mode |= uint64_t{1} << (kModeLimitedShift + i);
  }
  return mode;
}

uint64_t segmentation_bits(const CpuState& state) {
  uint64_t mode = 0;
  const uint16_t code = state.segments[kCs].attributes;
  if (state.efer & kEferLma) mode |= kModeLongActive;
  if ((state.efer & kEferLma) && (code & kLongSegment)) {
    mode |= kMode64 | kModeCode32 | kModeStack32 | kModeFlatData;
  } else {
    if (code & kDefaultBig) mode |= kModeCode32;
    if (state.segments[kSs].attributes & kDefaultBig) mode |= kModeStack32;
    if (is_flat(state)) mode |= kModeFlatData;
    mode |= limit_bits(state);
    mode |= uint64_t{~state.segments[kCs].limit} << kModeCodeLimitShift;
  }
  return mode;
}

uint64_t unit_bits(const CpuState& state) {
  uint64_t mode = 0;
  if (state.cr0 & (kCr0Em | kCr0Ts)) mode |= kModeFpuUnavailable;
  if ((state.cr0 & (kCr0Em | kCr0Ts)) || !(state.cr4 & kCr4Osfxsr)) mode |= kModeSseUnavailable;
  const bool avx_enabled = (state.cr4 & kCr4Osxsave) && (state.xcr0 & kXsaveYmm) == kXsaveYmm;
  if ((state.cr0 & kCr0Ts) || !avx_enabled) mode |= kModeAvxUnavailable;
  const bool masked = (state.x87.control & tcg::kX87Masks) == tcg::kX87Masks;
  if (!masked || !(state.cr0 & kCr0Ne)) mode |= kModeX87MayRaise;
  return mode;
}

// Supervisor rights to user pages hold only while AC is set (SMAP).
void select_kernel_tlb(CpuState& state) {
  tcg::Frame& frame = state.frame;
  frame.tlb[tcg::kContextKernel] = frame.kernel_tlb[state.eflags & kAc ? 1 : 0];
}

}  // namespace

void update_mode(CpuState& state) {
  uint64_t mode = segmentation_bits(state) | unit_bits(state);
  mode |= uint64_t{state.cpl} << kModeCplShift;
  const bool vm86 = (state.cr0 & kCr0Pe) && (state.eflags & kVm);
  if (vm86) mode |= kModeVm86;
  if ((state.cr0 & kCr0Pe) && !vm86) mode |= kModeProtected;
  if (state.eflags & kTf) mode |= kModeTrap;
  if (state.interrupt_shadow) mode |= kModeInterruptShadow;
  if (!(state.cr0 & kCr0Pe) || state.cpl <= iopl(state)) mode |= kModeIopl3;
  if (state.cpl == 3 && (state.cr0 & kCr0Am) && (state.eflags & kAc)) mode |= kModeAlignmentCheck;
  const bool resumes = state.eflags & kRf;
  if ((state.dr[7] & 0xff) || state.held_debug_hits || resumes) mode |= kModeBreakpoints;
  state.mode = mode;
  select_kernel_tlb(state);
}

void set_eflags(CpuState& state, uint32_t value) {
  set_arithmetic_flags(state, value);
  state.eflags = value & kSystemFlags;
}

}  // namespace vireo::i386
