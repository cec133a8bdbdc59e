// The region tree: changes mark the address spaces that can see them, which are rebuilt when the
// transaction ends.
#include "core/memory/region.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "core/machine_lock.h"
#include "core/memory/address_space.h"
#include "core/memory/ram_block.h"
#include "util/bits.h"
#include "util/log.h"

namespace vireo::core {
namespace {

// Changes happen under the machine lock, so the thread that opened a transaction is the only one
// making any.
struct PendingTopology {
  int depth = 0;
  std::vector<AddressSpace*> spaces;
};
thread_local PendingTopology pending;

}  // namespace

TopologyTransaction::TopologyTransaction() { ++pending.depth; }

TopologyTransaction::~TopologyTransaction() {
  if (--pending.depth > 0) return;
  const std::vector<AddressSpace*> spaces = std::exchange(pending.spaces, {});
  for (AddressSpace* space : spaces) space->rebuild();
}

Region Region::container(std::string name, uint64_t size) {
  return Region(Kind::container, std::move(name), size);
}

Region Region::ram(std::string name, RamBlock& block, uint64_t offset, uint64_t size) {
  return Region(Kind::ram, std::move(name), size, &block, offset, nullptr, {});
}

Region Region::rom(std::string name, RamBlock& block, uint64_t offset, uint64_t size,
                   IoHandler* writes) {
  return Region(Kind::rom, std::move(name), size, &block, offset, writes, {});
}

Region Region::io(std::string name, uint64_t size, IoHandler& handler, IoWidths widths) {
  return Region(Kind::io, std::move(name), size, nullptr, 0, &handler, widths);
}

Region Region::alias(std::string name, Region& target, uint64_t offset, uint64_t size) {
  return Region(std::move(name), target, offset, size);
}

Region::Region(Kind kind, std::string name, uint64_t size, RamBlock* block, uint64_t offset,
               IoHandler* handler, IoWidths widths)
    : kind_(kind),
      widths_(widths),
      name_(std::move(name)),
      size_(size),
      target_offset_(offset),
      block_(block),
      handler_(handler) {
  assert(!block || (offset <= block->size() && size <= block->size() - offset));
}

Region::Region(std::string name, Region& target, uint64_t offset, uint64_t size)
    : kind_(Kind::alias),
      name_(std::move(name)),
      size_(size),
      target_offset_(offset),
      target_(&target) {
  target.aliases_.push_back(this);
}

Region::~Region() {
  TopologyTransaction transaction;
  if (parent_) parent_->remove_subregion(*this);
  while (!children_.empty()) remove_subregion(*children_.back());
  for (Region* alias : aliases_) {
    alias->target_ = nullptr;
    alias->changed();
  }
  if (target_) std::erase(target_->aliases_, this);
  assert(spaces_.empty());
}

void Region::add_subregion(Region& child, uint64_t offset, int priority) {
  assert(kind_ == Kind::container && !child.parent_);
  child.parent_ = this;
  child.offset_ = offset;
  child.priority_ = priority;
  // The first place where no sibling of higher priority follows: among equals the newest wins.
  const auto place = std::find_if(children_.begin(), children_.end(), [&](const Region* sibling) {
    return sibling->priority_ <= priority;
  });
  children_.insert(place, &child);
  child.changed();
}

void Region::remove_subregion(Region& child) {
  assert(child.parent_ == this);
  std::erase(children_, &child);
  child.parent_ = nullptr;
  changed();
}

void Region::set_enabled(bool enabled) {
  if (std::exchange(enabled_, enabled) != enabled) changed();
}

void Region::set_offset(uint64_t offset) {
  if (std::exchange(offset_, offset) != offset) changed();
}

void Region::set_size(uint64_t size) {
  assert(!block_ || (target_offset_ <= block_->size() && size <= block_->size() - target_offset_));
  if (std::exchange(size_, size) != size) changed();
}

void Region::set_alias_offset(uint64_t offset) {
  assert(kind_ == Kind::alias);
  if (std::exchange(target_offset_, offset) != offset) changed();
}

void Region::set_access(bool reads, bool writes) {
  const bool same = takes_reads_ == reads && takes_writes_ == writes;
  takes_reads_ = reads;
  takes_writes_ = writes;
  if (!same) changed();
}

void Region::changed() {
  TopologyTransaction transaction;
  mark_spaces();
}

// Climbs to every root that shows this region, by parents and by aliases.
void Region::mark_spaces() {
  for (AddressSpace* space : spaces_) {
    const bool known =
        std::find(pending.spaces.begin(), pending.spaces.end(), space) != pending.spaces.end();
    if (!known) pending.spaces.push_back(space);
  }
  if (parent_) parent_->mark_spaces();
  for (Region* alias : aliases_) alias->mark_spaces();
}

void Region::forget_space(AddressSpace& space) {
  std::erase(spaces_, &space);
  std::erase(pending.spaces, &space);
}

uint64_t Region::read_piece(uint64_t offset, unsigned width) {
  if (width < widths_.implemented_min) {
    const unsigned wide = widths_.implemented_min;
    const unsigned inside = static_cast<unsigned>(offset & (wide - 1));
    if (inside + width > wide) return util::low_mask(8 * width);  // straddles two registers
    return handler_->io_read(offset - inside, wide) >> (8 * inside) & util::low_mask(8 * width);
  }
  return handler_->io_read(offset, width) & util::low_mask(8 * width);
}

void Region::write_piece(uint64_t offset, unsigned width, uint64_t value) {
  value &= util::low_mask(8 * width);
  if (width < widths_.implemented_min) {
    const unsigned wide = widths_.implemented_min;
    const unsigned inside = static_cast<unsigned>(offset & (wide - 1));
    if (inside + width <= wide) handler_->io_write(offset - inside, wide, value << (8 * inside));
    return;
  }
  handler_->io_write(offset, width, value);
}

// The largest power of two that fits `rest` bytes, the region's maximum and, if it cares, the
// alignment.
unsigned Region::piece_width(uint64_t offset, unsigned rest) const {
  unsigned width = std::min<unsigned>(std::bit_floor(rest), widths_.implemented_max);
  if (!widths_.unaligned) {
    while (offset & (width - 1)) width /= 2;
  }
  return width;
}

bool Region::accepts(uint64_t offset, unsigned width, const char* what) const {
  const bool inside = offset < size_ && width <= size_ - offset;
  if (handler_ && inside && width >= widths_.valid_min && width <= widths_.valid_max) return true;
  util::log(util::kLogGuestErrors, "{}: {}-byte {} at offset {:#x} is not answered", name_, width,
            what, offset);
  return false;
}

uint64_t Region::dispatch_read(uint64_t offset, unsigned width) {
  if (!accepts(offset, width, "read")) return util::low_mask(8 * width);
  MachineLockIfNeeded lock;
  uint64_t value = 0;
  for (unsigned done = 0; done < width;) {
    const unsigned piece = piece_width(offset + done, width - done);
    value |= read_piece(offset + done, piece) << (8 * done);
    done += piece;
  }
  return value;
}

void Region::dispatch_write(uint64_t offset, unsigned width, uint64_t value) {
  if (!accepts(offset, width, "write")) return;
  MachineLockIfNeeded lock;
  for (unsigned done = 0; done < width;) {
    const unsigned piece = piece_width(offset + done, width - done);
    write_piece(offset + done, piece, value >> (8 * done));
    done += piece;
  }
}

}  // namespace vireo::core
