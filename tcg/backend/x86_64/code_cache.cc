// The code cache's regions. The least used one is given up for new code, so that code that runs
// often is not translated again whenever the cache has been filled once more.

#include "tcg/backend/x86_64/code_cache.h"

#include <algorithm>

#include "util/bits.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr size_t kMostRegions = 16;
constexpr size_t kLeastRegionBytes = size_t{1} << 20;

}  // namespace

CodeCache::CodeCache(util::JitMapping mapping) : mapping_(std::move(mapping)) {
  const size_t count = std::clamp<size_t>(size() / kLeastRegionBytes, 1, kMostRegions);
  region_bytes_ = util::align_up(size() / count, alignof(std::max_align_t));
  regions_.reserve(count);
  for (size_t begin = 0; begin < size(); begin += region_bytes_) {
    const size_t end = std::min(begin + region_bytes_, size());
    const auto first = static_cast<uint32_t>(begin), last = static_cast<uint32_t>(end);
    regions_.push_back({first, last, first, 0, BlockStore(code(0), begin, end), {}});
  }
}

size_t CodeCache::used() const {
  size_t bytes = 0;
  for (const Region& region : regions_) bytes += region.next - region.begin;
  return bytes;
}

void CodeCache::take(size_t bytes, size_t alignment) {
  Region& region = regions_[current_];
  region.next = static_cast<uint32_t>(
      std::min<size_t>(util::align_up(region.next + bytes, alignment), region.end));
}

void CodeCache::take_for_good(size_t bytes, size_t alignment) {
  take(bytes, alignment);
  regions_[current_].begin = regions_[current_].next;
}

bool CodeCache::advance() {
  const auto empty = std::ranges::find_if(
      regions_, [](const Region& region) { return region.next == region.begin; });
  if (empty == regions_.end()) return false;
  current_ = static_cast<size_t>(empty - regions_.begin());
  return true;
}

BlockData* CodeCache::find(const void* address) const {
  if (!contains(address)) return nullptr;
  return regions_[index_of(address)].blocks.find(static_cast<const uint8_t*>(address));
}

CodeCache::Victim CodeCache::choose_victim() const {
  if (regions_.size() == 1) return {};
  size_t chosen = current_ == 0 ? 1 : 0;
  for (size_t i = 0; i < regions_.size(); ++i) {
    if (i != current_ && regions_[i].uses < regions_[chosen].uses) chosen = i;
  }
  const Region& region = regions_[chosen];
  return {region.begin, region.end, region.blocks.all(), region.entries};
}

void CodeCache::evict(const Victim& victim) {
  for (Region& region : regions_) {
    std::erase_if(region.entries,
                  [&](const BlockData* block) { return victim.holds(block->code); });
    region.uses /= 2;  // what was used long ago counts less and less
  }
  current_ = index_of(code(victim.begin));
  clear_region(regions_[current_]);
}

void CodeCache::clear_region(Region& region) {
  region.next = region.begin;
  region.uses = 0;
  region.blocks.clear();
  region.entries.clear();
}

void CodeCache::clear() {
  for (Region& region : regions_) clear_region(region);
  current_ = 0;
}

}  // namespace vireo::tcg::x86_64
