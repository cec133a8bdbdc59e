#pragma once

#include <cstdint>

#include "accel/tcg/page_filter.h"
#include "tcg/runtime/frame.h"

namespace vireo::accel {

/// What flushes ask about a page.
struct PageKind {
  bool global = false;  ///< Survives address-space switches.
  uint8_t key = 0;      ///< Protection key, below 16.
  uint8_t page_bits =
      tcg::kPageBits;  ///< Of the guest's page that it is part of: log2 of its size.
};

/// One memory context's direct-mapped TLB, with a list of the entries in use, so that a flush costs
/// what was filled. Pages that lost their entry to another of the same index are kept for a while:
/// otherwise two of them that are used in turn would cost a page walk each time. Its methods use
/// general registers only.
class SoftTlb {
 public:
  /// Keeps `tlb`, which is empty now.
  explicit SoftTlb(tcg::Tlb& tlb) : tlb_(&tlb) {}

  tcg::Tlb* tlb() { return tlb_; }

  /// Gives `page` (guest-virtual) its entry back, if it lost it lately.
  bool recall(uint64_t page, bool is_write);
  /// Makes reads or writes of `page` go to `host`.
  void fill(uint64_t page, std::byte* host, bool is_write, PageKind kind);
  /// The same if no other page has to go for it.
  void fill_if_free(uint64_t page, std::byte* host, bool is_write, PageKind kind);
  /// Keeps what a walk for such an access to `page` found: `physical`, where there is no memory.
  void note_device(uint64_t page, uint64_t physical, bool is_write, PageKind kind);
  /// The physical page of one that was noted; null if it has to be walked to.
  const uint64_t* device_at(uint64_t page, bool is_write) const;
  void flush();
  /// Keeps global entries.
  void flush_non_global();
  /// Drops all entries for parts of the guest's page at `address`.
  void flush_page(uint64_t address);
  /// Drops entries whose page has one of these keys (bit i: key i).
  void flush_keys(uint16_t keys);
  /// Takes the write permission of entries that lead to host memory in [first, last], whole pages.
  void withdraw_write_range(const std::byte* first, const std::byte* last);

 private:
  static constexpr unsigned kLost = 16;  ///< Entries for pages that lost theirs; a power of two.
  /// Numbers of entries: twice the index, and 1 more of those for writes; then those of pages that
  /// lost theirs, likewise.
  static constexpr unsigned kFirstLost = 2 * tcg::kTlbEntries;
  static constexpr unsigned kEntries = kFirstLost + kLost;
  static constexpr unsigned kDevicePages = 16;
  static unsigned number_of(uint64_t page, bool is_write);
  static unsigned device_number_of(uint64_t page, bool is_write);
  uint8_t flags_for(uint64_t page, PageKind kind);
  static uint64_t unused_tag(unsigned number);
  void keep(unsigned number);
  void put(unsigned number, const tcg::TlbEntry& what, uint8_t flags);
  tcg::TlbPlace entry(unsigned number);
  void clear(unsigned number);
  /// How many entries for writes lead to host pages that share this counter: mostly none to a page
  /// that code is found in.
  uint16_t& writers_of(const uint8_t* host);
  template <class Dropped>
  void flush_if(Dropped dropped);
  template <class Dropped>
  void flush_devices_if(Dropped dropped);
  void flush_large_page(uint64_t address);

  /// The tag of an unused LostEntry: no page has an odd address.
  static constexpr uint64_t kNoPage = 1;
  struct LostEntry {
    tcg::TlbEntry entry{.tag = kNoPage, .host = nullptr};
  };

  tcg::Tlb* tlb_;
  LostEntry lost_[kLost];
  unsigned next_lost_ = 0;
  uint8_t flags_[kEntries] = {};
  uint16_t used_[kEntries] = {};  // numbers of entries that may be valid, each once
  unsigned used_count_ = 0;
  static constexpr unsigned kWriterBits = 13;
  uint16_t writers_[1 << kWriterBits] = {};
  uint16_t keys_ = 0;             // those that entries may have
  PageFilter<2048> large_pages_;  // that entries may be parts of
  struct DevicePage {
    uint64_t page = kNoPage;
    uint64_t physical = 0;
    uint8_t flags = 0;
  };
  DevicePage devices_[kDevicePages];
  bool has_devices_ = false;
};

}  // namespace vireo::accel
