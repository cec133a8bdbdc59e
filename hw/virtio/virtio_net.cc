// The virtio network card: frames behind a header in buffers of two queues (virtio 1.2, 5.1.6).

#include "hw/virtio/virtio_net.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/checksum.h"
#include "net/ipv4.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

enum Feature : uint8_t {
  kChecksum = 0,
  kGuestChecksum = 1,
  kMac = 5,
  kGuestTso4 = 7,
  kHostTso4 = 11,
  kMergeableBuffers = 15,
  kStatus = 16,
};
enum Queue : unsigned { kReceiveQueue = 0, kTransmitQueue = 1 };

constexpr unsigned kConfigStatus = 6;
constexpr uint16_t kLinkUp = 1;
// The header (5.1.6).
enum HeaderFlag : uint8_t { kNeedsChecksum = 1, kChecksumIsValid = 2 };
constexpr uint8_t kSegmentsOfTcp4 = 1;
constexpr unsigned kSegmentType = 1, kHeaderLength = 2, kSegmentSize = 4, kChecksumStart = 6,
                   kChecksumOffset = 8;
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
  d.property("csum", &VirtioNet::csum_, "offer to complete checksums of what is sent");
  d.property("guest_csum", &VirtioNet::guest_csum_, "offer to vouch for what is received");
  d.property("host_tso4", &VirtioNet::host_tso4_, "offer to take TCP segments of up to 64 KiB");
  d.property("guest_tso4", &VirtioNet::guest_tso4_, "offer to hand over TCP segments of 32 KiB");
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
                           .receive = [this](std::span<const uint8_t> frame) { receive(frame); },
                           .takes_large_segments = [this] { return has_feature(kGuestTso4); }});
  }
  return {};
}

void VirtioNet::on_virtio_unrealize() {
  if (netdev_) netdev_->set_receiver({});
}

uint64_t VirtioNet::device_features() const {
  const auto offered = [](Feature feature, bool offers) {
    return offers ? virtio_bit(feature) : 0;
  };
  const bool large = csum_ && host_tso4_ && netdev_ && netdev_->takes_large_segments();
  const bool hands_over_large = guest_csum_ && guest_tso4_;
  return virtio_bit(kMac) | virtio_bit(kMergeableBuffers) | virtio_bit(kStatus) |
         offered(kChecksum, csum_) | offered(kGuestChecksum, guest_csum_) |
         offered(kGuestTso4, hands_over_large) | offered(kHostTso4, large);
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
  // What a network hands over was not damaged on the way.
  if (has_feature(kGuestChecksum)) head[0] = std::byte{kChecksumIsValid};
  if (frame.size() > net::kEthernetFrame) frame = as_segments(frame, head);
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

// A header for a frame that stands for several, and the frame with the sum of the pseudo header for
// its checksum, as drivers expect it then (virtio 1.2, 5.1.6.4.1).
std::span<const uint8_t> VirtioNet::as_segments(std::span<const uint8_t> frame,
                                                std::span<std::byte> head) {
  const auto segment = net::find_tcp(frame);
  if (!has_feature(kGuestTso4) || !segment) return frame;
  const auto store = [head](unsigned at, size_t value) {
    util::store_little<uint16_t>(&head[at], static_cast<uint16_t>(value));
  };
  head[0] = std::byte{kNeedsChecksum};
  head[kSegmentType] = std::byte{kSegmentsOfTcp4};
  store(kHeaderLength, segment->payload);
  store(kSegmentSize, net::kEthernetFrame - segment->payload);
  store(kChecksumStart, segment->header);
  store(kChecksumOffset, net::kTcpChecksum);
  segments_.assign(frame.begin(), frame.end());
  util::store_big<uint16_t>(&segments_[segment->header + net::kTcpChecksum],
                            net::tcp_pseudo_sum(frame, *segment));
  return segments_;
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
  std::byte head[kShortHeader];
  copy_from_pieces(element.readable, 0, head);
  const bool completes =
      has_feature(kChecksum) && (head[0] & std::byte{kNeedsChecksum}) != std::byte{};
  if (!completes && send_in_place(element, length)) return;
  const uint64_t size = length - header;
  if (frame_.size() < size) frame_.resize(size);
  const auto frame = std::span(frame_).first(size);
  copy_from_pieces(element.readable, header, frame);
  if (completes && !complete_checksum(head, frame)) return;
  netdev_->send({reinterpret_cast<const uint8_t*>(frame.data()), frame.size()});
}

// The common case is a header and a frame, each in one piece. False: it is another.
bool VirtioNet::send_in_place(const QueueElement& element, uint64_t length) {
  uint64_t offset = header_size();
  const uint64_t frame_length = length - offset;
  for (const BufferPiece& piece : element.readable) {
    if (offset >= piece.host.size()) {
      offset -= piece.host.size();
      continue;
    }
    if (piece.host.size() - offset != frame_length) return false;
    const auto frame = piece.host.subspan(offset);
    netdev_->send({reinterpret_cast<const uint8_t*>(frame.data()), frame.size()});
    return true;
  }
  return false;
}

// The checksum's place holds the sum of the pseudo header.
bool VirtioNet::complete_checksum(std::span<const std::byte> head, std::span<std::byte> frame) {
  const size_t start = util::load_little<uint16_t>(&head[kChecksumStart]);
  const size_t place = start + util::load_little<uint16_t>(&head[kChecksumOffset]);
  if (place + sizeof(uint16_t) > frame.size()) {
    util::log(util::kLogGuestErrors, "{}: a checksum at {} in a frame of {} bytes\n", label(),
              place, frame.size());
    return false;
  }
  const std::span rest = frame.subspan(start);
  const uint16_t sum =
      net::internet_sum({reinterpret_cast<const uint8_t*>(rest.data()), rest.size()});
  const auto checksum = static_cast<uint16_t>(~sum);
  // UDP has no 0: that stands for no checksum (RFC 768).
  util::store_big<uint16_t>(&frame[place], checksum == 0 ? uint16_t{0xffff} : checksum);
  return true;
}

REGISTER_DEVICE(VirtioNet);

}  // namespace vireo::hw
