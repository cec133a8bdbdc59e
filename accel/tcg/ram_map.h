#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vireo::core {
class AddressSpace;
class RamBlock;
}  // namespace vireo::core

namespace vireo::accel {

/// A stretch of guest-physical memory that is backed by host memory.
struct RamStretch {
  uint64_t first = 0;
  uint64_t last = 0;
  std::byte* read = nullptr;              ///< Host memory of `first` for reads; never null.
  std::byte* write = nullptr;             ///< The same for writes; null if these go elsewhere.
  std::atomic<uint8_t>* flags = nullptr;  ///< Page flags of `first`'s page in `block`.
  core::RamBlock* block = nullptr;        ///< Owner of `read`.
  uint64_t block_offset = 0;              ///< Of `first` in `block`.
};

/// A snapshot of where guest-physical memory lies, for TLB refills: sorted stretches, searched
/// with general registers only.
class RamMap {
 public:
  /// Takes the snapshot; machine lock held, or nothing runs yet.
  void rebuild(const core::AddressSpace& memory);
  const std::vector<RamStretch>& stretches() const { return storage_; }
  /// The stretch that holds `physical`, or null. Inline: refills must not call code that was
  /// compiled to use vector registers.
  const RamStretch* find(uint64_t physical) const {
    const RamStretch* low = stretches_;
    size_t count = count_;
    while (count > 0) {
      const size_t half = count / 2;
      const RamStretch& middle = low[half];
      if (physical < middle.first) {
        count = half;
      } else if (physical > middle.last) {
        low = &middle + 1;
        count -= half + 1;
      } else {
        return &middle;
      }
    }
    return nullptr;
  }

 private:
  std::vector<RamStretch> storage_;
  const RamStretch* stretches_ = nullptr;
  size_t count_ = 0;
};

}  // namespace vireo::accel
