#pragma once

#include <cstdint>

#include "core/memory/region.h"

namespace vireo::hw {

class PciDevice;

/// The MSI-X capability of a function: its table and pending bits (PCI Local Bus Specification 3.0,
/// 6.8.2). The state is the PciDevice's.
class MsixTable {
 public:
  static constexpr unsigned kEntrySize = 16;

  MsixTable(PciDevice& device, unsigned vectors, uint8_t capability);

  uint8_t capability() const { return capability_; }
  unsigned vectors() const { return vectors_; }
  core::Region& table() { return table_region_; }
  core::Region& pending() { return pending_region_; }
  /// A container for a BAR that holds nothing else.
  core::Region& own_bar() { return own_bar_; }

  void reset();
  /// Whether a loaded state has the sizes that this function has.
  bool state_fits() const;
  bool enabled() const;
  void send(unsigned vector);
  /// Sends what became pending while it was masked; after each change of masks.
  void send_unmasked();

 private:
  struct TableHandler final : core::IoHandler {
    explicit TableHandler(MsixTable& owner) : msix(owner) {}
    uint64_t io_read(uint64_t offset, unsigned width) override;
    void io_write(uint64_t offset, unsigned width, uint64_t value) override;
    MsixTable& msix;
  };
  struct PendingHandler final : core::IoHandler {
    explicit PendingHandler(MsixTable& owner) : msix(owner) {}
    uint64_t io_read(uint64_t offset, unsigned width) override;
    void io_write(uint64_t offset, unsigned width, uint64_t value) override {}
    MsixTable& msix;
  };

  bool masked(unsigned vector) const;

  PciDevice& device_;
  unsigned vectors_;
  uint8_t capability_;
  TableHandler table_handler_{*this};
  PendingHandler pending_handler_{*this};
  core::Region table_region_;
  core::Region pending_region_;
  core::Region own_bar_;
};

}  // namespace vireo::hw
