// Translations by place and by guest page (for self-modifying code).

#include "accel/tcg/block_map.h"

#include <algorithm>

namespace vireo::accel {

namespace {

constexpr unsigned kGranuleBits = 6;
// A write costs about a tenth of a translation.
constexpr uint32_t kFirstWrites = 64;
constexpr uint8_t kMostConversions = 12;

template <class T>
void make_unique(std::vector<T>& items) {
  std::ranges::sort(items);
  items.erase(std::ranges::unique(items).begin(), items.end());
}

// The granules of `page` that [first, last] touches; both lie in the page.
uint64_t granules_of(uint64_t page, uint64_t first, uint64_t last) {
  const unsigned low = (first - page) >> kGranuleBits;
  const unsigned high = (last - page) >> kGranuleBits;
  return (~uint64_t{0} >> (63 - high)) & (~uint64_t{0} << low);
}

}  // namespace

const tcg::CodePage& BlockMap::page(const tcg::CodePageKey& key, bool relocatable,
                                    uint64_t ip_mask) {
  const auto next = static_cast<uint32_t>(code_pages_.size());
  const auto [place, is_new] =
      code_pages_.try_emplace(key, tcg::CodePage{key, relocatable, next, ip_mask});
  if (is_new) by_page_.resize(code_pages_.size());
  return place->second;
}

const tcg::CodePage& BlockMap::second_page(const tcg::TranslatedBlock& block) const {
  return *second_pages_.at(&block);
}

unsigned BlockMap::extents_of(const tcg::TranslatedBlock& block, Extent (&extents)[2]) const {
  const uint64_t page = block.page->key.host, first = page + block.offset;
  const uint64_t last = first + block.guest_size - 1;
  const uint64_t page_last = page + tcg::kPageSize - 1;
  extents[0] = {first, std::min(last, page_last)};
  if (!block.spans_pages()) return 1;
  const uint64_t second = second_page(block).key.host;
  extents[1] = {second, second + (last - page_last - 1)};
  return 2;
}

bool BlockMap::overlaps(const tcg::TranslatedBlock& block, uint64_t first, uint64_t last) const {
  Extent extents[2];
  const unsigned count = extents_of(block, extents);
  return std::any_of(extents, extents + count,
                     [&](const Extent& e) { return e.first <= last && first <= e.last; });
}

size_t BlockMap::place_of(const PageBlocks& page, uint16_t key) {
  return static_cast<size_t>(std::ranges::lower_bound(page.keys, key) - page.keys.begin());
}

tcg::TranslatedBlock* BlockMap::find(const tcg::CodePage& page, unsigned offset,
                                     bool separate_checks) const {
  const PageBlocks& blocks = by_page_[page.number];
  const uint16_t key = key_of(offset, separate_checks);
  const size_t place = place_of(blocks, key);
  return place < blocks.keys.size() && blocks.keys[place] == key ? blocks.blocks[place] : nullptr;
}

void BlockMap::add_to_start_page(tcg::TranslatedBlock* block) {
  PageBlocks& page = by_page_[block->page->number];
  const uint16_t key = key_of(block->offset, block->separate_checks);
  const auto place = static_cast<ptrdiff_t>(place_of(page, key));
  page.keys.insert(page.keys.begin() + place, key);
  page.blocks.insert(page.blocks.begin() + place, block);
}

void BlockMap::insert(tcg::TranslatedBlock* block, const tcg::CodePage* second) {
  if (second != nullptr) second_pages_[block] = second;
  ++count_;
  add_to_start_page(block);
  Extent extents[2];
  const unsigned count = extents_of(*block, extents);
  for (unsigned i = 0; i < count; ++i) {
    add_to_page(tcg::page_of(extents[i].first), extents[i].first, extents[i].last, block);
  }
}

void BlockMap::add_to_page(uint64_t page, uint64_t first, uint64_t last,
                           tcg::TranslatedBlock* block) {
  PageCode& code = pages_[page];
  code.blocks.push_back(block);
  code.granules |= granules_of(page, first, last);
}

void BlockMap::clear() {
  by_page_.clear();
  count_ = 0;
  pages_.clear();
  code_pages_.clear();
  second_pages_.clear();
}

bool BlockMap::covers(const std::byte* first, size_t length) const {
  const auto start = reinterpret_cast<uint64_t>(first);
  const uint64_t end = start + length - 1;
  for (uint64_t page = tcg::page_of(start); page <= end; page += tcg::kPageSize) {
    const auto found = pages_.find(page);
    if (found == pages_.end()) continue;
    const uint64_t low = std::max(start, page);
    const uint64_t high = std::min(end, page + tcg::kPageSize - 1);
    if ((found->second.granules & granules_of(page, low, high)) == 0) continue;
    for (const tcg::TranslatedBlock* block : found->second.blocks) {
      if (overlaps(*block, low, high)) return true;
    }
  }
  return false;
}

bool BlockMap::is_rather_data(const std::byte* page) {
  const auto found = pages_.find(tcg::page_of(reinterpret_cast<uint64_t>(page)));
  if (found == pages_.end()) return false;
  PageCode& code = found->second;
  if (++code.writes < kFirstWrites << code.conversions) return false;
  code.writes = 0;
  if (code.conversions < kMostConversions) ++code.conversions;
  return true;
}

bool BlockMap::page_has_code(const std::byte* page) const {
  const auto found = pages_.find(tcg::page_of(reinterpret_cast<uint64_t>(page)));
  return found != pages_.end() && !found->second.blocks.empty();
}

std::vector<tcg::TranslatedBlock*> BlockMap::take(const std::byte* first, size_t length) {
  std::vector<tcg::TranslatedBlock*> taken;
  const auto start = reinterpret_cast<uint64_t>(first);
  const uint64_t end = start + length - 1;
  for (uint64_t page = tcg::page_of(start); page <= end; page += tcg::kPageSize) {
    const auto found = pages_.find(page);
    if (found == pages_.end()) continue;
    for (tcg::TranslatedBlock* block : found->second.blocks) {
      if (overlaps(*block, start, end)) taken.push_back(block);
    }
  }
  make_unique(taken);
  sweep(taken);
  return taken;
}

// After blocks went. False: the page has none left.
bool BlockMap::update_page(uint64_t page, PageCode& code) {
  if (code.blocks.empty() && code.conversions == 0) {
    pages_.erase(page);
    return false;
  }
  code.granules = 0;
  for (const tcg::TranslatedBlock* other : code.blocks) {
    Extent extents[2];
    const unsigned count = extents_of(*other, extents);
    for (unsigned i = 0; i < count; ++i) {
      if (tcg::page_of(extents[i].first) != page) continue;
      code.granules |= granules_of(page, extents[i].first, extents[i].last);
    }
  }
  return !code.blocks.empty();
}

// `blocks` are sorted. Looks at each page once, however many of its blocks go. Returns the pages
// that have none left.
std::vector<uint64_t> BlockMap::sweep(std::span<tcg::TranslatedBlock* const> blocks) {
  const auto goes = [blocks](const tcg::TranslatedBlock* block) {
    return std::ranges::binary_search(blocks, block);
  };
  std::vector<uint32_t> numbers;
  std::vector<uint64_t> pages;
  for (const tcg::TranslatedBlock* block : blocks) {
    numbers.push_back(block->page->number);
    Extent extents[2];
    const unsigned count = extents_of(*block, extents);
    for (unsigned i = 0; i < count; ++i) pages.push_back(tcg::page_of(extents[i].first));
    second_pages_.erase(block);
  }
  make_unique(numbers);
  make_unique(pages);
  count_ -= blocks.size();
  for (uint32_t number : numbers) {
    PageBlocks& page = by_page_[number];
    size_t kept = 0;
    for (size_t i = 0; i < page.blocks.size(); ++i) {
      if (goes(page.blocks[i])) continue;
      page.keys[kept] = page.keys[i];
      page.blocks[kept++] = page.blocks[i];
    }
    page.keys.resize(kept);
    page.blocks.resize(kept);
  }
  std::erase_if(pages, [&](uint64_t page) {
    PageCode& code = pages_.at(page);
    std::erase_if(code.blocks, goes);
    return update_page(page, code);
  });
  return pages;
}

}  // namespace vireo::accel
