#pragma once

#include <cstddef>
#include <cstdint>

#include "tcg/runtime/frame.h"

namespace vireo::accel {

/// The guest's page sizes, as powers of two: 4 KiB, 2 MiB, 4 MiB and 1 GiB.
inline constexpr uint8_t kPageSizes[] = {tcg::kPageBits, 21, 22, 30};

constexpr unsigned place_of_page_size(unsigned page_bits) {
  unsigned place = 0;
  while (kPageSizes[place] != page_bits) ++place;
  return place;
}

/// Whether two addresses are in the same page of that size.
constexpr bool is_in_page(uint64_t a, uint64_t b, unsigned page_bits) {
  return (a ^ b) >> page_bits == 0;
}

/// Which pages something was made of. It may claim more than was added, since pages share its
/// `kBits` bits, a power of two. General registers only.
template <size_t kBits>
class PageFilter {
 public:
  /// The page of one of kPageSizes that `address` is in.
  void add(uint64_t address, unsigned page_bits) {
    const size_t bit = bit_of(address, page_bits);
    words_[bit / 64] |= uint64_t{1} << bit % 64;
    is_empty_ = false;
  }
  /// Whether `address` may be in a page that was added.
  bool may_have(uint64_t address) const {
    if (is_empty_) return false;
    for (const uint8_t page_bits : kPageSizes) {
      const size_t bit = bit_of(address, page_bits);
      if (words_[bit / 64] >> bit % 64 & 1) return true;
    }
    return false;
  }
  void clear() {
    if (is_empty_) return;
    for (uint64_t& word : words_) word = 0;
    is_empty_ = true;
  }

 private:
  static size_t bit_of(uint64_t address, unsigned page_bits) {
    return (address >> page_bits) % kBits;
  }

  uint64_t words_[kBits / 64] = {};
  bool is_empty_ = true;
};

}  // namespace vireo::accel
