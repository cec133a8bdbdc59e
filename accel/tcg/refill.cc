// TLB refills. Compiled to use general registers only, since guest vector registers are live.

#include "accel/tcg/vcpu.h"
#include "core/memory/ram_block.h"
#include "util/activity.h"
#include "util/log.h"

namespace vireo::accel {

// While fills are logged, the full hooks do them: here nothing may be formatted.
bool TcgVcpu::refill_hook(tcg::Frame* frame, uint64_t va, unsigned size, tcg::Access access,
                          uint8_t flags) {
  if (util::log_enabled(util::kLogMmu)) return false;
  const util::ActivityScope refilling(util::Activity::kRefill);
  return static_cast<TcgVcpu*>(frame->accelerator)->refill(va, size, access, flags);
}

SoftTlb& TcgVcpu::tlb(uint8_t flags) {
  if ((flags & tcg::kMemoryUser) != 0) return space_->tlb[1];
  return space_->tlb[tcg::kernel_tlb_in_use(frame_) != 0 ? 2 : 0];
}

RamStretch TcgVcpu::find_ram(uint64_t physical) {
  tlb_lock_.lock();
  const RamStretch* stretch = memory_->map.find(physical);
  const RamStretch found = stretch != nullptr ? *stretch : RamStretch{};
  tlb_lock_.unlock();
  return found;
}

bool TcgVcpu::refill(uint64_t va, unsigned size, tcg::Access access, uint8_t flags) {
  const uint64_t page = tcg::page_of(va);
  if (va - page > tcg::kPageSize - size) return false;
  if ((flags & tcg::kMemoryAligned) != 0 && va % size != 0) return false;
  const bool writes = access == tcg::Access::kWrite;
  tlb_lock_.lock();
  const bool recalled = tlb(flags).recall(page, writes);
  const bool device = tlb(flags).device_at(page, writes) != nullptr;
  tlb_lock_.unlock();
  if (recalled || device) return recalled;
  PageWalk walk;
  if (!cpu_.walk(va, access, flags, walk)) return false;
  tlb_lock_.lock();
  const RamStretch* stretch = memory_->map.find(walk.physical);
  SoftTlb& tlb = this->tlb(flags);
  const PageKind kind{walk.global, walk.key, walk.page_bits};
  bool filled = false;
  if (stretch == nullptr) {
    tlb.note_device(page, walk.physical, writes, kind);
  } else {
    const uint64_t offset = walk.physical - stretch->first;
    std::atomic<uint8_t>& page_flags = stretch->flags[offset >> tcg::kPageBits];
    const bool plain = stretch->write == stretch->read;
    if (writes && plain && (page_flags.load(std::memory_order_relaxed) & core::kPageCode) == 0) {
      page_flags.fetch_or(core::kPageDirtyAll, std::memory_order_relaxed);
    }
    const bool writable =
        walk.writable && plain && page_flags.load(std::memory_order_relaxed) == core::kPageDirtyAll;
    filled = writes ? writable : walk.readable;
    std::byte* host = stretch->read + offset;
    if (filled) tlb.fill(page, host, writes, kind);
    if (writes ? walk.readable : writable) tlb.fill_if_free(page, host, !writes, kind);
  }
  tlb_lock_.unlock();
  return filled;
}

}  // namespace vireo::accel
