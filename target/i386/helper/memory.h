#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/state.h"
#include "target/i386/helper/page_walk.h"
#include "target/i386/helper/raise.h"

/// Guest memory at linear addresses, for helpers. Faults are raised at the current instruction
/// (raise.h) before anything of that access is done. Outside 64-bit mode the caller has already cut
/// linear addresses to 32 bits.
namespace vireo::i386 {

inline Privilege data_privilege(const CpuState& state) {
  return state.cpl == 3 ? Privilege::kUser : Privilege::kSupervisor;
}

/// An operand in the stack segment whose address is impossible raises #SS.
inline void check_stack_address(CpuState& state, uint64_t linear, bool on_stack) {
  if (on_stack && !is_possible(state, linear)) raise_exception(state, kSsFault, 0);
}

/// Any length, across pages; all or nothing for writes.
void read_bytes(CpuState& state, uint64_t linear, void* into, size_t size, Privilege privilege);
void write_bytes(CpuState& state, uint64_t linear, const void* from, size_t size,
                 Privilege privilege);
/// Faults as a write (or read) of [linear, linear + size) would.
void probe_write(CpuState& state, uint64_t linear, size_t size, Privilege privilege);
void probe_read(CpuState& state, uint64_t linear, size_t size, Privilege privilege);

/// Host memory of [linear, linear + size), within a page, or null if it is a device's. For writes,
/// call written() afterwards with the same arguments unless `direct` says that nobody watches.
struct HostRange {
  std::byte* data = nullptr;
  bool direct = false;
  uint64_t physical = 0;
};
HostRange host_range(CpuState& state, uint64_t linear, size_t size, bool for_write,
                     Privilege privilege);
inline void written(CpuState& state, const HostRange& range, size_t size) {
  if (!range.direct) state.machine->mark_written(range.physical, size);
}

/// The host address of a TLB hit for `size` bytes at `linear`, or null.
inline uint8_t* tlb_hit(CpuState& state, uint64_t linear, size_t size, bool is_write,
                        Privilege privilege) {
  // Supervisor entries made while AC is clear are good for implicit accesses as well.
  if (privilege == Privilege::kSystem && (state.cr4 & kCr4Smap) && (state.eflags & kAc))
    return nullptr;
  const tcg::MemoryContext context = tcg::context_of(privilege == Privilege::kUser);
  if (!state.frame.tlb[context]) return nullptr;
  const tcg::TlbEntry entry = state.frame.tlb[context]->entry(linear, is_write);
  const uint64_t offset = linear - entry.tag;
  return offset <= tcg::kPageSize - size ? entry.host + offset : nullptr;
}

template <class T>
T read(CpuState& state, uint64_t linear, Privilege privilege) {
  static_assert(std::is_integral_v<T>);
  T value;
  if (const uint8_t* host = tlb_hit(state, linear, sizeof(T), false, privilege)) {
    std::memcpy(&value, host, sizeof(T));
  } else {
    read_bytes(state, linear, &value, sizeof(T), privilege);
  }
  return value;
}

template <class T>
void write(CpuState& state, uint64_t linear, std::type_identity_t<T> value, Privilege privilege) {
  static_assert(std::is_integral_v<T>);
  if (uint8_t* host = tlb_hit(state, linear, sizeof(T), true, privilege)) {
    std::memcpy(host, &value, sizeof(T));
  } else {
    write_bytes(state, linear, &value, sizeof(T), privilege);
  }
}

/// An unsigned integer of 1, 2, 4 or 8 bytes.
uint64_t read_sized(CpuState& state, uint64_t linear, unsigned size, Privilege privilege);
void write_sized(CpuState& state, uint64_t linear, unsigned size, uint64_t value,
                 Privilege privilege);

}  // namespace vireo::i386
