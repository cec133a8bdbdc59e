#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/clock/timer.h"
#include "core/memory/address_space.h"
#include "core/memory/region.h"
#include "hw/pci/pci_device.h"
#include "hw/virtio/virtio_registers.h"
#include "hw/virtio/virtqueue.h"

namespace vireo::hw {

/// The virtio PCI transport (virtio 1.2, 4.1): the legacy interface in I/O BAR 0, the modern one in
/// BAR 4 (common, ISR, device and notification structures, a page each), MSI-X in BAR 1. A device
/// derives and overrides the functions below; it calls describe_virtio() in its describe().
class VirtioPci : public PciDevice, private core::TopologyListener {
 public:
  template <class D>
  static void describe_virtio(core::Description<D>& d) {
    describe_pci(d);
    d.property("vectors", &VirtioPci::vectors_, "MSI-X vectors; 0 for none");
    d.property("disable-legacy", &VirtioPci::disable_legacy_,
               "leave out the interface of before virtio 1.0");
    d.property("disable-modern", &VirtioPci::disable_modern_,
               "leave out the interface of virtio 1.0");
    using core::Space;
    d.region("legacy", Space::ports, kLegacySize, &VirtioPci::read_legacy,
             &VirtioPci::write_legacy);
    d.region("common", Space::memory, kPageSize, &VirtioPci::read_common, &VirtioPci::write_common,
             {.implemented_max = 8});
    d.region("isr", Space::memory, kPageSize, &VirtioPci::read_isr, &VirtioPci::write_nothing);
    d.region("device", Space::memory, kPageSize, &VirtioPci::read_device, &VirtioPci::write_device);
    d.region("notify", Space::memory, kPageSize, &VirtioPci::read_notify, &VirtioPci::write_notify);
    using core::field;
    d.state(
        "virtio", &VirtioPci::state_, 1, field("status", &State::status), field("isr", &State::isr),
        field("device-feature-select", &State::device_feature_select),
        field("driver-feature-select", &State::driver_feature_select),
        field("features", &State::features), field("config-vector", &State::config_vector),
        field("config-generation", &State::config_generation),
        field("queue-select", &State::queue_select),
        field("queues", &State::queues, field("size", &QueueState::size).max(Virtqueue::kMaxSize),
              field("enabled", &QueueState::enabled), field("vector", &QueueState::vector),
              field("descriptors", &QueueState::descriptors),
              field("available", &QueueState::available), field("used", &QueueState::used),
              field("next-available", &QueueState::next_available),
              field("next-used", &QueueState::next_used),
              field("signalled-used", &QueueState::signalled_used),
              field("signalled-valid", &QueueState::signalled_valid),
              field("notifications", &QueueState::notifications)));
  }

 protected:
  static constexpr unsigned kMaxQueues = 32;
  static constexpr unsigned kMaxConfigSize = 64;
  using DeviceConfig = std::array<uint8_t, kMaxConfigSize>;

  /// `vectors` is the default of that property.
  VirtioPci(VirtioType type, uint32_t class_code, uint32_t vectors);

  // For derived devices, in on_virtio_realize().
  /// The next queue, with up to `size` entries (a power of two).
  void add_queue(uint16_t size);

  // At any time.
  unsigned queue_count() const { return static_cast<unsigned>(queues_.size()); }
  Virtqueue& queue(unsigned index) { return *queues_[index]; }
  bool has_feature(unsigned feature) const { return state_.features & virtio_bit(feature); }
  /// Whether the driver runs, so that queues may be used.
  bool running() const;
  /// Calls queue_notified() for every queue soon, from the event loop: for long work in portions.
  void resume_later() { resume_timer_.arm(0); }
  /// After buffers were given back: interrupts if the driver wants it.
  void notify_driver(unsigned queue);
  /// The device configuration is another: tells the driver.
  void config_changed();
  /// The device cannot go on with what the driver gave it.
  void needs_reset(std::string_view why);

