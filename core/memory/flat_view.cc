// Flattening of a region tree: regions are visited in order of priority, and each takes what is
// still free.
#include "core/memory/flat_view.h"

#include <algorithm>

#include "util/bits.h"

namespace vireo::core {
namespace {

constexpr uint64_t kLastAddress = ~uint64_t{0};

bool continues(const Mapping& before, const Mapping& next) {
  const uint64_t length = before.last - before.first + 1;
  const auto side = [length](const Region* a, uint64_t a_offset, const Region* b,
                             uint64_t b_offset) {
    return a == b && (a == nullptr || a_offset + length == b_offset);
  };
  return side(before.read_region, before.read_offset, next.read_region, next.read_offset) &&
         side(before.write_region, before.write_offset, next.write_region, next.write_offset);
}

}  // namespace

FlatView::FlatView(std::vector<Mapping> mappings) : mappings_(std::move(mappings)) {
  if (mappings_.size() == 1) return;
  const uint64_t last = mappings_.back().first - 1;
  while (last >> root_shift_ >= kMostRootEntries) root_shift_ += kNodeBits;
  uint32_t mapping = 0;
  add_node(0, root_shift_, (last >> root_shift_) + 1, mapping);
}

// Nodes are made in order of their addresses: `mapping` is that of the address before, and goes on.
uint32_t FlatView::add_node(uint64_t first, unsigned shift, uint64_t entries, uint32_t& mapping) {
  const size_t place = table_.size();
  table_.resize(place + entries);
  for (uint64_t i = 0; i < entries; ++i) {
    const uint32_t entry = entry_for(first + (i << shift), shift, mapping);
    table_[place + i] = entry;
  }
  return kNode | static_cast<uint32_t>(place);
}

uint32_t FlatView::entry_for(uint64_t first, unsigned shift, uint32_t& mapping) {
  while (mappings_[mapping].last < first) ++mapping;
  const uint64_t last = first + util::low_mask(shift);
  if (last <= mappings_[mapping].last) return mapping;
  return add_node(first, shift - kNodeBits, kNodeEntries, mapping);
}

std::vector<Mapping> FlatViewBuilder::build(const Region& root) {
  FlatViewBuilder reads(false);
  FlatViewBuilder writes(true);
  reads.render(root, 0, 0, kLastAddress);
  writes.render(root, 0, 0, kLastAddress);
  return merge(reads.pieces_, writes.pieces_);
}

void FlatViewBuilder::render(const Region& region, Wide base, Wide first, Wide last) {
  if (!region.enabled_ || !(writes_ ? region.takes_writes_ : region.takes_reads_)) return;
  first = std::max(first, base);
  // A size of ~0 stands for everything.
  const Wide size = region.size_ == Region::kWholeSpace ? Wide{1} << 64 : Wide{region.size_};
  last = std::min(last, base + size - 1);
  if (first > last) return;
  switch (region.kind_) {
    case Region::Kind::container:
      for (const Region* child : region.children_)
        render(*child, base + child->offset_, first, last);
      break;
    case Region::Kind::alias:
      if (region.target_) render(*region.target_, base - region.target_offset_, first, last);
      break;
    default:
      fill_gaps(region, base, static_cast<uint64_t>(first), static_cast<uint64_t>(last));
  }
}

void FlatViewBuilder::fill_gaps(const Region& leaf, Wide base, uint64_t first, uint64_t last) {
  std::vector<Piece> result;
  result.reserve(pieces_.size() + 2);
  Wide next = first;  // the first byte of [first, last] that is still to be placed
  const auto fill_up_to = [&](Wide end) {
    end = std::min(end, Wide{last} + 1);
    if (next < end) {
      result.push_back({static_cast<uint64_t>(next), static_cast<uint64_t>(end - 1),
                        const_cast<Region*>(&leaf), static_cast<uint64_t>(next - base)});
      next = end;
    }
  };
  for (const Piece& piece : pieces_) {
    fill_up_to(piece.first);
    result.push_back(piece);
    next = std::max(next, Wide{piece.last} + 1);
  }
  fill_up_to(Wide{last} + 1);
  pieces_ = std::move(result);
}

std::vector<Mapping> FlatViewBuilder::merge(const std::vector<Piece>& reads,
                                            const std::vector<Piece>& writes) {
  std::vector<Mapping> mappings;
  size_t read = 0, write = 0;
  for (uint64_t at = 0;;) {
    while (read < reads.size() && reads[read].last < at) ++read;
    while (write < writes.size() && writes[write].last < at) ++write;
    Mapping mapping{at, kLastAddress};
    // Each plane either covers `at`, to the end of its piece, or leaves a gap up to its next piece.
    const auto apply = [&](const std::vector<Piece>& plane, size_t index, Region*& region,
                           uint64_t& offset) {
      if (index == plane.size()) return;
      const Piece& piece = plane[index];
      if (at < piece.first) {
        mapping.last = std::min(mapping.last, piece.first - 1);
        return;
      }
      region = piece.region;
      offset = piece.offset + (at - piece.first);
      mapping.last = std::min(mapping.last, piece.last);
    };
    apply(reads, read, mapping.read_region, mapping.read_offset);
    apply(writes, write, mapping.write_region, mapping.write_offset);
    if (!mappings.empty() && continues(mappings.back(), mapping)) {
      mappings.back().last = mapping.last;
    } else {
      mappings.push_back(mapping);
    }
    if (mapping.last == kLastAddress) return mappings;
    at = mapping.last + 1;
  }
}

}  // namespace vireo::core
