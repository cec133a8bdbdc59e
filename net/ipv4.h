#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace vireo::net {

/// What an Ethernet frame without a VLAN tag carries: an IPv4 packet (RFC 791) that is no fragment
/// of a larger one. Offsets are from the beginning of the frame.
struct Ipv4Packet {
  uint8_t protocol = 0;
  size_t payload = 0;  ///< Where what follows the IP header begins.
  size_t end = 0;      ///< Behind the packet; at most the frame's size.
};

constexpr size_t kEthernetHeader = 14;
constexpr uint8_t kProtocolTcp = 6;
/// What Ethernet carries in a frame without its header, in bytes.
constexpr size_t kEthernetMtu = 1500;
constexpr size_t kEthernetFrame = kEthernetHeader + kEthernetMtu;  ///< The largest, without FCS.
constexpr size_t kIpv4Header = 20;                                 ///< Without options.
/// Where a TCP header has its checksum (RFC 9293, 3.1).
constexpr size_t kTcpChecksum = 16;
constexpr size_t kTcpHeader = 20;  ///< Without options.

/// Nothing if the frame carries anything else, or is damaged.
std::optional<Ipv4Packet> find_ipv4(std::span<const uint8_t> frame);

/// A TCP segment over IPv4 in an Ethernet frame. Offsets are from the beginning of the frame.
struct TcpSegment {
  size_t header = 0;
  size_t payload = 0;
  size_t end = 0;
};

/// Nothing if the frame carries anything else, or is damaged.
std::optional<TcpSegment> find_tcp(std::span<const uint8_t> frame);

/// The ones' complement sum of the pseudo header that a TCP checksum covers (RFC 9293, 3.1), folded
/// to 16 bits.
uint16_t tcp_pseudo_sum(std::span<const uint8_t> frame, const TcpSegment& segment);

/// Where the value of the maximum segment size option is (16 bits, big-endian), if the segment is a
/// SYN that has one (RFC 9293, 3.2), at an even distance from the header.
std::optional<size_t> find_segment_limit(std::span<const uint8_t> frame, const TcpSegment& segment);

/// Sets a 16-bit word of the frame, at an even distance from the TCP header, and mends the TCP
/// checksum (RFC 1624).
void set_tcp_word(std::span<uint8_t> frame, const TcpSegment& segment, size_t at, uint16_t value);

/// Passes the packet on in fragments that fit into `mtu` bytes without the Ethernet header (RFC
/// 791, 2.3). Drops packets that may not be split, or have IP options.
void fragment_ipv4(std::span<const uint8_t> frame, const Ipv4Packet& packet, size_t mtu,
                   const std::function<void(std::span<const uint8_t>)>& pass_on);

}  // namespace vireo::net
