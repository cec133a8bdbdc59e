// The parts of PcCpu that TLB refills call: general registers only.

#include "accel/tcg/vcpu.h"
#include "hw/i386/pc_cpu.h"
#include "target/i386/helper/page_walk.h"

namespace vireo::hw {

bool PcCpu::walk(uint64_t linear, tcg::Access access, uint8_t memory_flags,
                 accel::PageWalk& result) {
  const auto privilege = (memory_flags & tcg::kMemoryUser) != 0 ? i386::Privilege::kUser
                                                                : i386::Privilege::kSupervisor;
  const i386::Walk walk = i386::walk_pages(state_, linear, access, privilege);
  if (!walk.ok()) {
    // SDM volume 3, 6.15: addresses that are not canonical are #SS in the stack segment.
    const bool stack_fault = walk.vector == i386::kGp && (memory_flags & tcg::kMemoryStack) != 0;
    result.vector = stack_fault ? uint8_t{i386::kSsFault} : walk.vector;
    result.has_error = true;
    result.error = walk.error;
    return false;
  }
  result.physical = tcg::page_of(walk.physical & address_mask());
  result.writable = walk.writable;
  result.readable = walk.readable;
  result.global = walk.global;
  result.key = walk.key;
  result.page_bits = walk.page_bits;
  return true;
}

i386::PageTableMemory PcCpu::page_table_memory(uint64_t address) {
  const uint64_t physical = address & address_mask();
  const accel::RamStretch ram = vcpu_->find_ram(physical);
  if (ram.read == nullptr) return {};
  const uint64_t offset = physical - ram.first;
  return {.read = ram.read + offset,
          .write = ram.write != nullptr ? ram.write + offset : nullptr,
          .flags = ram.flags + (offset >> tcg::kPageBits)};
}

}  // namespace vireo::hw
