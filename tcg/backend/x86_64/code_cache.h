#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tcg/backend/x86_64/block_store.h"
#include "util/host/jit_mapping.h"

namespace vireo::tcg::x86_64 {

/// The memory for generated code, in regions that are filled one after the other and given up one
/// at a time. Code is named by its offset. Callers hold the translation lock, but for `find` and
/// `note_use`.
class CodeCache {
 public:
  explicit CodeCache(util::JitMapping mapping);

  size_t size() const { return mapping_.size(); }
  size_t used() const;
  std::span<const std::byte> bytes() const { return {mapping_.executable(), mapping_.size()}; }
  ptrdiff_t executable_minus_writable() const { return mapping_.executable_minus_writable(); }
  bool contains(const void* code) const { return mapping_.contains_executable(code); }
  uint8_t* writable(size_t offset) const {
    return reinterpret_cast<uint8_t*>(mapping_.writable()) + offset;
  }
  const uint8_t* code(size_t offset) const {
    return reinterpret_cast<const uint8_t*>(mapping_.executable()) + offset;
  }

  /// Where code goes next, and where its room ends.
  uint32_t next() const { return regions_[current_].next; }
  uint32_t room_end() const { return regions_[current_].end; }
  bool has_room() const { return next() != room_end() && !regions_[current_].blocks.full(); }
  /// Keeps what was written at next(), and what follows up to the alignment.
  void take(size_t bytes, size_t alignment);
  /// Keeps it for good, as clear() and evict() do not touch it; before anything else is taken.
  void take_for_good(size_t bytes, size_t alignment);
  /// Goes on in a region that is empty; false: there is none.
  bool advance();
  /// A block whose code was just taken.
  BlockData* add(const BlockData& data, const BlockTables& tables) {
    return regions_[current_].blocks.add(data, tables);
  }
  /// A checked entry for `block` was just taken.
  void note_entry(BlockData* block) { regions_[current_].entries.push_back(block); }

  /// The block whose code holds the address, or null. For any thread that runs this code.
  BlockData* find(const void* address) const;
  /// Says that the code at `address` runs: what is used most stays longest. Cheap, so that slow
  /// paths and exits can tell all the time. Any thread; counts that threads lose do not matter.
  void note_use(const void* address) const {
    uint64_t& uses = regions_[index_of(address)].uses;
    __atomic_store_n(&uses, __atomic_load_n(&uses, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
  }

  /// The region to be given up: the least used one, but the current one.
  struct Victim {
    uint32_t begin = 0, end = 0;  ///< Offsets of its code.
    std::vector<BlockData*> blocks;
    std::vector<BlockData*> entries;  ///< Blocks whose checked entries lie in it.
    bool holds(size_t offset) const { return offset >= begin && offset < end; }
  };
  /// `end` is 0 if there is one region only.
  Victim choose_victim() const;
  /// Frees the victim, in which code goes on then. Its blocks are gone.
  void evict(const Victim& victim);
  void clear();

 private:
  struct Region {
    uint32_t begin, end, next;
    mutable uint64_t uses = 0;
    BlockStore blocks;
    std::vector<BlockData*> entries;
  };
  size_t index_of(const void* address) const {
    return static_cast<size_t>(static_cast<const uint8_t*>(address) - code(0)) / region_bytes_;
  }
  void clear_region(Region& region);

  util::JitMapping mapping_;
  std::vector<Region> regions_;
  size_t region_bytes_ = 0;
  size_t current_ = 0;
};

}  // namespace vireo::tcg::x86_64
