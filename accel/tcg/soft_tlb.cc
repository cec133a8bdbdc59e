// The software TLB. Compiled to use general registers only: refills run while guest vector
// registers are live in the host's.

#include "accel/tcg/soft_tlb.h"

namespace vireo::accel {

namespace {

// TlbEntry::meta: the entry is listed in used_; the page is global; the entry is valid.
constexpr uint64_t kListed = 1;
constexpr uint64_t kGlobal = 2;

// Other threads withdraw entries while translated code looks at them.
void set_tag(uint64_t& tag, uint64_t value) { __atomic_store_n(&tag, value, __ATOMIC_RELAXED); }

uint64_t page_tag(bool allowed, uint64_t page, unsigned index) {
  return allowed ? page : tcg::invalid_tag(index);
}

}  // namespace

SoftTlb::SoftTlb() : entries_(new tcg::TlbEntry[tcg::kTlbEntries]) {
  for (unsigned index = 0; index < tcg::kTlbEntries; ++index) {
    entries_[index] = {tcg::invalid_tag(index), tcg::invalid_tag(index), nullptr, 0};
  }
}

void SoftTlb::fill(uint64_t page, std::byte* host, bool readable, bool writable, bool global) {
  const unsigned index = tcg::tlb_index(page);
  tcg::TlbEntry& entry = entries_[index];
  if ((entry.meta & kListed) == 0) used_[used_count_++] = static_cast<uint16_t>(index);
  set_tag(entry.tag_read, page_tag(readable, page, index));
  set_tag(entry.tag_write, page_tag(writable, page, index));
  entry.host = reinterpret_cast<uint8_t*>(host);
  entry.meta = kListed | (global ? kGlobal : 0);
}

bool SoftTlb::holds(uint64_t page) const {
  const tcg::TlbEntry& entry = entries_[tcg::tlb_index(page)];
  return entry.tag_read == page || entry.tag_write == page;
}

void SoftTlb::clear(unsigned index) {
  tcg::TlbEntry& entry = entries_[index];
  set_tag(entry.tag_read, tcg::invalid_tag(index));
  set_tag(entry.tag_write, tcg::invalid_tag(index));
}

void SoftTlb::flush() {
  for (unsigned i = 0; i < used_count_; ++i) {
    clear(used_[i]);
    entries_[used_[i]].meta = 0;
  }
  used_count_ = 0;
}

void SoftTlb::flush_non_global() {
  unsigned kept = 0;
  for (unsigned i = 0; i < used_count_; ++i) {
    const uint16_t index = used_[i];
    if ((entries_[index].meta & kGlobal) != 0) {
      used_[kept++] = index;
    } else {
      clear(index);
      entries_[index].meta = 0;
    }
  }
  used_count_ = kept;
}

void SoftTlb::flush_page(uint64_t page) {
  if (holds(page)) clear(tcg::tlb_index(page));
}

void SoftTlb::withdraw_write_range(const std::byte* first, const std::byte* last) {
  for (unsigned i = 0; i < used_count_; ++i) {
    tcg::TlbEntry& entry = entries_[used_[i]];
    const auto* host = reinterpret_cast<const std::byte*>(entry.host);
    if (host >= first && host <= last) set_tag(entry.tag_write, tcg::invalid_tag(used_[i]));
  }
}

}  // namespace vireo::accel
