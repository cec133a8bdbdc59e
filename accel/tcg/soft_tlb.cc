// The software TLB. Compiled to use general registers only: refills run while guest vector
// registers are live in the host's.

#include "accel/tcg/soft_tlb.h"

namespace vireo::accel {

namespace {

// Of an entry: it is listed in used_; its page is global; the place of the page's size in
// kPageSizes; its key.
constexpr uint8_t kListed = 1;
constexpr uint8_t kGlobal = 2;
constexpr unsigned kSizeShift = 2, kSizeMask = 3;
constexpr unsigned kKeyShift = 4;

uint8_t page_bits_of(uint8_t flags) { return kPageSizes[flags >> kSizeShift & kSizeMask]; }

// Other threads withdraw entries while translated code looks at them.
void set_tag(uint64_t& tag, uint64_t value) { __atomic_store_n(&tag, value, __ATOMIC_RELAXED); }

}  // namespace

uint64_t SoftTlb::unused_tag(unsigned number) {
  return number < kFirstLost ? tcg::invalid_tag(number / 2) : kNoPage;
}

unsigned SoftTlb::number_of(uint64_t page, bool is_write) {
  return tcg::tlb_index(page) * 2 + (is_write ? 1 : 0);
}

tcg::TlbPlace SoftTlb::entry(unsigned number) {
  if (number < kFirstLost) return tlb_->entry_at(number / 2, number % 2 != 0);
  tcg::TlbEntry& lost = lost_[number - kFirstLost].entry;
  return {lost.tag, lost.host};
}

void SoftTlb::put(unsigned number, const tcg::TlbEntry& what, uint8_t flags) {
  if ((flags_[number] & kListed) == 0) used_[used_count_++] = static_cast<uint16_t>(number);
  flags_[number] = flags;
  const tcg::TlbPlace filled = entry(number);
  clear(number);
  filled.host = what.host;
  if (number % 2 != 0) ++writers_of(what.host);
  set_tag(filled.tag, what.tag);
}

// What the entry holds goes to the next place for pages that lost theirs.
void SoftTlb::keep(unsigned number) {
  if (entry(number).tag == unused_tag(number)) return;
  next_lost_ = (next_lost_ + 2) % kLost;
  put(kFirstLost + next_lost_ + number % 2, entry(number), flags_[number]);
}

bool SoftTlb::recall(uint64_t page, bool is_write) {
  for (unsigned i = is_write ? 1 : 0; i < kLost; i += 2) {
    if (lost_[i].entry.tag != page) continue;
    const unsigned number = number_of(page, is_write);
    const tcg::TlbEntry found = lost_[i].entry;
    const uint8_t flags = flags_[kFirstLost + i];
    clear(kFirstLost + i);
    keep(number);
    put(number, found, flags);
    return true;
  }
  return false;
}

// Of an entry that is made now.
uint8_t SoftTlb::flags_for(uint64_t page, PageKind kind) {
  keys_ = static_cast<uint16_t>(keys_ | 1u << kind.key);
  if (kind.page_bits != tcg::kPageBits) large_pages_.add(page, kind.page_bits);
  return static_cast<uint8_t>(kListed | (kind.global ? kGlobal : 0) |
                              place_of_page_size(kind.page_bits) << kSizeShift |
                              kind.key << kKeyShift);
}

void SoftTlb::fill(uint64_t page, std::byte* host, bool is_write, PageKind kind) {
  const unsigned number = number_of(page, is_write);
  if (entry(number).tag != page) keep(number);
  put(number, {page, reinterpret_cast<uint8_t*>(host)}, flags_for(page, kind));
}

void SoftTlb::fill_if_free(uint64_t page, std::byte* host, bool is_write, PageKind kind) {
  const unsigned number = number_of(page, is_write);
  if (entry(number).tag == unused_tag(number)) fill(page, host, is_write, kind);
}

unsigned SoftTlb::device_number_of(uint64_t page, bool is_write) {
  return number_of(page, is_write) % kDevicePages;
}

void SoftTlb::note_device(uint64_t page, uint64_t physical, bool is_write, PageKind kind) {
  devices_[device_number_of(page, is_write)] = {page, physical, flags_for(page, kind)};
  has_devices_ = true;
}

const uint64_t* SoftTlb::device_at(uint64_t page, bool is_write) const {
  const DevicePage& device = devices_[device_number_of(page, is_write)];
  return device.page == page ? &device.physical : nullptr;
}

void SoftTlb::clear(unsigned number) {
  const tcg::TlbPlace cleared = entry(number);
  if (cleared.tag == unused_tag(number)) return;
  if (number % 2 != 0) --writers_of(cleared.host);
  set_tag(cleared.tag, unused_tag(number));
}

uint16_t& SoftTlb::writers_of(const uint8_t* host) {
  const uint64_t page = reinterpret_cast<uint64_t>(host) >> tcg::kPageBits;
  return writers_[(page ^ page >> kWriterBits) % (1u << kWriterBits)];
}

template <class Dropped>
void SoftTlb::flush_devices_if(Dropped dropped) {
  if (!has_devices_) return;
  has_devices_ = false;
  for (DevicePage& device : devices_) {
    if (device.page == kNoPage) continue;
    if (dropped(device.page, device.flags)) {
      device.page = kNoPage;
    } else {
      has_devices_ = true;
    }
  }
}

// `dropped` is asked with the page and the flags of each entry.
template <class Dropped>
void SoftTlb::flush_if(Dropped dropped) {
  flush_devices_if(dropped);
  unsigned kept = 0;
  for (unsigned i = 0; i < used_count_; ++i) {
    const uint16_t number = used_[i];
    if (!dropped(entry(number).tag, flags_[number])) {
      used_[kept++] = number;
    } else {
      clear(number);
      flags_[number] = 0;
    }
  }
  used_count_ = kept;
  if (kept == 0 && !has_devices_) large_pages_.clear();
}

void SoftTlb::flush() {
  flush_if([](uint64_t, uint8_t) { return true; });
  keys_ = 0;
}

void SoftTlb::flush_non_global() {
  flush_if([](uint64_t, uint8_t flags) { return (flags & kGlobal) == 0; });
}

void SoftTlb::flush_keys(uint16_t keys) {
  if ((keys_ & keys) == 0) return;
  flush_if([keys](uint64_t, uint8_t flags) { return (keys >> (flags >> kKeyShift) & 1) != 0; });
  keys_ = static_cast<uint16_t>(keys_ & ~keys);
}

// The filter is made again, of what stays.
void SoftTlb::flush_large_page(uint64_t address) {
  large_pages_.clear();
  flush_if([this, address](uint64_t page, uint8_t flags) {
    const uint8_t page_bits = page_bits_of(flags);
    if (is_in_page(page, address, page_bits)) return true;
    if (page_bits != tcg::kPageBits) large_pages_.add(page, page_bits);
    return false;
  });
}

void SoftTlb::flush_page(uint64_t address) {
  if (large_pages_.may_have(address)) return flush_large_page(address);
  const uint64_t page = tcg::page_of(address);
  for (const bool is_write : {false, true}) {
    const unsigned number = number_of(page, is_write);
    if (entry(number).tag == page) clear(number);
    DevicePage& device = devices_[device_number_of(page, is_write)];
    if (device.page == page) device.page = kNoPage;
  }
  for (unsigned i = 0; i < kLost; ++i) {
    if (lost_[i].entry.tag == page) clear(kFirstLost + i);
  }
}

void SoftTlb::withdraw_write_range(const std::byte* first, const std::byte* last) {
  const auto* page = reinterpret_cast<const uint8_t*>(first);
  const bool is_page = last - first < static_cast<ptrdiff_t>(tcg::kPageSize);
  if (is_page && writers_of(page) == 0) return;
  for (unsigned i = 0; i < used_count_; ++i) {
    if (used_[i] % 2 == 0) continue;
    const auto* host = reinterpret_cast<const std::byte*>(entry(used_[i]).host);
    if (host >= first && host <= last) clear(used_[i]);
  }
}

}  // namespace vireo::accel
