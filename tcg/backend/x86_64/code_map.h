#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tcg/backend/backend.h"

namespace vireo::tcg::x86_64 {

// There are hundreds of thousands of blocks: what is known of each is kept small. Offsets within
// a block's host code have 16 bits.

constexpr size_t kMostHostBytes = 0xffff;

/// Where arithmetic flags are at a place of a block's host code. Both bits: in both places.
enum FlagsPlace : uint8_t { kFlagsNowhere = 0, kFlagsInHost = 1, kFlagsInMemory = 2 };

/// From this host offset on, the current guest instruction is at block IP + guest_offset.
struct CodeRow {
  uint16_t host_offset;
  uint16_t guest_offset : 14;
  uint16_t flags : 2;  ///< FlagsPlace
};

/// At the instruction at this host offset, guest state lies elsewhere: the register's value is at
/// the Frame offset.
struct FaultFixup {
  uint16_t host_offset;
  uint16_t frame_offset;
  uint8_t reg;
  bool is_vector;
};

struct BlockData;

/// A place where the block leaves for a known guest IP.
struct ExitSite {
  int32_t distance;              ///< To the target from the block's IP.
  uint16_t displacement_offset;  ///< Of the jump's 32-bit displacement in the host code.
  uint16_t stub_offset;          ///< Where it goes while not linked: a call of a lookup thunk.
  uint16_t poll_offset;          ///< Of the poll before it; 0: none.
  uint8_t slot;
  uint8_t index;        ///< In the block's exits.
  uint8_t flags : 2;    ///< FlagsPlace with which the jump arrives.
  uint8_t checked : 1;  ///< Must go to a checked entry (another page), guest IP in kAddressReg.
  BlockData* linked_to;
  ExitSite* next_incoming;  ///< Of those that are linked to the same block.
};

/// The slot of return addresses that PushReturn pushes.
constexpr uint8_t kReturnSlot = 2;

/// The slot of branches that a block follows to its own beginning by itself.
constexpr uint8_t kLoopSlot = kSeparateChecksSlot + 1;

/// What the backend knows of a translation. In memory its exits, fixups and rows follow.
struct BlockData : TranslatedBlock {
  uint32_t code = 0;  ///< Offset in the code cache.
  // Offsets from there.
  uint16_t host_entry = 0;     ///< Flags in host.
  uint16_t memory_entry = 0;   ///< Flags in memory.
  uint32_t checked_entry = 0;  ///< Offset in the code cache; 0: none yet.
  uint8_t checked_slot = 0;    ///< From there to the slot's aligned 32-bit displacement.
  uint8_t exit_count = 0;
  uint8_t fixup_count = 0;
  uint16_t row_count = 0;
  ExitSite* incoming = nullptr;  ///< Exits of blocks that are linked to this one.

  /// Frame::left_from of exits that tell of it.
  uint32_t left_mark() const { return code + 1; }

  std::span<ExitSite> exits() { return {exit_array(), exit_count}; }
  std::span<const ExitSite> exits() const { return {exit_array(), exit_count}; }
  std::span<const FaultFixup> fixups() const { return {fixup_array(), fixup_count}; }
  /// By host offset.
  std::span<const CodeRow> rows() const {
    return {reinterpret_cast<const CodeRow*>(fixup_array() + fixup_count), row_count};
  }
  static BlockData& owner_of(ExitSite& site) {
    return reinterpret_cast<BlockData*>(&site - site.index)[-1];
  }
  uint64_t target_of(const ExitSite& site) const {
    return guest_ip() + static_cast<uint64_t>(int64_t{site.distance});
  }

 private:
  ExitSite* exit_array() const {
    return reinterpret_cast<ExitSite*>(const_cast<BlockData*>(this) + 1);
  }
  const FaultFixup* fixup_array() const {
    return reinterpret_cast<const FaultFixup*>(exit_array() + exit_count);
  }
};
static_assert(sizeof(BlockData) % alignof(ExitSite) == 0);

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
