#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"
#include "tcg/ir/types.h"

namespace vireo::i386 {

/// With whose rights memory is accessed.
enum class Privilege : uint8_t {
  kSupervisor,  ///< An access of code with CPL < 3; EFLAGS.AC lifts SMAP.
  kUser,
  kSystem,  ///< Implicit supervisor access (descriptor tables, TSS): SMAP always holds.
};

/// Set in the linear address of an operand that runs over the end of its 64 KiB segment: no TLB
/// entry fits it, and walks outside of long mode give #GP, as those of long mode do for what is not
/// canonical.
constexpr uint64_t kBeyondSegment = uint64_t{1} << 62;

/// Page-fault error code bits (SDM volume 3, 4.7).
enum PageFaultBit : uint32_t {
  kFaultPresent = 1u << 0,
  kFaultWrite = 1u << 1,
  kFaultUser = 1u << 2,
  kFaultReserved = 1u << 3,
  kFaultFetch = 1u << 4,
  kFaultKey = 1u << 5,
};

/// A translation of one linear address, or the fault that it gives.
struct Walk {
  uint64_t physical = 0;          ///< Guest-physical address of the byte.
  uint8_t page_bits = 12;         ///< log2 of the page size.
  bool readable = true;           ///< Data reads with this privilege are allowed.
  bool writable = false;          ///< Writes with this privilege need no further walk (D is set).
  bool executable = false;        ///< Fetches with this privilege are allowed.
  bool user = false;              ///< A user page.
  bool global = false;            ///< Survives writes of CR3.
  uint8_t key = 0;                ///< Protection key of a user page, if CR4.PKE counts.
  uint8_t vector = kNoException;  ///< kPf, or kGp for a non-canonical address or kBeyondSegment.
  uint32_t error = 0;

  bool ok() const { return vector == kNoException; }
};

/// Walks the page tables as SDM volume 3, chapter 4 has it, and sets accessed and dirty bits. Uses
/// general registers only; leaves the state alone (CR2 is for whoever raises the fault).
Walk walk_pages(const CpuState& state, uint64_t linear, tcg::Access access, Privilege privilege);

/// Whether `linear` is canonical for the paging mode in long mode; always so outside it.
bool is_canonical(const CpuState& state, uint64_t linear);
/// Whether it is canonical, and not kBeyondSegment.
bool is_possible(const CpuState& state, uint64_t linear);

}  // namespace vireo::i386
