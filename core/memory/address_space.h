#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/memory/region.h"

namespace vireo::core {

class AddressSpace;
class FlatView;

/// What one stretch of an address space leads to. Reads and writes may differ (ROM, PAM, SMRAM).
struct Mapping {
  uint64_t first = 0;  ///< First and last address of the stretch that is mapped this way.
  uint64_t last = 0;
  Region* read_region = nullptr;   ///< Leaf (RAM, ROM or I/O) that takes reads; null when unmapped.
  Region* write_region = nullptr;  ///< Leaf that takes writes; null when unmapped.
  uint64_t read_offset = 0;        ///< Offset of `first` in read_region.
  uint64_t write_offset = 0;

  /// Host address of `address` for reads, or null when it is no memory.
  const std::byte* read_host(uint64_t address) const;
  /// Host address of `address` for writes, or null when it is no plain RAM. The writer has to
  /// respect page flags.
  std::byte* write_host(uint64_t address) const;
  /// Offsets in read_region->block() / write_region->block(), when these are memory.
  uint64_t read_block_offset(uint64_t address) const;
  uint64_t write_block_offset(uint64_t address) const;

  bool operator==(const Mapping&) const = default;
};

/// Told when an address space was rebuilt, under the machine lock, after the new view can be seen.
/// Whoever caches Mappings (the soft TLB) drops them before returning, or before the next guest
/// access of the vCPU concerned.
class TopologyListener {
 public:
  virtual ~TopologyListener() = default;
  virtual void topology_changed(AddressSpace& space) = 0;
};

/// Guest addresses as one observer sees them: a tree of regions and its flattened form. Look-ups
/// and RAM accesses take no lock and may be made by any thread; I/O takes the machine lock if the
/// caller does not hold it. Addresses that nothing answers read as all ones and drop writes. Used
/// for memory and for the 64 Ki of x86 ports.
class AddressSpace {
 public:
  /// `root` has to outlive the space.
  AddressSpace(std::string name, Region& root);
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  const std::string& name() const { return name_; }
  Region& root() const { return root_; }

  Mapping find(uint64_t address) const;

  /// Copies any length, across mappings. Returns false if part of it was unmapped.
  bool read(uint64_t address, std::span<std::byte> into);
  bool write(uint64_t address, std::span<const std::byte> from);

  /// A little-endian integer of 1, 2, 4 or 8 bytes; one host access when it lies aligned in RAM.
  uint64_t read_value(uint64_t address, unsigned width);
  void write_value(uint64_t address, unsigned width, uint64_t value);
  template <class T>
  requires std::is_integral_v<T> T load(uint64_t address) {
    return static_cast<T>(read_value(address, sizeof(T)));
  }
  template <class T>
  requires std::is_integral_v<T>
  void store(uint64_t address, std::type_identity_t<T> value) {
    write_value(address, sizeof(T), static_cast<std::make_unsigned_t<T>>(value));
  }

  /// For what is hardly memory: as above, with one look-up, under the machine lock. Bytes go as
  /// aligned accesses of up to 4, which is how read() and write() reach devices.
  uint64_t read_io(uint64_t address, unsigned width);
  void write_io(uint64_t address, unsigned width, uint64_t value);
  void read_io(uint64_t address, std::span<std::byte> into);
  void write_io(uint64_t address, std::span<const std::byte> from);

  /// DMA without copying: [address, address + length) as host memory, or empty if it is not one
  /// piece of plain RAM (or ROM, for reads). After writing, call mark_written. Valid while the
  /// topology stays, so do not keep it.
  std::span<std::byte> host_span(uint64_t address, uint64_t length, bool for_write);
  /// Sets dirty bits and drops translated code for RAM written through host_span.
  void mark_written(uint64_t address, uint64_t length);

  /// Listeners are added and removed under the machine lock.
  void add_listener(TopologyListener& listener);
  void remove_listener(TopologyListener& listener);

  /// A line a mapping, for the monitor's `info mtree -f` and tests.
  std::string describe_mappings() const;

 private:
  friend class Region;
  friend class TopologyTransaction;
  void rebuild();
  const Mapping& find_locked(uint64_t address) const;
  // Across mappings.
  uint64_t read_across(uint64_t address, unsigned width);
  void write_across(uint64_t address, unsigned width, uint64_t value);

  std::string name_;
  Region& root_;
  // Readers announce themselves; a replaced view is freed when none is inside.
  mutable std::atomic<uint32_t> readers_{0};
  std::atomic<const FlatView*> view_{nullptr};
  std::vector<std::unique_ptr<const FlatView>> retired_;
  std::vector<TopologyListener*> listeners_;
};

}  // namespace vireo::core
