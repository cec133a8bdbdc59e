#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/device/description.h"
#include "core/memory/region.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_registers.h"
#include "util/byte_order.h"

namespace vireo::hw {

class MsixTable;

/// What a function's read-only header fields say.
struct PciIdentity {
  uint16_t vendor = 0;
  uint16_t device = 0;
  uint32_t class_code = 0;  ///< Base class, subclass and programming interface: 0x010180.
  uint8_t revision = 0;
  /// The default is what firmware knows virtual boards by.
  uint16_t subsystem_vendor = 0x1af4;
  uint16_t subsystem = 0x1100;
  uint8_t interrupt_pin = 0;  ///< 1 to 4 for INTA# to INTD#; 0 for none.
};

/// One PCI function: configuration space, BARs, INTx, MSI and MSI-X (PCI Local Bus Specification
/// 3.0). A device derives, calls describe_pci() in its describe(), and sets itself up in
/// on_pci_realize(); it overrides the on_pci_* functions in place of Device's.
///
/// The configuration space is saved here. After on_pci_realize() its contents are what each reset
/// brings back.
class PciDevice : public core::Device {
 public:
  enum class BarKind : uint8_t { io, memory32, memory64 };

  PciDevice();
  ~PciDevice() override;

  template <class D>
  static void describe_pci(core::Description<D>& d) {
    d.bus("pci");
    d.property("addr", &PciDevice::address_, "slot, or slot.function in hexadecimal");
    using core::field;
    d.state("pci", &PciDevice::pci_, 1, field("config", &PciState::config),
            field("interrupt", &PciState::interrupt),
            field("msix-table", &PciState::msix_table).max(kMaxVectors * 16),
            field("msix-pending", &PciState::msix_pending).max(kMaxVectors / 8));
  }

  uint8_t devfn() const { return devfn_; }
  /// Configuration accesses: `width` 1, 2 or 4, aligned.
  virtual uint32_t config_read(uint8_t offset, unsigned width);
  void config_write(uint8_t offset, unsigned width, uint32_t value);

  /// The place that the addr property asks for, -1 for any. Errors: no such place.
  util::Result<int> requested_devfn() const;
  /// For PciBus.
  void set_place(PciBus& bus, uint8_t devfn);

 protected:
  static constexpr size_t kMaxVectors = 2048;

  // For derived devices, in their constructor.
  void set_identity(const PciIdentity& identity);
  /// The place if the addr property is not set.
  void set_default_address(std::string_view address) { address_ = address; }

  // For derived devices, in on_pci_realize().
  /// Makes `region` appear where BAR `index` (0 to 5; a memory64 takes two) says. Its size is a
  /// power of two, at least 16, or 4 for I/O.
  void add_bar(unsigned index, core::Region& region, BarKind kind, bool prefetchable = false);
  /// An expansion ROM; padded to a power of two.
  util::Status set_option_rom(std::span<const std::byte> image);
  /// Puts a capability of `size` bytes (id and link included) into the list; returns its offset.
  uint8_t add_capability(uint8_t id, uint8_t size);
  /// A 64-bit capable MSI capability with `vectors` (a power of two up to 32).
  void add_msi(unsigned vectors);
  /// MSI-X with its table and pending bits in `bar`, a container region that BAR `bar_index` shows.
  void add_msix(unsigned vectors, core::Region& bar, unsigned bar_index, uint32_t table_offset,
                uint32_t pending_offset);
  /// MSI-X with a BAR of its own.
  void add_msix_bar(unsigned vectors, unsigned bar_index);

  std::span<uint8_t, 256> config() { return pci_.config; }
  template <class T>
  T config_value(unsigned offset) const {
    return util::load_little<T>(&pci_.config[offset]);
  }
  template <class T>
  void set_config(unsigned offset, std::type_identity_t<T> value) {
    util::store_little<T>(&pci_.config[offset], value);
  }
  /// Which bits of the `width` bytes at `offset` the guest can write, and which it clears by
  /// writing 1. Everything else is read-only.
  void set_writable(unsigned offset, unsigned width, uint32_t mask);
  void set_write_one_to_clear(unsigned offset, unsigned width, uint32_t mask);

  // At any time.
  PciBus* pci_bus() const { return pci_bus_; }
  /// The level of the function's INTx# pin.
  void set_interrupt(bool level);
  bool msi_enabled() const;
  bool msix_enabled() const;
  /// Send a vector; a masked MSI-X vector becomes pending. Without effect when not enabled.
  void send_msi(unsigned vector);
  void send_msix(unsigned vector);
  bool bus_master() const { return config_value<uint16_t>(kPciCommand) & kPciCommandMaster; }
  bool io_decoded() const { return config_value<uint16_t>(kPciCommand) & kPciCommandIo; }
  /// DMA; false (and no access) without bus mastering, or where nothing answers.
  bool dma_read(uint64_t address, std::span<std::byte> into);
  bool dma_write(uint64_t address, std::span<const std::byte> from);

  virtual util::Status on_pci_realize() { return {}; }
  virtual void on_pci_unrealize() {}
  virtual void on_pci_reset() {}
  virtual util::Status after_pci_load() { return {}; }
  virtual void sync_pci_outputs() {}
  /// After the guest wrote `width` bytes of the configuration space at `offset`.
  virtual void config_written(uint8_t offset, unsigned width) {}

 private:
  friend class MsixTable;
  static constexpr unsigned kBars = 7;  // the last is the expansion ROM
  static constexpr unsigned kRomIndex = 6;

  struct PciState {
    std::array<uint8_t, 256> config{};
    bool interrupt = false;
    std::vector<uint8_t> msix_table;    // 16 bytes a vector
    std::vector<uint8_t> msix_pending;  // a bit a vector
  };
  struct Bar {
    core::Region* region = nullptr;
    BarKind kind = BarKind::memory32;
    bool mapped = false;
    uint64_t base = 0;
  };

  util::Status on_realize() final;
  void on_unrealize() final;
  void on_reset() final;
  util::Status after_load() final;
  void sync_outputs() final;

  static unsigned bar_offset(unsigned index) {
    return index == kRomIndex ? unsigned{kPciRomBar} : kPciBar0 + 4 * index;
  }
  std::optional<uint64_t> bar_base(unsigned index) const;
  void update_mappings();
  void unmap(Bar& bar);
  void update_interrupt();

  std::string address_;
  PciBus* pci_bus_ = nullptr;
  uint8_t devfn_ = 0;
  std::array<uint8_t, 256> initial_{};
  std::array<uint8_t, 256> writable_{};
  std::array<uint8_t, 256> write_one_to_clear_{};
  std::array<Bar, kBars> bars_;
  uint8_t next_capability_ = 0x40;
  uint8_t msi_offset_ = 0;
  std::unique_ptr<core::RamBlock> rom_;
  std::unique_ptr<core::Region> rom_region_;
  std::unique_ptr<MsixTable> msix_;
  PciState pci_;
};

}  // namespace vireo::hw
