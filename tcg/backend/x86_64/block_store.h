#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tcg/backend/x86_64/code_map.h"

namespace vireo::tcg::x86_64 {

/// What is known of the blocks in a stretch of a code cache, in an arena of its own, found by code
/// address in constant time.
class BlockStore {
 public:
  /// For code at [code + begin, code + end), which is filled upwards; BlockData::code counts from
  /// `code`.
  BlockStore(const uint8_t* code, size_t begin, size_t end);

  bool full() const { return blocks_.size() == blocks_.capacity(); }
  /// Keeps a block whose code lies behind all earlier ones; callers hold the translation lock.
  BlockData* add(BlockData data, const BlockTables& tables);
  /// The block whose code holds the address, or null. For any thread that runs this code.
  BlockData* find(const uint8_t* address) const;
  const std::vector<BlockData*>& all() const { return blocks_; }
  /// Forgets all blocks; nobody runs any.
  void clear();

 private:
  std::byte* allocate(size_t bytes);

  const uint8_t* code_;
  size_t begin_;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  size_t chunk_left_ = 0;
  std::byte* chunk_next_ = nullptr;
  std::vector<BlockData*> blocks_;  // by address; never reallocated: other threads read it
  size_t count_ = 0;                // of blocks_; written atomically
  /// By granule of code: the index in blocks_ of the last block that begins at or before the
  /// granule's first byte.
  std::unique_ptr<std::atomic<uint32_t>[]> first_block_;
  size_t granules_ = 0;  // of first_block_ that are set
};

}  // namespace vireo::tcg::x86_64