  /// Feature bits to offer beside the transport's.
  virtual uint64_t device_features() const = 0;
  /// The device-specific configuration as it is now.
  virtual DeviceConfig device_config() const { return {}; }
  virtual void device_config_written(unsigned offset, unsigned width, uint32_t value) {}
  /// The driver may have added buffers to a queue; only called while running(). After a load it is
  /// called for each queue when time goes on.
  virtual void queue_notified(unsigned queue) = 0;
  virtual util::Status on_virtio_realize() = 0;
  virtual void on_virtio_unrealize() {}
  /// A reset by the machine or the driver: forget requests in flight, set own registers back.
  virtual void on_virtio_reset() {}
  virtual util::Status after_virtio_load() { return {}; }

 private:
  static constexpr uint64_t kPageSize = 0x1000;
  static constexpr uint64_t kLegacySize = 0x80;
  static constexpr unsigned kNotifyMultiplier = 4;

  struct State {
    uint8_t status = 0;
    uint8_t isr = 0;
    uint32_t device_feature_select = 0;
    uint32_t driver_feature_select = 0;
    uint64_t features = 0;  // negotiated
    uint16_t config_vector = kVirtioNoVector;
    uint8_t config_generation = 0;
    uint16_t queue_select = 0;
    std::array<QueueState, kMaxQueues> queues{};
  };

  util::Status on_pci_realize() final;
  void on_pci_unrealize() final;
  void on_pci_reset() final;
  util::Status after_pci_load() final;
  void sync_pci_outputs() final;
  void config_written(uint8_t offset, unsigned width) final;
  uint32_t config_read(uint8_t offset, unsigned width) final;
  void topology_changed(core::AddressSpace& space) override;

  util::Status check_properties() const;
  void add_modern_interface();
  uint8_t add_virtio_capability(uint8_t type, uint32_t offset, uint32_t length, uint8_t size);
  core::Region* window_target(uint32_t& offset, uint32_t& length);

  uint64_t read_legacy(uint64_t offset, unsigned width);
  void write_legacy(uint64_t offset, unsigned width, uint64_t value);
  uint64_t legacy_register(unsigned offset) const;
  void write_legacy_queue_address(uint32_t page);
  unsigned legacy_header_size() const { return msix_enabled() ? 24 : 20; }
  uint64_t read_common(uint64_t offset, unsigned width);
  void write_common(uint64_t offset, unsigned width, uint64_t value);
  void write_common_queue(unsigned offset, unsigned width, uint64_t value);
  uint64_t read_isr(uint64_t offset, unsigned width);
  uint64_t read_device(uint64_t offset, unsigned width);
  void write_device(uint64_t offset, unsigned width, uint64_t value);
  uint64_t read_notify(uint64_t, unsigned) { return 0; }
  void write_notify(uint64_t offset, unsigned width, uint64_t value);
  void write_nothing(uint64_t, unsigned, uint64_t) {}

  uint64_t offered_features(bool modern) const;
  void set_features(uint64_t features, bool modern);
  void set_status(uint8_t status, bool modern);
  void reset_virtio();
  void set_queue_size(uint64_t size);
  void notified(unsigned queue);
  void notify_all();
  uint8_t take_isr();
  void raise(uint8_t isr_bit, uint16_t vector);
  uint16_t checked_vector(uint64_t vector) const;
  uint64_t config_value_at(uint64_t offset, unsigned width) const;
  QueueState* selected();
  const QueueState* selected() const { return const_cast<VirtioPci*>(this)->selected(); }

  const VirtioType virtio_type_;
  const uint32_t class_code_;
  uint32_t vectors_;
  bool disable_legacy_ = false;
  bool disable_modern_ = false;
  std::unique_ptr<core::Region> modern_bar_;
  uint8_t window_capability_ = 0;
  std::vector<uint16_t> max_sizes_;
  std::vector<std::unique_ptr<Virtqueue>> queues_;
  core::Timer resume_timer_;
  State state_;
};

}  // namespace vireo::hw
