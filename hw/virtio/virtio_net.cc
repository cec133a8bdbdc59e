// The virtio network card: frames behind a header in buffers of two queues (virtio 1.2, 5.1.6).

#include "hw/virtio/virtio_net.h"

#include <fmt/format.h>

#include <algorithm>

#include "util/log.h"

namespace vireo::hw {
namespace {

enum Feature : uint8_t { kMac = 5, kMergeableBuffers = 15, kStatus = 16 };
enum Queue : unsigned { kReceiveQueue = 0, kTransmitQueue = 1 };

constexpr unsigned kConfigStatus = 6;
constexpr uint16_t kLinkUp = 1;
constexpr unsigned kBufferCountOffset = 10;  // the header's last field, which legacy drivers lack
constexpr unsigned kShortHeader = 10;
constexpr unsigned kHeader = 12;
constexpr uint64_t kMaxFrame = 65550;

}  // namespace

void VirtioNet::describe(core::Description<VirtioNet>& d) {
  d.type("virtio-net-pci", "virtio network card");
  describe_virtio(d);
  d.property("netdev", &VirtioNet::netdev_, "the network that it is connected to");
  d.property("mac", &VirtioNet::mac_, "its address");
}

util::Status VirtioNet::on_virtio_realize() {
  if (mac_.bytes[0] & 1) {
    return util::Error(
        util::ErrorCode::kInvalidArgument,
        fmt::format("{}: mac is a group address: the first byte has to be even", label()));
  }
  add_queue(kQueueSize);
  add_queue(kQueueSize);
  if (netdev_) {
    netdev_->set_receiver({.can_receive = [this] { return can_receive(); },
                           .receive = [this](std::span<const uint8_t> frame) { receive(frame); }});
  }
  return {};
}

void VirtioNet::on_virtio_unrealize() {
  if (netdev_) netdev_->set_receiver({});
}

uint64_t VirtioNet::device_features() const {
  return virtio_bit(kMac) | virtio_bit(kMergeableBuffers) | virtio_bit(kStatus);
}

VirtioPci::DeviceConfig VirtioNet::device_config() const {
  DeviceConfig config{};
  std::ranges::copy(mac_.bytes, config.begin());
  util::store_little<uint16_t>(&config[kConfigStatus], netdev_ ? kLinkUp : 0);
  return config;
}

unsigned VirtioNet::header_size() const {
  return has_feature(kVirtioVersion1) || has_feature(kMergeableBuffers) ? kHeader : kShortHeader;
}

void VirtioNet::queue_notified(unsigned index) {
  if (index == kTransmitQueue) return transmit();
  queue(kReceiveQueue).set_notifications(false);
  if (netdev_) netdev_->accept_input();
}

// Receiving.

bool VirtioNet::can_receive() {
  if (!running()) return false;
  Virtqueue& buffers = queue(kReceiveQueue);
  if (buffers.has_available()) return true;
  // Only a driver that ran out of buffers is asked to tell of new ones.
  buffers.set_notifications(true);
  if (!buffers.has_available()) return false;
  buffers.set_notifications(false);
  return true;
}

void VirtioNet::receive(std::span<const uint8_t> frame) {
  if (!running() || frame.size() > kMaxFrame) return;
  Virtqueue& buffers = queue(kReceiveQueue);
  const unsigned header = header_size();
  const uint64_t needed = header + frame.size();
  const bool mergeable = has_feature(kMergeableBuffers);
  uint64_t room = 0;
  uint16_t count = 0;
  while (room < needed && (count == 0 || mergeable)) {
    if (receive_elements_.size() <= count) receive_elements_.emplace_back();
    if (!buffers.pop(receive_elements_[count])) break;
    room += receive_elements_[count].writable_length();
    ++count;
  }
  if (room < needed || receive_elements_[0].writable_length() < header) {
    // The frame is lost, the buffers are not.
    while (count-- != 0 && !buffers.broken()) buffers.unpop();
    return;
  }
  std::byte head[kHeader] = {};
  util::store_little<uint16_t>(head + kBufferCountOffset, count);
  copy_to_pieces(receive_elements_[0].writable, 0, std::span(head).first(header));
  std::span<const std::byte> rest = std::as_bytes(frame);
  for (uint16_t i = 0; i < count; ++i) {
    const unsigned offset = i == 0 ? header : 0;
    const size_t part = copy_to_pieces(receive_elements_[i].writable, offset, rest);
    rest = rest.subspan(part);
    buffers.place(receive_elements_[i], static_cast<uint32_t>(offset + part), i);
  }
  buffers.publish(count);
  notify_driver(kReceiveQueue);
}

// Transmitting.

void VirtioNet::transmit() {
  Virtqueue& frames = queue(kTransmitQueue);
  unsigned burst = 0;
  bool sent = false;
  do {
    frames.set_notifications(false);
    while (burst < kQueueSize && frames.pop(transmit_element_)) {
      send(transmit_element_);
      frames.push(transmit_element_, 0);
      sent = true;
      ++burst;
    }
    frames.set_notifications(true);
  } while (burst < kQueueSize && frames.has_available());
  if (burst == kQueueSize) resume_later();
  if (sent) notify_driver(kTransmitQueue);
}

void VirtioNet::send(const QueueElement& element) {
  const unsigned header = header_size();
  const uint64_t length = element.readable_length();
  if (length <= header || length - header > kMaxFrame) {
    util::log(util::kLogGuestErrors, "{}: a frame of {} bytes with its header", label(), length);
    return;
  }
  if (!netdev_) return;
  // The common case is a header and a frame, each in one piece.
  uint64_t offset = header;
  for (const BufferPiece& piece : element.readable) {
    if (offset >= piece.host.size()) {
      offset -= piece.host.size();
      continue;
    }
    if (piece.host.size() - offset != length - header) break;
    const auto frame = piece.host.subspan(offset);
    return netdev_->send({reinterpret_cast<const uint8_t*>(frame.data()), frame.size()});
  }
  frame_.resize(length - header);
  copy_from_pieces(element.readable, header, frame_);
  netdev_->send({reinterpret_cast<const uint8_t*>(frame_.data()), frame_.size()});
}

REGISTER_DEVICE(VirtioNet);

}  // namespace vireo::hw
