// Descriptors in the GDT and LDT (SDM volume 3, 3.4.5 and 3.5).

#include "target/i386/helper/descriptor.h"

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"

namespace vireo::i386 {
namespace {

constexpr uint16_t kTableIndicator = 4;

// Changes the type byte (byte 5) of a descriptor as one locked access.
void change_type(CpuState& state, uint64_t descriptor, uint8_t set, uint8_t clear) {
  const uint64_t linear = descriptor + 5;
  const HostRange range = host_range(state, linear, 1, true, Privilege::kSystem);
  if (!range.data) {
    const auto before = static_cast<uint8_t>(state.machine->read_physical(range.physical, 1));
    state.machine->write_physical(range.physical, 1, (before | set) & ~clear);
    return;
  }
  auto* byte = reinterpret_cast<uint8_t*>(range.data);
  if (set) __atomic_fetch_or(byte, set, __ATOMIC_SEQ_CST);
  if (clear) __atomic_fetch_and(byte, static_cast<uint8_t>(~clear), __ATOMIC_SEQ_CST);
  written(state, range, 1);
}

}  // namespace

uint32_t selector_error(const CpuState& state, uint16_t selector) {
  return (selector & 0xfffcu) | state.external_event;
}

bool find_descriptor(CpuState& state, uint16_t selector, Descriptor& descriptor) {
  const bool local = selector & kTableIndicator;
  if (local && !(state.ldtr.attributes & kAttributePresent)) return false;
  const uint64_t base = local ? state.ldtr.base : state.gdtr.base;
  const uint32_t limit = local ? state.ldtr.limit : state.gdtr.limit;
  const uint32_t offset = selector & 0xfff8;
  if (offset + 7 > limit) return false;
  descriptor.linear = base + offset;
  if (!in_long_mode(state)) descriptor.linear &= 0xffffffff;
  const auto raw = read<uint64_t>(state, descriptor.linear, Privilege::kSystem);
  descriptor.low = static_cast<uint32_t>(raw);
  descriptor.high = static_cast<uint32_t>(raw >> 32);
  return true;
}

void read_upper_half(CpuState& state, uint16_t selector, Descriptor& descriptor) {
  const uint32_t limit = selector & kTableIndicator ? state.ldtr.limit : state.gdtr.limit;
  if ((selector & 0xfff8u) + 15 > limit) raise_gp(state, selector_error(state, selector));
  const auto raw = read<uint64_t>(state, descriptor.linear + 8, Privilege::kSystem);
  descriptor.upper_base = static_cast<uint32_t>(raw);
  // The upper half's type field has to be zero (SDM volume 3, 5.8.3.1).
  if (raw >> 32 & 0x1f00) raise_gp(state, selector_error(state, selector));
}

Descriptor read_descriptor(CpuState& state, uint16_t selector, uint8_t vector, bool wide) {
  Descriptor descriptor;
  if (!find_descriptor(state, selector, descriptor))
    raise_exception(state, vector, selector_error(state, selector));
  if (wide && in_long_mode(state)) read_upper_half(state, selector, descriptor);
  return descriptor;
}

void set_accessed(CpuState& state, Descriptor& descriptor) {
  if (descriptor.high & 0x100) return;
  change_type(state, descriptor.linear, 1, 0);
  descriptor.high |= 0x100;
}

void set_busy(CpuState& state, const Descriptor& descriptor, bool busy) {
  change_type(state, descriptor.linear, busy ? 2 : 0, busy ? 0 : 2);
}

}  // namespace vireo::i386
