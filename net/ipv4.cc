// IPv4 packets and TCP headers in Ethernet frames (RFC 791, RFC 9293).

#include "net/ipv4.h"

#include <algorithm>
#include <vector>

#include "net/checksum.h"
#include "util/byte_order.h"

namespace vireo::net {
namespace {

constexpr size_t kEtherType = 12;
constexpr uint16_t kEtherTypeIpv4 = 0x0800;
constexpr size_t kIp = kEthernetHeader;
constexpr size_t kIpLength = kIp + 2, kIpFragment = kIp + 6, kIpProtocol = kIp + 9,
                 kIpChecksum = kIp + 10, kIpSource = kIp + 12;
constexpr uint16_t kDontFragment = 0x4000, kMoreFragments = 0x2000, kFragmentOffset = 0x1fff;
constexpr size_t kFragmentUnit = 8;  // bytes
constexpr size_t kTcpDataOffset = 12, kTcpFlags = 13;
constexpr uint8_t kTcpSyn = 2;
enum TcpOption : uint8_t { kEndOfOptions = 0, kNoOperation = 1, kMaximumSegmentSize = 2 };

uint16_t word_at(std::span<const uint8_t> frame, size_t at) {
  return util::load_big<uint16_t>(&frame[at]);
}

}  // namespace

std::optional<Ipv4Packet> find_ipv4(std::span<const uint8_t> frame) {
  if (frame.size() < kIp + kIpv4Header || word_at(frame, kEtherType) != kEtherTypeIpv4) return {};
  const size_t header = size_t{frame[kIp] & 0xfu} * 4;
  const size_t end = kIp + word_at(frame, kIpLength);
  const bool is_part = (word_at(frame, kIpFragment) & (kMoreFragments | kFragmentOffset)) != 0;
  if (frame[kIp] >> 4 != 4 || header < kIpv4Header || kIp + header > end || end > frame.size() ||
      is_part) {
    return {};
  }
  return Ipv4Packet{.protocol = frame[kIpProtocol], .payload = kIp + header, .end = end};
}

std::optional<TcpSegment> find_tcp(std::span<const uint8_t> frame) {
  const auto packet = find_ipv4(frame);
  if (!packet || packet->protocol != kProtocolTcp || packet->end - packet->payload < kTcpHeader) {
    return {};
  }
  const size_t header = size_t{frame[packet->payload + kTcpDataOffset]} / 16 * 4;
  if (header < kTcpHeader || header > packet->end - packet->payload) return {};
  return TcpSegment{
      .header = packet->payload, .payload = packet->payload + header, .end = packet->end};
}

uint16_t tcp_pseudo_sum(std::span<const uint8_t> frame, const TcpSegment& segment) {
  const uint32_t addresses = internet_sum(frame.subspan(kIpSource, 8));
  return fold_sum(addresses + kProtocolTcp + static_cast<uint32_t>(segment.end - segment.header));
}

std::optional<size_t> find_segment_limit(std::span<const uint8_t> frame,
                                         const TcpSegment& segment) {
  if ((frame[segment.header + kTcpFlags] & kTcpSyn) == 0) return {};
  size_t at = segment.header + kTcpHeader;
  while (at + 4 <= segment.payload && frame[at] != kEndOfOptions) {
    if (frame[at] == kMaximumSegmentSize) {
      return at % 2 == segment.header % 2 ? std::optional(at + 2) : std::nullopt;
    }
    at += frame[at] == kNoOperation ? 1 : std::max<size_t>(frame[at + 1], 2);
  }
  return {};
}

void set_tcp_word(std::span<uint8_t> frame, const TcpSegment& segment, size_t at, uint16_t value) {
  uint8_t* checksum = &frame[segment.header + kTcpChecksum];
  const uint32_t old_sum = static_cast<uint16_t>(~util::load_big<uint16_t>(checksum));
  const uint32_t without = static_cast<uint16_t>(~word_at(frame, at));
  util::store_big<uint16_t>(checksum, static_cast<uint16_t>(~fold_sum(old_sum + without + value)));
  util::store_big<uint16_t>(&frame[at], value);
}

void fragment_ipv4(std::span<const uint8_t> frame, const Ipv4Packet& packet, size_t mtu,
                   const std::function<void(std::span<const uint8_t>)>& pass_on) {
  const bool whole = (word_at(frame, kIpFragment) & kDontFragment) != 0;
  if (whole || packet.payload != kIp + kIpv4Header) return;
  const size_t most = (mtu - kIpv4Header) / kFragmentUnit * kFragmentUnit;
  for (size_t at = packet.payload; at < packet.end; at += most) {
    const size_t length = std::min(most, packet.end - at);
    std::vector<uint8_t> fragment(frame.begin(), frame.begin() + packet.payload);
    fragment.insert(fragment.end(), frame.begin() + at, frame.begin() + at + length);
    const size_t offset = (at - packet.payload) / kFragmentUnit;
    const bool is_last = at + length == packet.end;
    util::store_big<uint16_t>(&fragment[kIpLength], static_cast<uint16_t>(kIpv4Header + length));
    util::store_big<uint16_t>(&fragment[kIpFragment],
                              static_cast<uint16_t>(offset | (is_last ? 0 : kMoreFragments)));
    util::store_big<uint16_t>(&fragment[kIpChecksum], 0);
    const uint16_t sum = internet_sum(std::span(fragment).subspan(kIp, kIpv4Header));
    util::store_big<uint16_t>(&fragment[kIpChecksum], static_cast<uint16_t>(~sum));
    pass_on(fragment);
  }
}

}  // namespace vireo::net
