#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "accel/tcg/page_filter.h"
#include "tcg/runtime/frame.h"

namespace vireo::accel {

/// Where one address space maps the pages that hold translated code, as far as it is known: what
/// Frame::code_pages names. Pages are guest-virtual addresses of any byte in them.
class CodePages {
 public:
  /// Keeps `table`, of kCodePageSlots words, which is empty now.
  explicit CodePages(uint64_t* table);

  uint64_t* table() { return table_; }

  /// Lets blocks of page number `number` be entered, which is at `page` now; `mapping` is their
  /// tcg::code_page_mapping(). Takes the place of another page of that slot. `page_bits`: of the
  /// guest's page that it is part of, log2 of its size.
  void fill(uint32_t number, uint64_t mapping, uint64_t page, bool global, uint8_t page_bits);
  void flush();
  /// Keeps global pages.
  void flush_non_global();
  /// Forgets all parts of the guest's page at `address`.
  void flush_page(uint64_t address);
  /// Forgets everything if `mode` is not what code of this privilege had before.
  void select_mode(bool user, uint64_t mode);

 private:
  struct Use {
    uint64_t page;
    bool global;
    uint8_t page_bits;
  };
  template <class F>
  void remove_if(F&& unwanted);

  uint64_t* table_;
  std::unique_ptr<Use[]> uses_;  // by slot; set for those in use
  std::vector<uint16_t> slots_;  // that are in use, each once
  PageFilter<4096> pages_;       // of the guest, in use, and some that were
  uint64_t modes_[2] = {~uint64_t{0}, ~uint64_t{0}};
};

}  // namespace vireo::accel
