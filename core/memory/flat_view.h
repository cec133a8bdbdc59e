#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/memory/address_space.h"

namespace vireo::core {

/// An address space flattened: mappings (of nothing, too) that cover all addresses in order. Never
/// changes.
class FlatView {
 public:
  explicit FlatView(std::vector<Mapping> mappings);

  /// Takes at most seven steps, whatever is mapped.
  const Mapping& find(uint64_t address) const {
    if (address >= mappings_.back().first) return mappings_.back();
    unsigned shift = root_shift_;
    uint32_t entry = table_[address >> shift];
    while ((entry & kNode) != 0) {
      shift -= kNodeBits;
      entry = table_[(entry & ~kNode) + (address >> shift & (kNodeEntries - 1))];
    }
    return mappings_[entry];
  }
  const std::vector<Mapping>& mappings() const { return mappings_; }
  /// Bytes that look-ups need beside the mappings.
  size_t table_size() const { return table_.size() * sizeof(uint32_t); }

 private:
  static constexpr unsigned kNodeBits = 9;
  static constexpr unsigned kNodeEntries = 1u << kNodeBits;
  static constexpr unsigned kMostRootEntries = 4096;  // three levels for 512 GiB
  static constexpr uint32_t kNode = 1u << 31;

  uint32_t add_node(uint64_t first, unsigned shift, uint64_t entries, uint32_t& mapping);
  uint32_t entry_for(uint64_t first, unsigned shift, uint32_t& mapping);

  std::vector<Mapping> mappings_;
  // A trie over the addresses below the last mapping. Each node, the root first, divides a stretch
  // into parts of equal size, a power of two. The entry of a part is the number of the mapping that
  // holds all of it, or kNode and the place of the node that divides it further.
  std::vector<uint32_t> table_;
  unsigned root_shift_ = 0;  // the size of the root's parts
};

/// Flattens the tree below `root`.
class FlatViewBuilder {
 public:
  static std::vector<Mapping> build(const Region& root);

 private:
  using Wide = __int128;  // bases of alias targets may lie below 0, ends above 2^64
  // Reads and writes are flattened apart, since regions may let either through.
  struct Piece {
    uint64_t first;
    uint64_t last;
    Region* region;
    uint64_t offset;
  };
  explicit FlatViewBuilder(bool writes) : writes_(writes) {}
  void render(const Region& region, Wide base, Wide first, Wide last);
  void fill_gaps(const Region& leaf, Wide base, uint64_t first, uint64_t last);
  static std::vector<Mapping> merge(const std::vector<Piece>& reads,
                                    const std::vector<Piece>& writes);

  bool writes_;
  std::vector<Piece> pieces_;
};

}  // namespace vireo::core
