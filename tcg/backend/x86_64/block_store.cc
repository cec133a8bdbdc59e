// Blocks by code address: an index by granules of code, so that a look-up steps over few blocks.

#include "tcg/backend/x86_64/block_store.h"

#include <algorithm>
#include <new>
#include <type_traits>

#include "util/bits.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr unsigned kGranuleBits = 9;  // about two blocks
constexpr size_t kChunkBytes = size_t{1} << 20;
/// The least that a block takes, for the number of blocks that there may be.
constexpr size_t kLeastBlockBytes = 64;

}  // namespace

BlockStore::BlockStore(const uint8_t* code, size_t size)
    : code_(code), first_block_(new std::atomic<uint32_t>[(size >> kGranuleBits) + 1]) {
  blocks_.reserve(size / kLeastBlockBytes);
}

void* BlockStore::allocate(size_t bytes) {
  bytes = util::align_up(bytes, alignof(BlockData));
  if (bytes > chunk_left_) {
    chunk_left_ = std::max(bytes, kChunkBytes);
    chunks_.emplace_back(new std::byte[chunk_left_]);
    chunk_next_ = chunks_.back().get();
  }
  chunk_left_ -= bytes;
  void* result = chunk_next_;
  chunk_next_ += bytes;
  return result;
}

template <class T>
std::span<T> BlockStore::copy(const std::vector<T>& from) {
  static_assert(std::is_trivially_destructible_v<T>);
  if (from.empty()) return {};
  T* to = static_cast<T*>(allocate(from.size() * sizeof(T)));
  std::uninitialized_copy(from.begin(), from.end(), to);
  return {to, from.size()};
}

BlockData* BlockStore::add(const BlockData& data, const BlockTables& tables) {
  static_assert(std::is_trivially_destructible_v<BlockData>);
  auto* block = new (allocate(sizeof(BlockData))) BlockData(data);
  block->block.backend_data = block;
  block->rows = copy(tables.rows);
  block->fixups = copy(tables.fixups);
  block->exits = copy(tables.exits);
  for (ExitSite& site : block->exits) site.owner = block;
  const auto index = static_cast<uint32_t>(blocks_.size());
  const auto end = static_cast<size_t>(block->code - code_) + block->block.host_size;
  for (; granules_ << kGranuleBits < end; ++granules_) {
    const bool within = granules_ << kGranuleBits >= static_cast<size_t>(block->code - code_);
    first_block_[granules_].store(within || index == 0 ? index : index - 1,
                                  std::memory_order_relaxed);
  }
  blocks_.push_back(block);
  count_.store(blocks_.size(), std::memory_order_release);
  return block;
}

BlockData* BlockStore::find(const uint8_t* address) const {
  const size_t count = count_.load(std::memory_order_acquire);
  if (count == 0 || address < blocks_[0]->code) return nullptr;
  const size_t granule = static_cast<size_t>(address - code_) >> kGranuleBits;
  size_t index = first_block_[granule].load(std::memory_order_relaxed);
  while (index + 1 < count && blocks_[index + 1]->code <= address) ++index;
  BlockData* data = blocks_[index];
  return address < data->code + data->block.host_size ? data : nullptr;
}

void BlockStore::clear() {
  count_.store(0, std::memory_order_release);
  blocks_.clear();
  chunks_.clear();
  chunk_left_ = 0;
  granules_ = 0;
}

}  // namespace vireo::tcg::x86_64
