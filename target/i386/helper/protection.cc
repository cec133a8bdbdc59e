// Instructions on descriptors and descriptor tables: LGDT to ARPL (SDM volume 2), and MOV Sreg.

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/segmentation.h"

namespace vireo::i386 {
namespace {

void require_privilege_zero(CpuState& state) {
  if (state.cpl != 0) raise_gp(state, 0);
}

void require_protected_mode(CpuState& state) {
  if (!in_protected_mode(state)) raise_exception(state, kUd);
}

void check_umip(CpuState& state) {
  if ((state.cr4 & kCr4Umip) && state.cpl > 0) raise_gp(state, 0);
}

void load_table(CpuState& state, DescriptorTable& table, uint64_t linear, unsigned size) {
  require_privilege_zero(state);
  const Privilege privilege = data_privilege(state);
  const bool wide = in_64bit_mode(state);
  uint8_t image[10] = {};
  read_bytes(state, linear, image, wide ? 10 : 6, privilege);
  DescriptorTable loaded;
  std::memcpy(&loaded.limit, image, 2);
  std::memcpy(&loaded.base, image + 2, 8);
  if (!wide) loaded.base &= size == 2 ? 0xffffff : 0xffffffff;
  if (!is_canonical(state, loaded.base)) raise_gp(state, 0);
  table = loaded;
}

void store_table(CpuState& state, const DescriptorTable& table, uint64_t linear) {
  check_umip(state);
  uint8_t image[10];
  std::memcpy(image, &table.limit, 2);
  std::memcpy(image + 2, &table.base, 8);
  write_bytes(state, linear, image, in_64bit_mode(state) ? 10 : 6, data_privilege(state));
}

// Whether LAR, LSL, VERR and VERW may look at the descriptor.
bool is_visible(CpuState& state, uint16_t selector, const Descriptor& descriptor) {
  if (descriptor.is_code() && descriptor.is_conforming()) return true;
  return descriptor.dpl() >= state.cpl && descriptor.dpl() >= (selector & 3);
}

bool find_visible(CpuState& state, uint16_t selector, Descriptor& descriptor) {
  require_protected_mode(state);
  return !is_null(selector) && find_descriptor(state, selector, descriptor) &&
         is_visible(state, selector, descriptor);
}

bool lar_knows(const CpuState& state, uint8_t type) {
  constexpr uint16_t kLegacy = 1u << kTss16 | 1u << kLdt | 1u << kBusyTss16 | 1u << kCallGate16 |
                               1u << kTaskGate | 1u << kTss32 | 1u << kBusyTss32 |
                               1u << kCallGate32;
  constexpr uint16_t kLong = 1u << kLdt | 1u << kTss32 | 1u << kBusyTss32 | 1u << kCallGate32;
  return (in_long_mode(state) ? kLong : kLegacy) >> type & 1;
}

bool lsl_knows(const CpuState& state, uint8_t type) {
  constexpr uint16_t kLegacy =
      1u << kTss16 | 1u << kLdt | 1u << kBusyTss16 | 1u << kTss32 | 1u << kBusyTss32;
  constexpr uint16_t kLong = 1u << kLdt | 1u << kTss32 | 1u << kBusyTss32;
  return (in_long_mode(state) ? kLong : kLegacy) >> type & 1;
}

}  // namespace

uint64_t helper_load_segment(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (a == kCs || a >= kSegmentCount) raise_exception(state, kUd);
  load_segment(state, static_cast<SegmentRegister>(a), static_cast<uint16_t>(b));
  return 0;
}

uint64_t helper_lgdt(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  load_table(state, state.gdtr, a, static_cast<unsigned>(b));
  return 0;
}

uint64_t helper_lidt(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  load_table(state, state.idtr, a, static_cast<unsigned>(b));
  return 0;
}

uint64_t helper_sgdt(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  store_table(state, state.gdtr, a);
  return 0;
}

uint64_t helper_sidt(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  store_table(state, state.idtr, a);
  return 0;
}

uint64_t helper_lldt(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_protected_mode(state);
  require_privilege_zero(state);
  const auto selector = static_cast<uint16_t>(a);
  if (is_null(selector)) {
    state.ldtr = Segment{};
    state.ldtr.selector = selector;
    return 0;
  }
  const uint32_t error = selector_error(state, selector);
  if (selector & 4) raise_gp(state, error);
  const Descriptor descriptor = read_descriptor(state, selector, kGp, true);
  if (!descriptor.is_system(kLdt) || !is_canonical(state, descriptor.base()))
    raise_gp(state, error);
  if (!descriptor.present()) raise_exception(state, kNp, error);
  state.ldtr = descriptor.segment(selector);
  return 0;
}

uint64_t helper_ltr(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_protected_mode(state);
  require_privilege_zero(state);
  const auto selector = static_cast<uint16_t>(a);
  const uint32_t error = selector_error(state, selector);
  if (is_null(selector)) raise_gp(state, 0);
  if (selector & 4) raise_gp(state, error);
  Descriptor descriptor = read_descriptor(state, selector, kGp, true);
  const bool is_tss =
      descriptor.is_system(kTss32) || (!in_long_mode(state) && descriptor.is_system(kTss16));
  if (!is_tss || !is_canonical(state, descriptor.base())) raise_gp(state, error);
  if (!descriptor.present()) raise_exception(state, kNp, error);
  set_busy(state, descriptor, true);
  state.tr = descriptor.segment(selector);
  state.tr.attributes |= 2;
  return 0;
}

uint64_t helper_read_ldtr(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_protected_mode(state);
  check_umip(state);
  return state.ldtr.selector;
}

uint64_t helper_read_tr(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_protected_mode(state);
  check_umip(state);
  return state.tr.selector;
}

uint64_t helper_lar(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  Descriptor descriptor;
  const bool found = find_visible(state, static_cast<uint16_t>(a), descriptor) &&
                     (descriptor.is_memory() || lar_knows(state, descriptor.type()));
  set_zero_flag(state, found);
  return found ? descriptor.high & 0x00f0ff00 : 0;
}

uint64_t helper_lsl(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  Descriptor descriptor;
  const bool found = find_visible(state, static_cast<uint16_t>(a), descriptor) &&
                     (descriptor.is_memory() || lsl_knows(state, descriptor.type()));
  set_zero_flag(state, found);
  return found ? descriptor.limit() : 0;
}

uint64_t helper_verr(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  Descriptor descriptor;
  set_zero_flag(state, find_visible(state, static_cast<uint16_t>(a), descriptor) &&
                           descriptor.is_memory() && descriptor.is_readable());
  return 0;
}

uint64_t helper_verw(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  Descriptor descriptor;
  set_zero_flag(state, find_visible(state, static_cast<uint16_t>(a), descriptor) &&
                           descriptor.is_writable_data());
  return 0;
}

uint64_t helper_arpl(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_protected_mode(state);
  const bool raised = (a & 3) < (b & 3);
  set_zero_flag(state, raised);
  return raised ? (a & ~uint64_t{3}) | (b & 3) : a;
}

uint64_t helper_check_limit(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const auto index = static_cast<SegmentRegister>(a % kSegmentCount);
  check_data_access(state, index, b, c & 0xff, c >> 8 & 1);
  return 0;
}

}  // namespace vireo::i386
