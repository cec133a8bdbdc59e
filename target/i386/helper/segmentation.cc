// Segment registers and stacks (SDM volume 3, chapters 3, 5 and 6).

#include "target/i386/helper/segmentation.h"

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"

namespace vireo::i386 {
namespace {

void load_null(CpuState& state, SegmentRegister index, uint16_t selector) {
  Segment& segment = state.segments[index];
  segment = Segment{};
  segment.selector = selector;
  // SS of a null selector keeps its privilege in the hidden part.
  if (index == kSs) segment.attributes = static_cast<uint16_t>(state.cpl << 5);
}

void check_stack_descriptor(CpuState& state, uint16_t selector, const Descriptor& descriptor) {
  const uint32_t error = selector_error(state, selector);
  if ((selector & 3) != state.cpl || !descriptor.is_writable_data() ||
      descriptor.dpl() != state.cpl)
    raise_gp(state, error);
  if (!descriptor.present()) raise_exception(state, kSsFault, error);
}

void check_data_descriptor(CpuState& state, uint16_t selector, const Descriptor& descriptor) {
  const uint32_t error = selector_error(state, selector);
  if (!descriptor.is_memory() || !descriptor.is_readable()) raise_gp(state, error);
  const bool conforming = descriptor.is_code() && descriptor.is_conforming();
  if (!conforming && ((selector & 3) > descriptor.dpl() || state.cpl > descriptor.dpl()))
    raise_gp(state, error);
  if (!descriptor.present()) raise_exception(state, kNp, error);
}

void load_protected(CpuState& state, SegmentRegister index, uint16_t selector) {
  if (is_null(selector)) {
    const bool null_stack_allowed =
        in_64bit_mode(state) && state.cpl != 3 && (selector & 3) == state.cpl;
    if (index == kSs && !null_stack_allowed) raise_gp(state, 0);
    load_null(state, index, selector);
    return;
  }
  Descriptor descriptor = read_descriptor(state, selector);
  if (index == kSs) {
    check_stack_descriptor(state, selector, descriptor);
  } else {
    check_data_descriptor(state, selector, descriptor);
  }
  set_accessed(state, descriptor);
  state.segments[index] = descriptor.segment(selector);
}

}  // namespace

Segment vm86_segment(uint16_t selector) {
  return {uint64_t{selector} << 4, 0xffff, selector, 0xf3};
}

void load_real_segment(CpuState& state, SegmentRegister index, uint16_t selector) {
  Segment& segment = state.segments[index];
  if (in_vm86(state)) {
    segment = vm86_segment(selector);
    return;
  }
  segment.selector = selector;
  segment.base = uint64_t{selector} << 4;
}

void load_segment(CpuState& state, SegmentRegister index, uint16_t selector) {
  if (in_protected_mode(state)) {
    load_protected(state, index, selector);
  } else {
    load_real_segment(state, index, selector);
  }
  update_mode(state);
}

void commit_code_segment(CpuState& state, uint16_t selector, Descriptor& descriptor, uint8_t cpl) {
  set_accessed(state, descriptor);
  state.segments[kCs] = descriptor.segment(static_cast<uint16_t>((selector & ~3) | cpl));
  state.cpl = cpl;
}

void check_code_target(CpuState& state, const Descriptor& descriptor, uint16_t selector,
                       uint64_t ip) {
  if (in_long_mode(state) && descriptor.is_long()) {
    if (descriptor.is_big()) raise_gp(state, selector_error(state, selector));
    if (!is_canonical(state, ip)) raise_gp(state, state.external_event);
  } else if (ip > descriptor.limit()) {
    raise_gp(state, state.external_event);
  }
}

bool within_limit(const Segment& segment, uint64_t offset, uint64_t size) {
  const uint64_t last = offset + size - 1;
  constexpr uint16_t kKind = kAttributeMemory | kAttributeCode | kAttributeConforming;
  const bool expand_down =
      (segment.attributes & kKind) == (kAttributeMemory | kAttributeConforming);
  if (!expand_down) return last <= segment.limit;
  const uint64_t top = segment.attributes & kAttributeBig ? 0xffffffff : 0xffff;
  return offset > segment.limit && last <= top;
}

void check_limit(CpuState& state, const Segment& segment, uint64_t offset, uint64_t size,
                 bool is_stack) {
  if (!within_limit(segment, offset, size))
    raise_exception(state, is_stack ? kSsFault : kGp, state.external_event);
}

void check_data_access(CpuState& state, SegmentRegister index, uint64_t offset, uint64_t size,
                       bool is_write) {
  const Segment& segment = state.segments[index];
  if (in_protected_mode(state)) {
    const bool usable = segment.attributes & kAttributePresent;
    const bool is_code = segment.attributes & kAttributeCode;
    const bool second_bit = segment.attributes & kAttributeWritable;
    const bool allowed = usable && (is_write ? !is_code && second_bit : !is_code || second_bit);
    if (!allowed) raise_exception(state, index == kSs ? kSsFault : kGp, 0u);
  }
  check_limit(state, segment, offset, size, index == kSs);
}

uint64_t linear_address(const CpuState& state, SegmentRegister index, uint64_t offset) {
  if (!in_64bit_mode(state)) return (state.segments[index].base + offset) & 0xffffffff;
  return index == kFs || index == kGs ? state.segments[index].base + offset : offset;
}

Stack::Stack(CpuState& state)
    : Stack(state, state.segments[kSs], state.frame.general[kRsp], data_privilege(state),
            in_64bit_mode(state)) {}

Stack::Stack(CpuState& state, const Segment& segment, uint64_t sp, Privilege privilege, bool flat,
             bool is_new)
    : state_(state),
      segment_(segment),
      sp_(sp),
      flat_(flat),
      is_new_(is_new),
      privilege_(privilege) {
  mask_ = flat_ ? ~uint64_t{0} : segment.attributes & kAttributeBig ? 0xffffffff : 0xffff;
}

uint64_t Stack::linear(uint64_t offset, unsigned size) const {
  if (flat_) {
    if (!is_canonical(state_, offset)) raise_exception(state_, kSsFault, state_.external_event);
    return offset;
  }
  if (is_new_ && !within_limit(segment_, offset, size))
    raise_exception(state_, kSsFault, selector_error(state_, segment_.selector));
  check_limit(state_, segment_, offset, size, true);
  return (segment_.base + offset) & 0xffffffff;
}

uint64_t Stack::watched(uint64_t offset, unsigned size, bool is_write) const {
  const uint64_t address = linear(offset, size);
  if (state_.mode & kModeBreakpoints) watch_access(state_, address, size, is_write);
  if ((state_.mode & kModeAlignmentCheck) && privilege_ == Privilege::kUser)
    check_alignment(state_, address, size);
  return address;
}

void Stack::push(uint64_t value, unsigned size) {
  const uint64_t next = (sp_ & ~mask_) | ((sp_ - size) & mask_);
  const uint64_t address = watched(next & mask_, size, true);
  write_sized(state_, address, size, value, privilege_);
  sp_ = next;
}

uint64_t Stack::peek(uint64_t offset, unsigned size) const {
  const uint64_t address = watched((sp_ + offset) & mask_, size, false);
  return read_sized(state_, address, size, privilege_);
}

uint64_t Stack::pop(unsigned size) {
  const uint64_t value = peek(0, size);
  release(size);
  return value;
}

void Stack::release(uint64_t bytes) { sp_ = (sp_ & ~mask_) | ((sp_ + bytes) & mask_); }

void Stack::store_sp() const {
  uint64_t& rsp = state_.frame.general[kRsp];
  if (mask_ == 0xffff) {
    rsp = (rsp & ~uint64_t{0xffff}) | (sp_ & 0xffff);
  } else {
    rsp = sp_ & mask_;
  }
}

TssStack read_tss_stack(CpuState& state, uint8_t privilege) {
  const auto check = [&](uint32_t last) {
    if (last > state.tr.limit)
      raise_exception(state, kTs, selector_error(state, state.tr.selector));
  };
  const uint64_t base = state.tr.base;
  if (in_long_mode(state)) {
    const uint32_t offset = 4 + 8u * privilege;
    check(offset + 7);
    const auto rsp = read<uint64_t>(state, base + offset, Privilege::kSystem);
    return {privilege, rsp};
  }
  if (state.tr.attributes & 8) {
    const uint32_t offset = 4 + 8u * privilege;
    check(offset + 5);
    const auto esp = read<uint32_t>(state, base + offset, Privilege::kSystem);
    return {read<uint16_t>(state, base + offset + 4, Privilege::kSystem), esp};
  }
  const uint32_t offset = 2 + 4u * privilege;
  check(offset + 3);
  const auto sp = read<uint16_t>(state, base + offset, Privilege::kSystem);
  return {read<uint16_t>(state, base + offset + 2, Privilege::kSystem), sp};
}

uint64_t read_interrupt_stack(CpuState& state, uint8_t index) {
  const uint32_t offset = 0x24 + 8u * (index - 1);
  if (offset + 7 > state.tr.limit)
    raise_exception(state, kTs, selector_error(state, state.tr.selector));
  return read<uint64_t>(state, state.tr.base + offset, Privilege::kSystem);
}

Segment check_stack_segment(CpuState& state, uint16_t selector, uint8_t cpl, uint8_t vector) {
  if (is_null(selector)) raise_exception(state, vector, state.external_event);
  const uint32_t error = selector_error(state, selector);
  Descriptor descriptor = read_descriptor(state, selector, vector);
  if ((selector & 3) != cpl || descriptor.dpl() != cpl || !descriptor.is_writable_data())
    raise_exception(state, vector, error);
  if (!descriptor.present()) raise_exception(state, kSsFault, error);
  set_accessed(state, descriptor);
  return descriptor.segment(selector);
}

void drop_inner_segments(CpuState& state) {
  for (const SegmentRegister index : {kEs, kDs, kFs, kGs}) {
    Segment& segment = state.segments[index];
    const uint16_t attributes = segment.attributes;
    const bool conforming_code = (attributes & (kAttributeCode | kAttributeConforming)) ==
                                 (kAttributeCode | kAttributeConforming);
    const unsigned dpl = attributes >> 5 & 3;
    if (!is_null(segment.selector) && !conforming_code && dpl < state.cpl) segment = Segment{};
  }
}

}  // namespace vireo::i386
