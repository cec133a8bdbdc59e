#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "tcg/backend/backend.h"

namespace vireo::core {
class RamBlock;
}

namespace vireo::accel {

/// Every translation there is, by place and by the guest memory that it was made from. Memory is
/// named by its host address: unlike guest-physical addresses that is the same for all aliases, and
/// tells shadowed ROM from the RAM below it. Callers hold the translation lock.
class BlockMap {
 public:
  /// The page of that key, which stays until clear().
  const tcg::CodePage& page(const tcg::CodePageKey& key, bool relocatable,
                            uint64_t ip_mask = ~uint64_t{0});
  /// There may be no room for two more pages.
  bool full() const { return code_pages_.size() + 2 > tcg::kCodePageNumbers; }

  tcg::TranslatedBlock* find(const tcg::CodePage& page, unsigned offset,
                             bool separate_checks) const;
  /// `second` is the page that the block's end lies in, if it spans two.
  void insert(tcg::TranslatedBlock* block, const tcg::CodePage* second);
  /// Of a block that spans two.
  const tcg::CodePage& second_page(const tcg::TranslatedBlock& block) const;
  /// Forgets everything (the backend was flushed).
  void clear();

  /// Whether a translation was made from any of the bytes.
  bool covers(const std::byte* first, size_t length) const;
  /// Counts writes to a page of code that hit none of it. True if there were so many that the page
  /// is better taken for data: what was made from it is worth less than what they cost. Each time
  /// it takes more of them.
  bool is_rather_data(const std::byte* page);
  /// Whether any translation was made from the page.
  bool page_has_code(const std::byte* page) const;
  /// Removes all translations made from any of the bytes and hands each to `invalidated`.
  template <class F>
  void remove(const std::byte* first, size_t length, F&& invalidated) {
    for (tcg::TranslatedBlock* block : take(first, length)) invalidated(block);
  }

  /// Removes these, sorted by address, and hands each host page that has none left to `emptied`.
  template <class F>
  void remove(std::span<tcg::TranslatedBlock* const> blocks, F&& emptied) {
    for (uint64_t page : sweep(blocks)) emptied(reinterpret_cast<const std::byte*>(page));
  }
  /// Whether it knows so many pages, mostly of code that is gone, that it is better cleared.
  bool is_crowded() const { return code_pages_.size() > kCrowd; }

  size_t size() const { return count_; }
  /// Visits some of the blocks, at most about `most`, from all over the map.
  template <class F>
  void visit_some(size_t most, F&& visit) const {
    const size_t step = count_ / most + 1;
    for (size_t i = 0; i < by_page_.size(); i += step) {
      for (const tcg::TranslatedBlock* block : by_page_[i].blocks) visit(*block);
    }
  }

 private:
  static constexpr size_t kCrowd = size_t{1} << 16;

  struct PageCode {
    std::vector<tcg::TranslatedBlock*> blocks;
    uint64_t granules = 0;  ///< Bit i: bytes [64 i, 64 i + 64) may belong to a block.
    uint32_t writes = 0;    ///< That hit no block, since it was last taken for data.
    uint8_t conversions = 0;
  };

  /// Bytes of a block that lie in one page.
  struct Extent {
    uint64_t first;
    uint64_t last;
  };

  /// What begins in a page, in the order of keys. A page at a time is looked at often, and its keys
  /// lie in few cache lines.
  struct PageBlocks {
    std::vector<uint16_t> keys;
    std::vector<tcg::TranslatedBlock*> blocks;
  };
  static uint16_t key_of(unsigned offset, bool separate_checks) {
    return static_cast<uint16_t>(offset << 1 | separate_checks);
  }
  static size_t place_of(const PageBlocks& page, uint16_t key);
  void add_to_start_page(tcg::TranslatedBlock* block);
  /// Where the bytes of `block` lie: returns how many stretches there are, at most two.
  unsigned extents_of(const tcg::TranslatedBlock& block, Extent (&extents)[2]) const;
  bool overlaps(const tcg::TranslatedBlock& block, uint64_t first, uint64_t last) const;
  std::vector<tcg::TranslatedBlock*> take(const std::byte* first, size_t length);
  void add_to_page(uint64_t page, uint64_t first, uint64_t last, tcg::TranslatedBlock* block);
  bool update_page(uint64_t page, PageCode& code);
  std::vector<uint64_t> sweep(std::span<tcg::TranslatedBlock* const> blocks);

  std::vector<PageBlocks> by_page_;  // by CodePage::number
  size_t count_ = 0;
  std::unordered_map<uint64_t, PageCode> pages_;  // by host page address
  struct KeyHash {
    size_t operator()(const tcg::CodePageKey& key) const {
      return (key.linear * 0x9e3779b97f4a7c15u) ^ (key.host >> tcg::kPageBits) ^ (key.mode << 32) ^
             (key.ip << 16);
    }
  };
  std::unordered_map<tcg::CodePageKey, tcg::CodePage, KeyHash> code_pages_;
  std::unordered_map<const tcg::TranslatedBlock*, const tcg::CodePage*> second_pages_;
};

}  // namespace vireo::accel
