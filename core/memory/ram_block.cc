// Guest RAM with a flag byte a page, by which dirty logs and the translator learn of writes.
#include "core/memory/ram_block.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace vireo::core {
namespace {

/// What is smaller, in bytes, is mostly of devices, and little of it is used.
constexpr uint64_t kLeastInHugePages = uint64_t{32} << 20;

}  // namespace

util::Result<std::unique_ptr<RamBlock>> RamBlock::create(std::string name, uint64_t size) {
  if (size == 0 || size % kGuestPageSize != 0) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("memory '{}' cannot have {} bytes; a multiple of {} is needed",
                                   name, size, kGuestPageSize));
  }
  using Pages = util::MemoryMapping::Pages;
  const Pages pages = size >= kLeastInHugePages ? Pages::huge_if_possible : Pages::host_default;
  VIREO_TRY_ASSIGN(mapping, util::MemoryMapping::create(name.c_str(), size, pages));
  return std::unique_ptr<RamBlock>(new RamBlock(std::move(name), size, std::move(mapping)));
}

RamBlock::RamBlock(std::string name, uint64_t size, util::MemoryMapping mapping)
    : name_(std::move(name)),
      size_(size),
      mapping_(std::move(mapping)),
      flags_(new std::atomic<uint8_t>[size >> kGuestPageBits]) {
  for (uint64_t page = 0; page < page_count(); ++page) flags_[page].store(kPageDirtyAll);
}

RamBlock::~RamBlock() {
  while (!observers_.empty()) {
    RamObserver* observer = observers_.back();
    observers_.pop_back();
    observer->block_destroyed(*this);
  }
}

void RamBlock::set_code(uint64_t offset, bool code) {
  if (code) {
    flags_of(offset).fetch_or(kPageCode);
  } else {
    flags_of(offset).fetch_and(static_cast<uint8_t>(~kPageCode));
  }
}

void RamBlock::mark_written(uint64_t offset, uint64_t length) {
  if (length == 0) return;
  assert(offset < size_ && length <= size_ - offset);
  const uint64_t end = offset + length;
  for (uint64_t at = offset; at < end;) {
    const uint64_t page_end = std::min(end, (at | (kGuestPageSize - 1)) + 1);
    std::atomic<uint8_t>& flags = flags_of(at);
    uint8_t seen = flags.load(std::memory_order_acquire);
    if ((seen & kPageDirtyAll) != kPageDirtyAll) seen = flags.fetch_or(kPageDirtyAll);
    if (seen & kPageCode) {
      for (RamObserver* observer : observers_) observer->code_written(*this, at, page_end - at);
    }
    at = page_end;
  }
}

std::vector<bool> RamBlock::take_dirty(PageFlag client, uint64_t offset, uint64_t length) {
  assert(offset % kGuestPageSize == 0 && length % kGuestPageSize == 0);
  std::vector<bool> dirty(length >> kGuestPageBits);
  const uint64_t first = offset >> kGuestPageBits;
  bool any = false;
  for (uint64_t i = 0; i < dirty.size(); ++i) {
    if ((flags_[first + i].load(std::memory_order_relaxed) & client) == 0) continue;
    flags_[first + i].fetch_and(static_cast<uint8_t>(~client));
    dirty[i] = any = true;
  }
  if (any) {
    for (RamObserver* observer : observers_)
      observer->write_permission_withdrawn(*this, offset, length);
  }
  return dirty;
}

void RamBlock::add_observer(RamObserver& observer) { observers_.push_back(&observer); }
void RamBlock::remove_observer(RamObserver& observer) { std::erase(observers_, &observer); }

}  // namespace vireo::core
