// Guest memory at linear addresses, page by page: the soft TLB first, then a page walk.

#include "target/i386/helper/memory.h"

#include <algorithm>

#include "target/i386/helper/raise.h"

namespace vireo::i386 {
namespace {

size_t bytes_left_in_page(uint64_t linear) { return tcg::kPageSize - tcg::offset_in_page(linear); }

// Linear addresses wrap at 4 GiB outside 64-bit mode.
uint64_t wrap(const CpuState& state, uint64_t linear) {
  return state.efer & kEferLma ? linear : linear & (0xffffffff | kBeyondSegment);
}

Walk walk_or_raise(CpuState& state, uint64_t linear, tcg::Access access, Privilege privilege) {
  const Walk walk = walk_pages(state, linear, access, privilege);
  if (!walk.ok()) raise_walk_fault(state, linear, walk);
  return walk;
}

void probe(CpuState& state, uint64_t linear, size_t size, tcg::Access access, Privilege privilege) {
  while (size > 0) {
    linear = wrap(state, linear);
    const size_t part = std::min(size, bytes_left_in_page(linear));
    if (!tlb_hit(state, linear, part, access == tcg::Access::kWrite, privilege))
      walk_or_raise(state, linear, access, privilege);
    linear += part;
    size -= part;
  }
}

void read_part(CpuState& state, uint64_t linear, uint8_t* into, size_t size, Privilege privilege) {
  const HostRange range = host_range(state, linear, size, false, privilege);
  if (range.data) {
    std::memcpy(into, range.data, size);
    return;
  }
  for (size_t done = 0; done < size;) {
    const unsigned width = (size - done) >= 8   ? 8
                           : (size - done) >= 4 ? 4
                           : (size - done) >= 2 ? 2
                                                : 1;
    const uint64_t value = state.machine->read_physical(range.physical + done, width);
    std::memcpy(into + done, &value, width);
    done += width;
  }
}

void write_part(CpuState& state, uint64_t linear, const uint8_t* from, size_t size,
                Privilege privilege) {
  const HostRange range = host_range(state, linear, size, true, privilege);
  if (range.data) {
    std::memcpy(range.data, from, size);
    written(state, range, size);
    return;
  }
  for (size_t done = 0; done < size;) {
    const unsigned width = (size - done) >= 8   ? 8
                           : (size - done) >= 4 ? 4
                           : (size - done) >= 2 ? 2
                                                : 1;
    uint64_t value = 0;
    std::memcpy(&value, from + done, width);
    state.machine->write_physical(range.physical + done, width, value);
    done += width;
  }
}

}  // namespace

HostRange host_range(CpuState& state, uint64_t linear, size_t size, bool for_write,
                     Privilege privilege) {
  uint8_t* hit = tlb_hit(state, linear, size, for_write, privilege);
  const bool cacheable =
      privilege != Privilege::kSystem || !(state.cr4 & kCr4Smap) || !(state.eflags & kAc);
  if (!hit && cacheable &&
      state.machine->fill_tlb(linear, static_cast<unsigned>(std::min<size_t>(size, 8)), for_write,
                              privilege == Privilege::kUser))
    hit = tlb_hit(state, linear, size, for_write, privilege);
  if (hit) return {reinterpret_cast<std::byte*>(hit), true, 0};
  const Walk walk =
      walk_or_raise(state, linear, for_write ? tcg::Access::kWrite : tcg::Access::kRead, privilege);
  const auto span = state.machine->memory_span(walk.physical, size, for_write);
  return {span.empty() ? nullptr : span.data(), !for_write, walk.physical};
}

void probe_write(CpuState& state, uint64_t linear, size_t size, Privilege privilege) {
  probe(state, linear, size, tcg::Access::kWrite, privilege);
}

void probe_read(CpuState& state, uint64_t linear, size_t size, Privilege privilege) {
  probe(state, linear, size, tcg::Access::kRead, privilege);
}

void read_bytes(CpuState& state, uint64_t linear, void* into, size_t size, Privilege privilege) {
  auto* out = static_cast<uint8_t*>(into);
  if (size > bytes_left_in_page(linear)) probe_read(state, linear, size, privilege);
  while (size > 0) {
    linear = wrap(state, linear);
    const size_t part = std::min(size, bytes_left_in_page(linear));
    read_part(state, linear, out, part, privilege);
    out += part;
    linear += part;
    size -= part;
  }
}

void write_bytes(CpuState& state, uint64_t linear, const void* from, size_t size,
                 Privilege privilege) {
  auto* in = static_cast<const uint8_t*>(from);
  if (size > bytes_left_in_page(linear)) probe_write(state, linear, size, privilege);
  while (size > 0) {
    linear = wrap(state, linear);
    const size_t part = std::min(size, bytes_left_in_page(linear));
    write_part(state, linear, in, part, privilege);
    in += part;
    linear += part;
    size -= part;
  }
}

uint64_t read_sized(CpuState& state, uint64_t linear, unsigned size, Privilege privilege) {
  switch (size) {
    case 1:
      return read<uint8_t>(state, linear, privilege);
    case 2:
      return read<uint16_t>(state, linear, privilege);
    case 4:
      return read<uint32_t>(state, linear, privilege);
    default:
      return read<uint64_t>(state, linear, privilege);
  }
}

void write_sized(CpuState& state, uint64_t linear, unsigned size, uint64_t value,
                 Privilege privilege) {
  switch (size) {
    case 1:
      return write<uint8_t>(state, linear, static_cast<uint8_t>(value), privilege);
    case 2:
      return write<uint16_t>(state, linear, static_cast<uint16_t>(value), privilege);
    case 4:
      return write<uint32_t>(state, linear, static_cast<uint32_t>(value), privilege);
    default:
      return write<uint64_t>(state, linear, value, privilege);
  }
}

}  // namespace vireo::i386
