// MSI-X: a table of messages in device memory, with a mask and a pending bit a vector.

#include "hw/pci/pci_msix.h"

#include <bit>

#include "hw/pci/pci_device.h"
#include "util/bits.h"

namespace vireo::hw {
namespace {

constexpr unsigned kControl = 2;  // offset in the capability
constexpr uint16_t kEnable = 0x8000;
constexpr uint16_t kFunctionMask = 0x4000;
constexpr unsigned kVectorControl = 12;  // offset in an entry
constexpr core::IoWidths kWidths{.valid_min = 4, .implemented_min = 4, .implemented_max = 4};

uint64_t pending_size(unsigned vectors) { return util::align_up(vectors, 64) / 8; }

}  // namespace

MsixTable::MsixTable(PciDevice& device, unsigned vectors, uint8_t capability)
    : device_(device),
      vectors_(vectors),
      capability_(capability),
      table_region_(
          core::Region::io("msix-table", uint64_t{vectors} * kEntrySize, table_handler_, kWidths)),
      pending_region_(
          core::Region::io("msix-pending", pending_size(vectors), pending_handler_, kWidths)),
      own_bar_(core::Region::container(
          "msix", std::bit_ceil(uint64_t{2} * util::align_up(vectors * kEntrySize, 0x800)))) {}

void MsixTable::reset() {
  device_.pci_.msix_table.assign(size_t{vectors_} * kEntrySize, 0);
  device_.pci_.msix_pending.assign(pending_size(vectors_), 0);
  for (unsigned i = 0; i < vectors_; ++i) {
    device_.pci_.msix_table[i * kEntrySize + kVectorControl] = 1;
  }
}

bool MsixTable::state_fits() const {
  return device_.pci_.msix_table.size() == size_t{vectors_} * kEntrySize &&
         device_.pci_.msix_pending.size() == pending_size(vectors_);
}

bool MsixTable::enabled() const {
  return device_.config_value<uint16_t>(capability_ + kControl) & kEnable;
}

bool MsixTable::masked(unsigned vector) const {
  return (device_.config_value<uint16_t>(capability_ + kControl) & kFunctionMask) ||
         (device_.pci_.msix_table[vector * kEntrySize + kVectorControl] & 1);
}

void MsixTable::send(unsigned vector) {
  if (!enabled() || vector >= vectors_) return;
  if (masked(vector)) {
    device_.pci_.msix_pending[vector / 8] |= static_cast<uint8_t>(1u << (vector % 8));
    return;
  }
  const uint8_t* entry = &device_.pci_.msix_table[vector * kEntrySize];
  if (device_.pci_bus() != nullptr) {
    device_.pci_bus()->send_msi(util::load_little<uint64_t>(entry),
                                util::load_little<uint32_t>(entry + 8));
  }
}

void MsixTable::send_unmasked() {
  if (!enabled()) return;
  for (unsigned vector = 0; vector < vectors_; ++vector) {
    uint8_t& pending = device_.pci_.msix_pending[vector / 8];
    const auto bit = static_cast<uint8_t>(1u << (vector % 8));
    if (!(pending & bit) || masked(vector)) continue;
    pending &= ~bit;
    send(vector);
  }
}

uint64_t MsixTable::TableHandler::io_read(uint64_t offset, unsigned) {
  return util::load_little<uint32_t>(&msix.device_.pci_.msix_table[offset]);
}

void MsixTable::TableHandler::io_write(uint64_t offset, unsigned, uint64_t value) {
  auto word = static_cast<uint32_t>(value);
  if (offset % kEntrySize == kVectorControl) word &= 1;
  util::store_little<uint32_t>(&msix.device_.pci_.msix_table[offset], word);
  msix.send_unmasked();
}

uint64_t MsixTable::PendingHandler::io_read(uint64_t offset, unsigned) {
  return util::load_little<uint32_t>(&msix.device_.pci_.msix_pending[offset]);
}

}  // namespace vireo::hw
