#pragma once

#include <bit>
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

/// Which pages something was made of. It may claim more than was added, since pages share the
/// `kBits` bits, a power of two, of their half of the address space: the upper one, mostly a
/// kernel's, has many large pages, and most pages that are flushed are in the lower one. General
/// registers only.
template <size_t kBits>
class PageFilter {
 public:
  /// The page of one of kPageSizes that `address` is in.
  void add(uint64_t address, unsigned page_bits) {
    Half& half = halves_[address >> 63];
    const size_t bit = (address >> page_bits) % kBits;
    half.words[bit / 64] |= uint64_t{1} << bit % 64;
    half.sizes |= uint64_t{1} << page_bits;
  }
  /// Whether `address` may be in a page that was added.
  bool may_have(uint64_t address) const {
    const Half& half = halves_[address >> 63];
    for (uint64_t sizes = half.sizes; sizes != 0; sizes &= sizes - 1) {
      const int page_bits = std::countr_zero(sizes);
      const size_t bit = (address >> page_bits) % kBits;
      if (half.words[bit / 64] >> bit % 64 & 1) return true;
    }
    return false;
  }
  void clear() {
    for (Half& half : halves_) {
      if (half.sizes != 0) half = {};
    }
  }

 private:
  struct Half {
    uint64_t sizes = 0;  // that were added: bit i stands for pages of 2^i bytes
    uint64_t words[kBits / 64] = {};
  };
  Half halves_[2];
};

}  // namespace vireo::accel
