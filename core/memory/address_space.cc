// Address spaces: look-up in an immutable flat view, RAM accesses without a lock, I/O under the
// machine lock.
#include "core/memory/address_space.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "core/machine_lock.h"
#include "core/memory/flat_view.h"
#include "core/memory/ram_block.h"
#include "util/bits.h"
#include "util/byte_order.h"
#include "util/log.h"
#include "util/shared_access.h"

namespace vireo::core {
namespace {

// Guest atomicity: an aligned access in RAM is one host access.
template <class T>
uint64_t load_once(const std::byte* from) {
  const T value = util::load_shared<T>(from);
  return std::endian::native == std::endian::little ? value : util::swap_bytes(value);
}
template <class T>
void store_once(std::byte* to, uint64_t value) {
  T narrow = static_cast<T>(value);
  if constexpr (std::endian::native != std::endian::little) narrow = util::swap_bytes(narrow);
  util::store_shared<T>(to, narrow);
}

uint64_t load_host(const std::byte* from, unsigned width) {
  if (!util::is_aligned(from, width)) return util::load_little(from, width);
  switch (width) {
    case 1:
      return load_once<uint8_t>(from);
    case 2:
      return load_once<uint16_t>(from);
    case 4:
      return load_once<uint32_t>(from);
    default:
      return load_once<uint64_t>(from);
  }
}

void store_host(std::byte* to, unsigned width, uint64_t value) {
  if (!util::is_aligned(to, width)) return util::store_little(to, value, width);
  switch (width) {
    case 1:
      return store_once<uint8_t>(to, value);
    case 2:
      return store_once<uint16_t>(to, value);
    case 4:
      return store_once<uint32_t>(to, value);
    default:
      return store_once<uint64_t>(to, value);
  }
}

uint64_t room_in(const Mapping& mapping, uint64_t address) {
  const uint64_t after = mapping.last - address;  // one less than the bytes that are left
  return after == ~uint64_t{0} ? after : after + 1;
}

unsigned io_piece(uint64_t address, uint64_t length) {
  const auto width = static_cast<unsigned>(std::bit_floor(std::min<uint64_t>(length, 4)));
  return address == 0 ? width
                      : std::min<unsigned>(width, 1u << std::min(std::countr_zero(address), 2));
}

}  // namespace

uint64_t Mapping::read_block_offset(uint64_t address) const {
  return read_region->block_offset() + read_offset + (address - first);
}

uint64_t Mapping::write_block_offset(uint64_t address) const {
  return write_region->block_offset() + write_offset + (address - first);
}

const std::byte* Mapping::read_host(uint64_t address) const {
  if (!read_region || !read_region->block()) return nullptr;
  return read_region->block()->data() + read_block_offset(address);
}

std::byte* Mapping::write_host(uint64_t address) const {
  if (!write_region || !write_region->is_ram()) return nullptr;
  return write_region->block()->data() + write_block_offset(address);
}

AddressSpace::AddressSpace(std::string name, Region& root) : name_(std::move(name)), root_(root) {
  root_.spaces_.push_back(this);
  rebuild();
}

AddressSpace::~AddressSpace() {
  root_.forget_space(*this);
  delete view_.load();
}

void AddressSpace::rebuild() {
  std::vector<Mapping> mappings = FlatViewBuilder::build(root_);
  const FlatView* const before = view_.load();
  if (before && before->mappings() == mappings) return;
  auto next = std::make_unique<const FlatView>(std::move(mappings));
  view_.store(next.release());
  if (before) retired_.emplace_back(before);
  // Whoever announces itself from here on sees the new view.
  if (readers_.load() == 0) retired_.clear();
  const std::vector<TopologyListener*> listeners = listeners_;
  for (TopologyListener* listener : listeners) listener->topology_changed(*this);
}

Mapping AddressSpace::find(uint64_t address) const {
  readers_.fetch_add(1);
  const Mapping mapping = view_.load()->find(address);
  readers_.fetch_sub(1, std::memory_order_release);
  return mapping;
}

// Of a topology that stands still, with the machine lock held.
const Mapping& AddressSpace::find_locked(uint64_t address) const {
  return view_.load()->find(address);
}

uint64_t AddressSpace::read_io(uint64_t address, unsigned width) {
  MachineLockIfNeeded lock;
  const Mapping& mapping = find_locked(address);
  if (room_in(mapping, address) < width) return read_across(address, width);
  if (const std::byte* host = mapping.read_host(address)) return util::load_little(host, width);
  if (!mapping.read_region) {
    util::log(util::kLogInvalidMem, "{}: nothing answers a {}-byte read at {:#x}", name_, width,
              address);
    return util::low_mask(8 * width);
  }
  return mapping.read_region->dispatch_read(mapping.read_offset + (address - mapping.first), width);
}

void AddressSpace::write_io(uint64_t address, unsigned width, uint64_t value) {
  MachineLockIfNeeded lock;
  const Mapping& mapping = find_locked(address);
  if (room_in(mapping, address) < width) return write_across(address, width, value);
  if (!mapping.write_region) {
    util::log(util::kLogInvalidMem, "{}: nothing takes a {}-byte write of {:#x} at {:#x}", name_,
              width, value, address);
    return;
  }
  if (mapping.write_region->is_ram()) return write_value(address, width, value);
  mapping.write_region->dispatch_write(mapping.write_offset + (address - mapping.first), width,
                                       value);
}

void AddressSpace::read_io(uint64_t address, std::span<std::byte> into) {
  while (!into.empty()) {
    const unsigned width = io_piece(address, into.size());
    util::store_little(into.data(), read_io(address, width), width);
    into = into.subspan(width);
    address += width;
  }
}

void AddressSpace::write_io(uint64_t address, std::span<const std::byte> from) {
  while (!from.empty()) {
    const unsigned width = io_piece(address, from.size());
    write_io(address, width, util::load_little(from.data(), width));
    from = from.subspan(width);
    address += width;
  }
}

uint64_t AddressSpace::read_value(uint64_t address, unsigned width) {
  const Mapping mapping = find(address);
  if (room_in(mapping, address) < width) return read_across(address, width);
  if (const std::byte* host = mapping.read_host(address)) return load_host(host, width);
  return read_io(address, width);
}

void AddressSpace::write_value(uint64_t address, unsigned width, uint64_t value) {
  const Mapping mapping = find(address);
  if (room_in(mapping, address) < width) return write_across(address, width, value);
  std::byte* const host = mapping.write_host(address);
  if (!host) return write_io(address, width, value);
  store_host(host, width, value);
  mapping.write_region->block()->mark_written(mapping.write_block_offset(address), width);
}

uint64_t AddressSpace::read_across(uint64_t address, unsigned width) {
  const unsigned half = width / 2;
  return read_value(address, half) | read_value(address + half, half) << (8 * half);
}

void AddressSpace::write_across(uint64_t address, unsigned width, uint64_t value) {
  const unsigned half = width / 2;
  write_value(address, half, value & util::low_mask(8 * half));
  write_value(address + half, half, value >> (8 * half));
}

bool AddressSpace::read(uint64_t address, std::span<std::byte> into) {
  bool all_mapped = true;
  while (!into.empty()) {
    const Mapping mapping = find(address);
    const uint64_t length = std::min<uint64_t>(into.size(), room_in(mapping, address));
    if (const std::byte* host = mapping.read_host(address)) {
      std::memcpy(into.data(), host, length);
    } else if (!mapping.read_region) {
      std::fill_n(into.begin(), length, std::byte{0xff});
      all_mapped = false;
    } else {
      read_io(address, into.first(length));
    }
    into = into.subspan(length);
    address += length;
  }
  return all_mapped;
}

bool AddressSpace::write(uint64_t address, std::span<const std::byte> from) {
  bool all_mapped = true;
  while (!from.empty()) {
    const Mapping mapping = find(address);
    const uint64_t length = std::min<uint64_t>(from.size(), room_in(mapping, address));
    if (std::byte* host = mapping.write_host(address)) {
      std::memcpy(host, from.data(), length);
      mapping.write_region->block()->mark_written(mapping.write_block_offset(address), length);
    } else if (!mapping.write_region) {
      all_mapped = false;
    } else {
      write_io(address, from.first(length));
    }
    from = from.subspan(length);
    address += length;
  }
  return all_mapped;
}

std::span<std::byte> AddressSpace::host_span(uint64_t address, uint64_t length, bool for_write) {
  const Mapping mapping = find(address);
  if (length == 0 || room_in(mapping, address) < length) return {};
  // Callers that ask for reading only read.
  auto* const host =
      for_write ? mapping.write_host(address) : const_cast<std::byte*>(mapping.read_host(address));
  if (!host) return {};
  return {host, length};
}

void AddressSpace::mark_written(uint64_t address, uint64_t length) {
  while (length != 0) {
    const Mapping mapping = find(address);
    const uint64_t part = std::min(length, room_in(mapping, address));
    if (mapping.write_host(address)) {
      mapping.write_region->block()->mark_written(mapping.write_block_offset(address), part);
    }
    length -= part;
    address += part;
  }
}

void AddressSpace::add_listener(TopologyListener& listener) { listeners_.push_back(&listener); }
void AddressSpace::remove_listener(TopologyListener& listener) {
  std::erase(listeners_, &listener);
}

std::string AddressSpace::describe_mappings() const {
  std::string text;
  MachineLockIfNeeded lock;
  for (const Mapping& mapping : view_.load()->mappings()) {
    const auto side = [](const Region* region, uint64_t offset) {
      return region ? fmt::format("{}+{:#x}", region->name(), offset) : std::string("-");
    };
    if (!mapping.read_region && !mapping.write_region) continue;
    text += fmt::format("{:016x}-{:016x} ", mapping.first, mapping.last);
    const std::string read = side(mapping.read_region, mapping.read_offset);
    const std::string write = side(mapping.write_region, mapping.write_offset);
    text += read == write ? read + "\n" : fmt::format("read {} write {}\n", read, write);
  }
  return text;
}

}  // namespace vireo::core
