// Blocks by code address: an index by granules of code, so that a look-up steps over few blocks.

#include "tcg/backend/x86_64/block_store.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>

#include "util/bits.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr unsigned kGranuleBits = 9;  // about two blocks
constexpr size_t kChunkBytes = size_t{256} << 10;
/// The least that a block takes, for the number of blocks that there may be.
constexpr size_t kLeastBlockBytes = 64;

}  // namespace

BlockStore::BlockStore(const uint8_t* code, size_t begin, size_t end)
    : code_(code),
      begin_(begin),
      first_block_(new std::atomic<uint32_t>[((end - begin) >> kGranuleBits) + 1]) {
  blocks_.reserve((end - begin) / kLeastBlockBytes);
}

std::byte* BlockStore::allocate(size_t bytes) {
  bytes = util::align_up(bytes, alignof(BlockData));
  if (bytes > chunk_left_) {
    chunk_left_ = std::max(bytes, kChunkBytes);
    chunks_.emplace_back(new std::byte[chunk_left_]);
    chunk_next_ = chunks_.back().get();
  }
  chunk_left_ -= bytes;
  std::byte* result = chunk_next_;
  chunk_next_ += bytes;
  return result;
}

namespace {

template <class T>
std::byte* append(std::byte* to, const std::vector<T>& from) {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignof(BlockData));
  if (!from.empty()) std::memcpy(to, from.data(), from.size() * sizeof(T));
  return to + from.size() * sizeof(T);
}

template <class T>
size_t bytes_of(const std::vector<T>& items) {
  return items.size() * sizeof(T);
}

}  // namespace

BlockData* BlockStore::add(BlockData data, const BlockTables& tables) {
  data.exit_count = static_cast<uint8_t>(tables.exits.size());
  data.fixup_count = static_cast<uint8_t>(tables.fixups.size());
  data.row_count = static_cast<uint16_t>(tables.rows.size());
  const size_t bytes = bytes_of(tables.exits) + bytes_of(tables.fixups) + bytes_of(tables.rows);
  auto* block = new (allocate(sizeof(BlockData) + bytes)) BlockData(data);
  std::byte* behind = append(reinterpret_cast<std::byte*>(block + 1), tables.exits);
  append(append(behind, tables.fixups), tables.rows);
  const auto index = static_cast<uint32_t>(blocks_.size());
  const size_t start = block->code - begin_, end = start + block->host_size;
  for (; granules_ << kGranuleBits < end; ++granules_) {
    const bool within = granules_ << kGranuleBits >= start;
    first_block_[granules_].store(within || index == 0 ? index : index - 1,
                                  std::memory_order_relaxed);
  }
  blocks_.push_back(block);
  __atomic_store_n(&count_, blocks_.size(), __ATOMIC_RELEASE);
  return block;
}

BlockData* BlockStore::find(const uint8_t* address) const {
  const size_t count = __atomic_load_n(&count_, __ATOMIC_ACQUIRE);
  const auto offset = static_cast<size_t>(address - code_);
  if (count == 0 || offset < blocks_[0]->code) return nullptr;
  // Behind the last block's granule is what earlier blocks have left.
  const auto& first = first_block_[(offset - begin_) >> kGranuleBits];
  size_t index = std::min<size_t>(first.load(std::memory_order_relaxed), count - 1);
  while (index + 1 < count && blocks_[index + 1]->code <= offset) ++index;
  BlockData* data = blocks_[index];
  return offset < size_t{data->code} + data->host_size ? data : nullptr;
}

void BlockStore::clear() {
  __atomic_store_n(&count_, 0, __ATOMIC_RELEASE);
  blocks_.clear();
  chunks_.clear();
  chunk_left_ = 0;
  granules_ = 0;
}

}  // namespace vireo::tcg::x86_64
