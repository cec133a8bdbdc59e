// What checked entries of translations compare with, an address space.

#include "accel/tcg/code_pages.h"

#include <algorithm>

namespace vireo::accel {

CodePages::CodePages(uint64_t* table)
    : table_(table), uses_(std::make_unique_for_overwrite<Use[]>(tcg::kCodePageSlots)) {}

void CodePages::fill(uint32_t number, uint64_t mapping, uint64_t page, bool global) {
  const unsigned slot = tcg::code_page_slot(number);
  if (table_[slot] == mapping) return;
  if (table_[slot] == tcg::kCodePageUnmapped) slots_.push_back(static_cast<uint16_t>(slot));
  table_[slot] = mapping;
  uses_[slot] = {tcg::page_of(page), global};
  hashes_.set(hash_of(page));
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
  hashes_.reset();
}

void CodePages::flush_non_global() {
  hashes_.reset();
  remove_if([this](const Use& use) {
    if (use.global) hashes_.set(hash_of(use.page));
    return !use.global;
  });
}

void CodePages::flush_page(uint64_t page) {
  if (!hashes_.test(hash_of(page))) return;
  remove_if([page](const Use& use) { return use.page == tcg::page_of(page); });
}

void CodePages::select_mode(bool user, uint64_t mode) {
  uint64_t& last = modes_[user ? 1 : 0];
  if (last == mode) return;
  last = mode;
  flush();
}

}  // namespace vireo::accel
