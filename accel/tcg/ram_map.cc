// A flat copy of the RAM and ROM parts of an address space, for look-ups without a lock.

#include "accel/tcg/ram_map.h"

#include "core/memory/address_space.h"
#include "core/memory/ram_block.h"
#include "core/memory/region.h"

namespace vireo::accel {

void RamMap::rebuild(const core::AddressSpace& memory) {
  std::vector<RamStretch> stretches;
  uint64_t address = 0;
  while (true) {
    const core::Mapping mapping = memory.find(address);
    const std::byte* read = mapping.read_host(address);
    // TLB entries are whole pages: a stretch that does not fill its pages stays with the slow path.
    const uint64_t first = (address + core::kGuestPageSize - 1) & ~(core::kGuestPageSize - 1);
    const uint64_t end = (mapping.last + 1) & ~(core::kGuestPageSize - 1);
    if (read != nullptr && first >= address && (end == 0 || first < end)) {
      core::RamBlock* block = mapping.read_region->block();
      const uint64_t offset = mapping.read_block_offset(first);
      stretches.push_back({.first = first,
                           .last = end - 1,
                           .read = block->data() + offset,
                           .write = mapping.write_host(first),
                           .flags = &block->flags_of(offset),
                           .block = block,
                           .block_offset = offset});
    }
    if (mapping.last == ~uint64_t{0}) break;
    address = mapping.last + 1;
  }
  storage_ = std::move(stretches);
  stretches_ = storage_.data();
  count_ = storage_.size();
}

}  // namespace vireo::accel
