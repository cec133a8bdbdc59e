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
  explicit FlatView(std::vector<Mapping> mappings, bool direct_table);

  const Mapping& find(uint64_t address) const;
  const std::vector<Mapping>& mappings() const { return mappings_; }

 private:
  std::vector<Mapping> mappings_;
  std::vector<uint16_t> table_;  // small spaces: the index of each address's mapping
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
