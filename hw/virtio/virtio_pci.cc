// Virtio over PCI: life, feature negotiation, interrupts and the modern interface (virtio 1.2,
// 4.1). The legacy interface is in virtio_pci_legacy.cc.

#include "hw/virtio/virtio_pci.h"

#include <fmt/format.h>

#include <bit>

#include "util/bits.h"
#include "util/byte_order.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

constexpr uint16_t kTransitionalIds = 0x1000;
constexpr uint16_t kModernIds = 0x1040;
constexpr unsigned kMsixBar = 1;
constexpr unsigned kModernBar = 4;
constexpr uint8_t kIsrQueue = 1;
constexpr uint8_t kIsrConfig = 2;

// Types of vendor capabilities, and what follows their PCI header.
enum Capability : uint8_t {
  kCapCommon = 1,
  kCapNotify = 2,
  kCapIsr = 3,
  kCapDevice = 4,
  kCapWindow = 5
};
enum CapabilityField : uint8_t {
  kCapLength = 2,
  kCapType = 3,
  kCapBar = 4,
  kCapOffset = 8,
  kCapSize = 12,
  kCapExtra = 16
};

// The pages of BAR 4, in order.
constexpr const char* kModernPages[] = {"common", "isr", "device", "notify"};

enum CommonRegister : uint8_t {
  kDeviceFeatureSelect = 0x00,
  kDeviceFeature = 0x04,
  kDriverFeatureSelect = 0x08,
  kDriverFeature = 0x0c,
  kConfigVector = 0x10,
  kNumQueues = 0x12,
  kDeviceStatus = 0x14,
  kConfigGeneration = 0x15,
  kQueueSelect = 0x16,
  kQueueSize = 0x18,
  kQueueVector = 0x1a,
  kQueueEnable = 0x1c,
  kQueueNotifyOffset = 0x1e,
  kQueueDescriptors = 0x20,
  kQueueDriver = 0x28,
  kQueueDevice = 0x30,
  kCommonEnd = 0x38,
};

uint16_t transitional_id(VirtioType type) {
  switch (type) {
    case kVirtioNet:
      return kTransitionalIds;
    case kVirtioBlock:
      return kTransitionalIds + 1;
    case kVirtioConsole:
      return kTransitionalIds + 3;
    case kVirtioEntropy:
      return kTransitionalIds + 5;
  }
  return kTransitionalIds;
}

void set_part(uint64_t& whole, unsigned shift, unsigned width, uint64_t value) {
  const uint64_t mask = util::low_mask(8 * width) << shift;
  whole = (whole & ~mask) | ((value << shift) & mask);
}

}  // namespace

VirtioPci::VirtioPci(VirtioType type, uint32_t class_code, uint32_t vectors)
    : virtio_type_(type), class_code_(class_code), vectors_(vectors) {}

// Life.

