// SMBIOS structures: BIOS, system, chassis, processors, memory, boot status.

#include "hw/i386/smbios.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "util/byte_order.h"

namespace vireo::hw {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr std::string_view kMaker = "Vireo";
constexpr std::string_view kProduct = "Standard PC (i440FX + PIIX)";
constexpr uint16_t kArrayHandle = 0x1000;
constexpr uint64_t kDimmSize = uint64_t{16} << 30;

// One structure: formatted area, then strings that it refers to by number.
class Structure {
 public:
  Structure(uint8_t type, uint16_t handle) : bytes_{type, 0} { put<uint16_t>(handle); }
  template <class T>
  Structure& put(std::type_identity_t<T> value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    util::store_little<T>(&bytes_[bytes_.size() - sizeof(T)], value);
    return *this;
  }
  Structure& zeros(size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  Structure& string(std::string_view text) {
    strings_.insert(strings_.end(), text.begin(), text.end());
    strings_.push_back(0);
    return put<uint8_t>(++string_count_);
  }
  Bytes finish() && {
    bytes_[1] = static_cast<uint8_t>(bytes_.size());
    bytes_.insert(bytes_.end(), strings_.begin(), strings_.end());
    bytes_.resize(bytes_.size() + (strings_.empty() ? 2 : 1));
    return std::move(bytes_);
  }

 private:
  Bytes bytes_;
  Bytes strings_;
  uint8_t string_count_ = 0;
};

class Table {
 public:
  void add(Structure& structure) {
    const Bytes bytes = std::move(structure).finish();
    largest = std::max(largest, bytes.size());
    all.insert(all.end(), bytes.begin(), bytes.end());
    ++count;
  }
  Bytes all;
  size_t largest = 0;
  uint16_t count = 0;
};

void add_system(Table& table, const SmbiosConfig& config) {
  Structure bios(0, 0x0000);
  bios.string(kMaker).string("1").put<uint16_t>(0xe800).string("01/01/2024").put<uint8_t>(0);
  bios.put<uint64_t>(0x08).put<uint8_t>(0).put<uint8_t>(0x14);  // virtual machine, targeted content
  bios.put<uint32_t>(0xffff0000);  // releases are not given (system), none (controller)
  table.add(bios);

  Structure system(1, 0x0100);
  system.string(kMaker).string(kProduct).string("1").put<uint8_t>(0);
  // The first three fields of a UUID are little-endian here.
  constexpr uint8_t kOrder[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  for (uint8_t index : kOrder) system.put<uint8_t>(config.uuid[index]);
  system.put<uint8_t>(6).zeros(2);  // woken by the power switch
  table.add(system);

  Structure chassis(3, 0x0300);
  chassis.string(kMaker).put<uint8_t>(1).string("1").zeros(2);
  for (int i = 0; i < 3; ++i) chassis.put<uint8_t>(3);  // boot-up, power and thermal state: safe
  chassis.put<uint8_t>(2).zeros(4 + 4 + 1);
  table.add(chassis);
}

void add_processor(Table& table, unsigned cpu) {
  Structure processor(4, static_cast<uint16_t>(0x0400 + cpu));
  processor.string("CPU " + std::to_string(cpu)).put<uint8_t>(3).put<uint8_t>(1);
  processor.string(kMaker).zeros(8).string("1").zeros(1);
  processor.put<uint16_t>(0).put<uint16_t>(2000).put<uint16_t>(2000);
  processor.put<uint8_t>(0x41).put<uint8_t>(1);  // populated and enabled; other upgrade
  for (int i = 0; i < 3; ++i) processor.put<uint16_t>(0xffff);  // caches are not described
  processor.zeros(3).put<uint8_t>(1).put<uint8_t>(1).put<uint8_t>(1);
  processor.put<uint16_t>(2).put<uint16_t>(1);
  table.add(processor);
}

void add_memory(Table& table, const SmbiosConfig& config) {
  const uint64_t total = config.low_ram_end + config.high_ram_size;
  const auto dimms = static_cast<uint16_t>((total + kDimmSize - 1) / kDimmSize);
  Structure array(16, kArrayHandle);
  array.put<uint8_t>(1).put<uint8_t>(3).put<uint8_t>(6);  // board, system memory, multi-bit ECC
  array.put<uint32_t>(0x80000000).put<uint16_t>(0xfffe).put<uint16_t>(dimms);
  array.put<uint64_t>(total);
  table.add(array);
  for (uint16_t i = 0; i < dimms; ++i) {
    const uint64_t size = std::min(total - i * kDimmSize, kDimmSize);
    Structure dimm(17, static_cast<uint16_t>(0x1100 + i));
    dimm.put<uint16_t>(kArrayHandle).put<uint16_t>(0xfffe);
    dimm.put<uint16_t>(0xffff).put<uint16_t>(0xffff).put<uint16_t>(
        static_cast<uint16_t>(std::min<uint64_t>(size >> 20, 0x7ffe)));
    dimm.put<uint8_t>(9).put<uint8_t>(0).string("DIMM " + std::to_string(i)).put<uint8_t>(0);
    dimm.put<uint8_t>(7).put<uint16_t>(2).put<uint16_t>(0).string(kMaker).zeros(4);
    dimm.put<uint32_t>(0).put<uint16_t>(0).zeros(6);
    table.add(dimm);
  }
  const auto add_range = [&](uint16_t handle, uint64_t base, uint64_t size) {
    Structure range(19, handle);
    const bool wide = (base + size) >> 42;
    range.put<uint32_t>(wide ? 0xffffffff : static_cast<uint32_t>(base >> 10));
    range.put<uint32_t>(wide ? 0xffffffff : static_cast<uint32_t>(((base + size) >> 10) - 1));
    range.put<uint16_t>(kArrayHandle).put<uint8_t>(1);
    range.put<uint64_t>(wide ? base : 0).put<uint64_t>(wide ? base + size - 1 : 0);
    table.add(range);
  };
  add_range(0x1300, 0, config.low_ram_end);
  if (config.high_ram_size) add_range(0x1301, uint64_t{1} << 32, config.high_ram_size);
}

Bytes build_anchor(const Table& table) {
  Bytes anchor(31);
  std::string_view("_SM_").copy(reinterpret_cast<char*>(anchor.data()), 4);
  anchor[5] = 31;
  anchor[6] = 2;
  anchor[7] = 8;
  util::store_little<uint16_t>(&anchor[8], static_cast<uint16_t>(table.largest));
  std::string_view("_DMI_").copy(reinterpret_cast<char*>(&anchor[16]), 5);
  util::store_little<uint16_t>(&anchor[22], static_cast<uint16_t>(table.all.size()));
  util::store_little<uint16_t>(&anchor[28], table.count);
  anchor[30] = 0x28;
  return anchor;
}

}  // namespace

SmbiosTables build_smbios(const SmbiosConfig& config) {
  Table table;
  add_system(table, config);
  for (unsigned cpu = 0; cpu < config.cpus; ++cpu) add_processor(table, cpu);
  add_memory(table, config);
  Structure boot(32, 0x2000);
  boot.zeros(7);
  table.add(boot);
  Structure end(127, 0x7f00);
  table.add(end);
  Bytes anchor = build_anchor(table);
  return {std::move(anchor), std::move(table.all)};
}

}  // namespace vireo::hw
