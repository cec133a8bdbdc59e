#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tcg/backend/backend.h"

namespace vireo::tcg::x86_64 {

/// Where arithmetic flags are at a place of a block's host code. Both bits: in both places.
enum FlagsPlace : uint8_t { kFlagsNowhere = 0, kFlagsInHost = 1, kFlagsInMemory = 2 };

/// From this host offset on, the current guest instruction is at block IP + guest_offset.
struct CodeRow {
  uint32_t host_offset;
  uint16_t guest_offset;
  FlagsPlace flags;
};

/// At the instruction at this host offset, guest state lies elsewhere: the register's value is at
/// the Frame offset.
struct FaultFixup {
  uint32_t host_offset;
  uint8_t reg;
  bool is_vector;
  uint16_t frame_offset;
};

struct BlockData;

/// A place where the block leaves for a known guest IP.
struct ExitSite {
  uint64_t target;               ///< Relative to Frame::code_base in a relocatable block.
  uint32_t displacement_offset;  ///< Of the jump's 32-bit displacement in the host code.
  uint32_t stub_offset;          ///< Where it goes while not linked: a call of a lookup thunk.
  uint32_t poll_offset;          ///< Of the poll before it; 0: none.
  uint8_t slot;
  FlagsPlace flags;  ///< With which the jump arrives.
  bool checked;      ///< Must go to a checked entry (another page), guest IP in kAddressReg.
  BlockData* owner = nullptr;
  BlockData* linked_to = nullptr;
  ExitSite* next_incoming = nullptr;  ///< Of those that are linked to the same block.
};

/// The slot of return addresses that PushReturn pushes.
constexpr uint8_t kReturnSlot = 2;

/// What the backend knows of a translation. Offsets are from the block's code.
struct BlockData {
  TranslatedBlock block;
  uint8_t* writable = nullptr;
  const uint8_t* code = nullptr;
  uint32_t host_entry = 0;     ///< Flags in host.
  uint32_t memory_entry = 0;   ///< Flags in memory.
  uint32_t checked_entry = 0;  ///< Flags in memory, compares with Frame::code_pages.
  uint32_t checked_slot = 0;   ///< Offset of the slot's aligned 32-bit displacement.
  std::span<CodeRow> rows;     ///< By host offset.
  std::span<FaultFixup> fixups;
  std::span<ExitSite> exits;
  ExitSite* incoming = nullptr;  ///< Exits of blocks that are linked to this one.
};

/// The tables of a block that is being generated.
struct BlockTables {
  std::vector<CodeRow> rows;
  std::vector<FaultFixup> fixups;
  std::vector<ExitSite> exits;

  void clear() {
    rows.clear();
    fixups.clear();
    exits.clear();
  }
};

}  // namespace vireo::tcg::x86_64
