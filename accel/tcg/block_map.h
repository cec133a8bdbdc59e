#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tcg/backend/backend.h"

namespace vireo::core {
class RamBlock;
}

namespace vireo::accel {

/// Every translation there is, by key and by the guest memory that it was made from. In keys,
/// BlockKey::physical is the host address of the first byte in guest RAM: unlike guest-physical
/// addresses it is the same for all aliases, and tells shadowed ROM from the RAM below it. Callers
/// hold the translation lock.
class BlockMap {
 public:
  BlockMap();

  tcg::TranslatedBlock* find(const tcg::BlockKey& key) const;
  void insert(tcg::TranslatedBlock* block);
  /// Forgets everything (the backend was flushed).
  void clear();

  /// Whether a translation was made from any of the bytes.
  bool covers(const std::byte* first, size_t length) const;
  /// Whether any translation was made from the page.
  bool page_has_code(const std::byte* page) const;
  /// Removes all translations made from any of the bytes and hands each to `invalidated`.
  template <class F>
  void remove(const std::byte* first, size_t length, F&& invalidated) {
    for (tcg::TranslatedBlock* block : take(first, length)) invalidated(block);
  }

  /// The number that stands for the page of `key` in Frame::code_pages, in its mode and, but for
  /// relocatable blocks, at its address.
  uint32_t code_page_number(const tcg::BlockKey& key);

  size_t size() const { return count_; }
  /// There are no more code page numbers.
  bool full() const { return code_page_numbers_.size() == tcg::kCodePageNumbers; }

 private:
  struct PageCode {
    std::vector<tcg::TranslatedBlock*> blocks;
    uint64_t granules = 0;  ///< Bit i: bytes [64 i, 64 i + 64) may belong to a block.
  };

  size_t bucket_of(const tcg::BlockKey& key) const;
  void put_in_bucket(tcg::TranslatedBlock* block);
  /// Doubles the number of buckets, so that chains stay short.
  void grow();
  std::vector<tcg::TranslatedBlock*> take(const std::byte* first, size_t length);
  void unlink(tcg::TranslatedBlock* block);
  void add_to_page(uint64_t page, uint64_t first, uint64_t last, tcg::TranslatedBlock* block);
  void remove_from_page(uint64_t page, tcg::TranslatedBlock* block);

  unsigned bucket_bits_;
  std::vector<tcg::TranslatedBlock*> buckets_;
  size_t count_ = 0;
  std::unordered_map<uint64_t, PageCode> pages_;  // by host page address
  struct PagePair {
    uint64_t virtual_page;
    uint64_t host_page;
    uint64_t mode;
    bool operator==(const PagePair&) const = default;
  };
  struct PagePairHash {
    size_t operator()(const PagePair& pair) const {
      return (pair.virtual_page * 0x9e3779b97f4a7c15u) ^ (pair.host_page >> tcg::kPageBits) ^
             (pair.mode << 32);
    }
  };
  std::unordered_map<PagePair, uint32_t, PagePairHash> code_page_numbers_;
};

}  // namespace vireo::accel
