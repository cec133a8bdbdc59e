// What checked entries of translations compare with, an address space.

#include "accel/tcg/code_pages.h"

#include <algorithm>

namespace vireo::accel {

CodePages::CodePages(uint64_t* table)
    : table_(table), uses_(std::make_unique_for_overwrite<Use[]>(tcg::kCodePageSlots)) {}

void CodePages::fill(uint32_t number, uint64_t mapping, uint64_t page, bool global,
                     uint8_t page_bits) {
  const unsigned slot = tcg::code_page_slot(number);
  if (table_[slot] == mapping) return;
  if (table_[slot] == tcg::kCodePageUnmapped) slots_.push_back(static_cast<uint16_t>(slot));
  table_[slot] = mapping;
  uses_[slot] = {tcg::page_of(page), global, page_bits};
  pages_.add(page, page_bits);
}

template <class F>
void CodePages::remove_if(F&& unwanted) {
  std::erase_if(slots_, [&](uint16_t slot) {
    if (!unwanted(uses_[slot])) return false;
    table_[slot] = tcg::kCodePageUnmapped;
    return true;
  });
}

void CodePages::flush() {
  remove_if([](const Use&) { return true; });
  pages_.clear();
}

void CodePages::flush_non_global() {
  pages_.clear();
  remove_if([this](const Use& use) {
    if (use.global) pages_.add(use.page, use.page_bits);
    return !use.global;
  });
}

void CodePages::flush_page(uint64_t address) {
  if (!pages_.may_have(address)) return;
  remove_if([address](const Use& use) { return is_in_page(use.page, address, use.page_bits); });
}

void CodePages::select_mode(bool user, uint64_t mode) {
  uint64_t& last = modes_[user ? 1 : 0];
  if (last == mode) return;
  last = mode;
  flush();
}

}  // namespace vireo::accel
