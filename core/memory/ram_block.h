#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "util/host/memory.h"
#include "util/result.h"

namespace vireo::core {

/// Guest page granularity of page flags and dirty logs, on every host.
inline constexpr unsigned kGuestPageBits = 12;
inline constexpr uint64_t kGuestPageSize = uint64_t{1} << kGuestPageBits;

/// Bits of RamBlock::page_flags(). A page may be written without telling anybody only if the byte
/// equals kPageDirtyAll: all dirty bits set and no translated code on it.
enum PageFlag : uint8_t {
  kPageCode = 1,            ///< Holds bytes that were translated.
  kPageDirtyMigration = 2,  ///< Written since the migration client last looked.
  kPageDirtyDisplay = 4,    ///< Written since the display client last looked.
  kPageDirtyAll = kPageDirtyMigration | kPageDirtyDisplay,
};

class RamBlock;

/// Told about events that whoever caches translations or write permissions of RAM has to follow.
class RamObserver {
 public:
  virtual ~RamObserver() = default;
  /// Bytes [offset, offset + length), on pages flagged kPageCode, were written through an address
  /// space or mark_written. Called on the writing thread, after the write.
  virtual void code_written(RamBlock& block, uint64_t offset, uint64_t length) = 0;
  /// Dirty bits in [offset, offset + length) were cleared: cached write permissions must go before
  /// this returns.
  virtual void write_permission_withdrawn(RamBlock& block, uint64_t offset, uint64_t length) = 0;
  /// The block goes away, and its memory with it; the observer is off its list already.
  virtual void block_destroyed(RamBlock& block) = 0;
};

/// A block of guest RAM: a host mapping, with a byte of flags a page. Contents and flags may
/// be accessed by any thread at any time. New pages are zero and dirty for every client.
class RamBlock {
 public:
  /// `size` is a positive multiple of kGuestPageSize. Errors: the host has no memory.
  static util::Result<std::unique_ptr<RamBlock>> create(std::string name, uint64_t size);
  ~RamBlock();
  RamBlock(const RamBlock&) = delete;
  RamBlock& operator=(const RamBlock&) = delete;

  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }
  std::byte* data() const { return mapping_.data(); }
  std::span<std::byte> bytes() const { return {data(), size_}; }

  /// One byte of PageFlag bits a page.
  std::atomic<uint8_t>* page_flags() const { return flags_.get(); }
  std::atomic<uint8_t>& flags_of(uint64_t offset) const { return flags_[offset >> kGuestPageBits]; }
  uint64_t page_count() const { return size_ >> kGuestPageBits; }

  /// Sets or clears kPageCode. The translator has to withdraw its own write permissions first.
  void set_code(uint64_t offset, bool code);
  /// Records a write of [offset, offset + length): sets all dirty bits and tells observers of code
  /// pages.
  void mark_written(uint64_t offset, uint64_t length);
  /// For each page of [offset, offset + length), whether `client` (one dirty bit) was set; clears
  /// it, and withdraws write permissions if any was. Offsets are page-aligned.
  std::vector<bool> take_dirty(PageFlag client, uint64_t offset, uint64_t length);
  bool is_dirty(PageFlag client, uint64_t offset) const {
    return (flags_of(offset).load(std::memory_order_relaxed) & client) != 0;
  }

  /// Observers are added and removed while no vCPU runs.
  void add_observer(RamObserver& observer);
  void remove_observer(RamObserver& observer);

 private:
  RamBlock(std::string name, uint64_t size, util::MemoryMapping mapping);

  std::string name_;
  uint64_t size_;
  util::MemoryMapping mapping_;
  std::unique_ptr<std::atomic<uint8_t>[]> flags_;
  std::vector<RamObserver*> observers_;
};

}  // namespace vireo::core