util::Status VirtioPci::check_properties() const {
  using util::ErrorCode;
  if (disable_legacy_ && disable_modern_) {
    return util::Error(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: disable-legacy and disable-modern leave no interface", label()));
  }
  if (vectors_ > kMaxVectors) {
    return util::Error(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: vectors is {}, at most {} are possible", label(), vectors_, kMaxVectors));
  }
  return {};
}

util::Status VirtioPci::on_pci_realize() {
  VIREO_TRY(check_properties());
  const bool legacy = !disable_legacy_;
  set_identity({.vendor = kVirtioVendor,
                .device = legacy ? transitional_id(virtio_type_)
                                 : static_cast<uint16_t>(kModernIds + virtio_type_),
                .class_code = class_code_,
                .revision = static_cast<uint8_t>(legacy ? 0 : 1),
                .subsystem_vendor = kVirtioVendor,
                .subsystem = static_cast<uint16_t>(legacy ? virtio_type_ : 0x1100),
                .interrupt_pin = 1});
  if (legacy) add_bar(0, region("legacy"), BarKind::io);
  if (!disable_modern_) add_modern_interface();
  if (vectors_ != 0) add_msix_bar(vectors_, kMsixBar);
  queues_.clear();
  max_sizes_.clear();
  VIREO_TRY(on_virtio_realize());
  environment().memory.add_listener(*this);
  resume_timer_.attach(environment().timers, [this] { notify_all(); });
  return {};
}

void VirtioPci::add_modern_interface() {
  modern_bar_.reset(new core::Region(
      core::Region::container("virtio-modern", kPageSize * std::size(kModernPages))));
  for (size_t i = 0; i < std::size(kModernPages); ++i) {
    modern_bar_->add_subregion(region(kModernPages[i]), kPageSize * i);
  }
  add_bar(kModernBar, *modern_bar_, BarKind::memory64, /*prefetchable=*/true);
  add_virtio_capability(kCapCommon, 0, kCommonEnd, kCapExtra);
  add_virtio_capability(kCapIsr, kPageSize, 1, kCapExtra);
  add_virtio_capability(kCapDevice, 2 * kPageSize, kPageSize, kCapExtra);
  const uint8_t notify = add_virtio_capability(kCapNotify, 3 * kPageSize, kPageSize, kCapExtra + 4);
  set_config<uint32_t>(notify + kCapExtra, kNotifyMultiplier);
  window_capability_ = add_virtio_capability(kCapWindow, 0, 0, kCapExtra + 4);
  set_writable(window_capability_ + kCapBar, 1, 0xff);
  set_writable(window_capability_ + kCapOffset, 4, 0xffffffff);
  set_writable(window_capability_ + kCapSize, 4, 0xffffffff);
  set_writable(window_capability_ + kCapExtra, 4, 0xffffffff);
}

uint8_t VirtioPci::add_virtio_capability(uint8_t type, uint32_t offset, uint32_t length,
                                         uint8_t size) {
  const uint8_t at = add_capability(kPciCapabilityVendor, size);
  set_config<uint8_t>(at + kCapLength, size);
  set_config<uint8_t>(at + kCapType, type);
  set_config<uint8_t>(at + kCapBar, kModernBar);
  set_config<uint32_t>(at + kCapOffset, offset);
  set_config<uint32_t>(at + kCapSize, length);
  return at;
}

void VirtioPci::on_pci_unrealize() {
  environment().memory.remove_listener(*this);
  resume_timer_.cancel();
  on_virtio_unrealize();
}

void VirtioPci::add_queue(uint16_t size) {
  const size_t index = queues_.size();
  max_sizes_.push_back(size);
  queues_.push_back(
      std::make_unique<Virtqueue>(environment().memory, state_.queues[index], state_.features,
                                  [this](std::string_view why) { needs_reset(why); }));
}

void VirtioPci::reset_virtio() {
  state_ = {};
  for (unsigned i = 0; i < queue_count(); ++i) {
    state_.queues[i].size = max_sizes_[i];
    queues_[i]->invalidate();
    queues_[i]->set_broken(false);
  }
  on_virtio_reset();
}

void VirtioPci::on_pci_reset() { reset_virtio(); }

util::Status VirtioPci::after_pci_load() {
  for (unsigned i = 0; i < kMaxQueues; ++i) {
    const uint16_t size = state_.queues[i].size;
    if (i < queue_count() ? size > max_sizes_[i] || !std::has_single_bit(size) : size != 0) {
      return util::Error(util::ErrorCode::kCorrupt,
                         fmt::format("queue {} has {} entries", i, size));
    }
  }
  state_.features &= offered_features(true);
  for (auto& queue : queues_) {
    queue->invalidate();
    queue->set_broken(state_.status & kVirtioNeedsReset);
  }
  return after_virtio_load();
}

void VirtioPci::sync_pci_outputs() {
  set_interrupt(state_.isr != 0);
  resume_timer_.arm(running() ? 0 : -1);
}

void VirtioPci::topology_changed(core::AddressSpace&) {
  for (auto& queue : queues_) queue->invalidate();
}

// Features and status.

uint64_t VirtioPci::offered_features(bool modern) const {
  uint64_t features = device_features() | virtio_bit(kVirtioIndirectDescriptors) |
                      virtio_bit(kVirtioEventIndex) | virtio_bit(kVirtioAnyLayout);
  if (modern) features |= virtio_bit(kVirtioVersion1);
  return features;
}

void VirtioPci::set_features(uint64_t features, bool modern) {
  // Once agreed upon, they stand until the next reset.
  if (state_.status & (kVirtioFeaturesOk | kVirtioDriverOk)) return;
  state_.features = features & offered_features(modern);
}

void VirtioPci::set_status(uint8_t status, bool modern) {
  if (status == 0) {
    reset_virtio();
    set_interrupt(false);
    return;
  }
  status |= state_.status & kVirtioNeedsReset;
  if (modern && !has_feature(kVirtioVersion1)) status &= ~kVirtioFeaturesOk;
  const bool started = status & ~state_.status & kVirtioDriverOk;
  state_.status = status;
  if (started && running()) notify_all();
}

bool VirtioPci::running() const {
  return (state_.status & (kVirtioDriverOk | kVirtioNeedsReset)) == kVirtioDriverOk && bus_master();
}

// A driver may have filled queues, and notified, too early.
void VirtioPci::notify_all() {
  for (unsigned i = 0; i < queue_count(); ++i) notified(i);
}

void VirtioPci::needs_reset(std::string_view why) {
  util::log(util::kLogGuestErrors, "{}: {}; waiting for a reset", label(), why);
  const bool driver_listens = state_.status & kVirtioDriverOk;
  state_.status |= kVirtioNeedsReset;
  for (auto& queue : queues_) queue->set_broken(true);
  if (driver_listens) raise(kIsrConfig, state_.config_vector);
}

void VirtioPci::notified(unsigned queue) {
  if (queue < queue_count() && running() && !queues_[queue]->broken()) queue_notified(queue);
}

// Interrupts.

void VirtioPci::raise(uint8_t isr_bit, uint16_t vector) {
  if (msix_enabled()) {
    if (vector != kVirtioNoVector) send_msix(vector);
    return;
  }
  state_.isr |= isr_bit;
  set_interrupt(true);
}

void VirtioPci::notify_driver(unsigned queue) {
  if (queues_[queue]->should_interrupt()) raise(kIsrQueue, state_.queues[queue].vector);
}

void VirtioPci::config_changed() {
  ++state_.config_generation;
  if (running()) raise(kIsrConfig, state_.config_vector);
}

uint8_t VirtioPci::take_isr() {
  const uint8_t isr = state_.isr;
  state_.isr = 0;
  set_interrupt(false);
  return isr;
}

uint16_t VirtioPci::checked_vector(uint64_t vector) const {
  return vector < vectors_ ? static_cast<uint16_t>(vector) : kVirtioNoVector;
}

// The modern interface.

QueueState* VirtioPci::selected() {
  return state_.queue_select < queue_count() ? &state_.queues[state_.queue_select] : nullptr;
}

uint64_t VirtioPci::read_common(uint64_t offset, unsigned width) {
  // An image of the structure: the registers are read-only mirrors of the state.
  std::array<uint8_t, kCommonEnd + 8> image{};
  const auto put = [&]<class T>(unsigned at, T value) { util::store_little<T>(&image[at], value); };
  if (offset >= kCommonEnd) return 0;
  const uint64_t offered = offered_features(true);
  const auto half = [](uint64_t features, uint32_t select) -> uint32_t {
    return select < 2 ? static_cast<uint32_t>(features >> 32 * select) : 0;
  };
  put(kDeviceFeatureSelect, state_.device_feature_select);
  put(kDeviceFeature, half(offered, state_.device_feature_select));
  put(kDriverFeatureSelect, state_.driver_feature_select);
  put(kDriverFeature, half(state_.features, state_.driver_feature_select));
  put(kConfigVector, state_.config_vector);
  put(kNumQueues, static_cast<uint16_t>(queue_count()));
  put(kDeviceStatus, state_.status);
  put(kConfigGeneration, state_.config_generation);
  put(kQueueSelect, state_.queue_select);
  if (const QueueState* queue = selected()) {
    put(kQueueSize, queue->size);
    put(kQueueVector, queue->vector);
    put(kQueueEnable, static_cast<uint16_t>(queue->enabled));
    put(kQueueNotifyOffset, state_.queue_select);
    put(kQueueDescriptors, queue->descriptors);
    put(kQueueDriver, queue->available);
    put(kQueueDevice, queue->used);
  }
  return util::load_little(&image[offset], width);
}

void VirtioPci::write_common(uint64_t offset, unsigned width, uint64_t value) {
  switch (offset) {
    case kDeviceFeatureSelect:
      state_.device_feature_select = static_cast<uint32_t>(value);
      break;
    case kDriverFeatureSelect:
      state_.driver_feature_select = static_cast<uint32_t>(value);
      break;
    case kDriverFeature: {
      if (state_.driver_feature_select > 1) break;
      uint64_t features = state_.features;
      set_part(features, 32 * state_.driver_feature_select, 4, value);
      set_features(features, true);
      break;
    }
    case kConfigVector:
      state_.config_vector = checked_vector(value & 0xffff);
      break;
    case kDeviceStatus:
      set_status(static_cast<uint8_t>(value), true);
      break;
    case kQueueSelect:
      state_.queue_select = static_cast<uint16_t>(value);
      break;
    default:
      if (selected() != nullptr) write_common_queue(static_cast<unsigned>(offset), width, value);
  }
}

void VirtioPci::set_queue_size(uint64_t size) {
  if (size > max_sizes_[state_.queue_select] || !std::has_single_bit(size)) {
    util::log(util::kLogGuestErrors, "{}: a queue cannot have {} entries", label(), size);
    return;
  }
  selected()->size = static_cast<uint16_t>(size);
}

void VirtioPci::write_common_queue(unsigned offset, unsigned width, uint64_t value) {
  QueueState& queue = *selected();
  if (offset == kQueueVector) {
    queue.vector = checked_vector(value & 0xffff);
    return;
  }
  if (queue.enabled) return;  // set up once between resets
  queues_[state_.queue_select]->invalidate();
  if (offset == kQueueSize) {
    set_queue_size(value & 0xffff);
  } else if (offset == kQueueEnable) {
    queue.enabled = (value & 0xffff) == 1;
  } else if (offset >= kQueueDescriptors && offset < kCommonEnd) {
    uint64_t& address = offset >= kQueueDevice   ? queue.used
                        : offset >= kQueueDriver ? queue.available
                                                 : queue.descriptors;
    set_part(address, 8 * (offset & 7), std::min(width, 8 - (offset & 7)), value);
  }
}

uint64_t VirtioPci::read_isr(uint64_t offset, unsigned) { return offset == 0 ? take_isr() : 0; }

uint64_t VirtioPci::config_value_at(uint64_t offset, unsigned width) const {
  if (offset + width > kMaxConfigSize) return 0;
  const DeviceConfig config = device_config();
  return util::load_little(&config[offset], width);
}

uint64_t VirtioPci::read_device(uint64_t offset, unsigned width) {
  return config_value_at(offset, width);
}

void VirtioPci::write_device(uint64_t offset, unsigned width, uint64_t value) {
  if (offset + width > kMaxConfigSize) return;
  device_config_written(static_cast<unsigned>(offset), width, static_cast<uint32_t>(value));
}

void VirtioPci::write_notify(uint64_t offset, unsigned, uint64_t) {
  notified(static_cast<unsigned>(offset / kNotifyMultiplier));
}

// The window in configuration space (virtio 1.2, 4.1.4.9), for firmware that cannot reach BARs.

core::Region* VirtioPci::window_target(uint32_t& offset, uint32_t& length) {
  offset = config_value<uint32_t>(window_capability_ + kCapOffset);
  length = config_value<uint32_t>(window_capability_ + kCapSize);
  const bool fits = length == 1 || length == 2 || length == 4;
  if (!fits || offset % length != 0 ||
      config_value<uint8_t>(window_capability_ + kCapBar) != kModernBar) {
    return nullptr;
  }
  const uint32_t page = offset / kPageSize;
  if (page >= std::size(kModernPages)) return nullptr;
  offset %= kPageSize;
  return &region(kModernPages[page]);
}

uint32_t VirtioPci::config_read(uint8_t offset, unsigned width) {
  const unsigned data = window_capability_ + kCapExtra;
  uint32_t at = 0, length = 0;
  if (window_capability_ != 0 && offset >= data && offset < data + 4u) {
    if (core::Region* target = window_target(at, length)) {
      set_config<uint32_t>(data, static_cast<uint32_t>(target->dispatch_read(at, length)));
    }
  }
  return PciDevice::config_read(offset, width);
}

void VirtioPci::config_written(uint8_t offset, unsigned width) {
  const unsigned data = window_capability_ + kCapExtra;
  uint32_t at = 0, length = 0;
  if (window_capability_ != 0 && offset >= data && offset < data + 4u) {
    if (core::Region* target = window_target(at, length)) {
      target->dispatch_write(at, length, config_value<uint32_t>(data) & util::low_mask(8 * length));
    }
  }
  // Bus mastering may have come on after the queues were filled.
  const bool command = offset <= kPciCommand + 1 && offset + width > kPciCommand;
  if (command && running()) notify_all();
}

}  // namespace vireo::hw
