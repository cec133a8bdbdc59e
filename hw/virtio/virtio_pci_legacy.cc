// The legacy interface of virtio over PCI: one I/O BAR, queues by page number (virtio 1.2, 4.1.4.10
// and 2.7.2).

#include "hw/virtio/virtio_pci.h"
#include "util/bits.h"

namespace vireo::hw {
namespace {

enum LegacyRegister : uint8_t {
  kDeviceFeatures = 0x00,
  kDriverFeatures = 0x04,
  kQueueAddress = 0x08,
  kQueueSize = 0x0c,
  kQueueSelect = 0x0e,
  kQueueNotify = 0x10,
  kDeviceStatus = 0x12,
  kIsrStatus = 0x13,
  kConfigVector = 0x14,  // these two only while MSI-X is enabled
  kQueueVector = 0x16,
};

constexpr unsigned kQueuePageShift = 12;
constexpr uint64_t kQueueAlignment = 4096;

struct Place {
  uint8_t offset;
  uint8_t width;
};
constexpr Place kRegisters[] = {{kDeviceFeatures, 4}, {kDriverFeatures, 4}, {kQueueAddress, 4},
                                {kQueueSize, 2},      {kQueueSelect, 2},    {kQueueNotify, 2},
                                {kDeviceStatus, 1},   {kConfigVector, 2},   {kQueueVector, 2}};

}  // namespace

uint64_t VirtioPci::legacy_register(unsigned offset) const {
  const QueueState* const queue = selected();
  switch (offset) {
    case kDeviceFeatures:
      return offered_features(false) & 0xffffffff;
    case kDriverFeatures:
      return state_.features & 0xffffffff;
    case kQueueAddress:
      return queue ? queue->descriptors >> kQueuePageShift : 0;
    case kQueueSize:
      return queue ? queue->size : 0;
    case kQueueSelect:
      return state_.queue_select;
    case kDeviceStatus:
      return state_.status;
    case kConfigVector:
      return state_.config_vector;
    case kQueueVector:
      return queue ? queue->vector : kVirtioNoVector;
    default:
      return 0;
  }
}

uint64_t VirtioPci::read_legacy(uint64_t offset, unsigned width) {
  const unsigned header = legacy_header_size();
  if (offset >= header) return config_value_at(offset - header, width);
  if (offset == kIsrStatus) return take_isr();
  for (const Place& place : kRegisters) {
    if (offset < place.offset || offset + width > place.offset + place.width) continue;
    return legacy_register(place.offset) >> 8 * (offset - place.offset);
  }
  return util::low_mask(8 * width);
}

// One page number places all three areas of the selected queue.
void VirtioPci::write_legacy_queue_address(uint32_t page) {
  QueueState& queue = *selected();
  const uint16_t size = queue.size;
  const uint16_t vector = queue.vector;
  queue = {.size = size, .enabled = page != 0, .vector = vector};
  queue.descriptors = uint64_t{page} << kQueuePageShift;
  queue.available = queue.descriptors + uint64_t{16} * size;
  queue.used = util::align_up(queue.available + 6 + uint64_t{2} * size, kQueueAlignment);
  queues_[state_.queue_select]->invalidate();
}

void VirtioPci::write_legacy(uint64_t offset, unsigned width, uint64_t value) {
  const unsigned header = legacy_header_size();
  if (offset >= header) {
    if (offset - header + width > kMaxConfigSize) return;
    device_config_written(static_cast<unsigned>(offset) - header, width,
                          static_cast<uint32_t>(value));
    return;
  }
  switch (offset) {
    case kDriverFeatures:
      set_features(value, false);
      break;
    case kQueueAddress:
      if (selected() != nullptr) write_legacy_queue_address(static_cast<uint32_t>(value));
      break;
    case kQueueSelect:
      state_.queue_select = static_cast<uint16_t>(value);
      break;
    case kQueueNotify:
      notified(static_cast<unsigned>(value & 0xffff));
      break;
    case kDeviceStatus:
      set_status(static_cast<uint8_t>(value), false);
      break;
    case kConfigVector:
      state_.config_vector = checked_vector(value & 0xffff);
      break;
    case kQueueVector:
      if (selected() != nullptr) selected()->vector = checked_vector(value & 0xffff);
      break;
  }
}

}  // namespace vireo::hw
