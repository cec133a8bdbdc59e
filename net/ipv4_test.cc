#include "net/ipv4.h"

#include <gtest/gtest.h>

#include <vector>

#include "net/checksum.h"
#include "util/byte_order.h"

namespace vireo::net {
namespace {

using Frame = std::vector<uint8_t>;

constexpr size_t kIp = kEthernetHeader, kTcp = kIp + 20;

/// An Ethernet frame with an IPv4 packet around `payload`, its lengths and its header's sum right.
Frame make_packet(uint8_t protocol, const Frame& payload) {
  Frame frame(kTcp);
  util::store_big<uint16_t>(&frame[12], 0x0800);
  frame[kIp] = 0x45;
  frame[kIp + 9] = protocol;
  util::store_big<uint32_t>(&frame[kIp + 12], 0x0a00020f);
  util::store_big<uint32_t>(&frame[kIp + 16], 0x0a000202);
  frame.insert(frame.end(), payload.begin(), payload.end());
  util::store_big<uint16_t>(&frame[kIp + 2], static_cast<uint16_t>(frame.size() - kIp));
  const uint16_t sum = internet_sum(std::span(frame).subspan(kIp, 20));
  util::store_big<uint16_t>(&frame[kIp + 10], static_cast<uint16_t>(~sum));
  return frame;
}

/// A SYN with these options, whose checksum is right.
Frame make_syn(const Frame& options) {
  Frame tcp(20);
  tcp[12] = static_cast<uint8_t>((20 + options.size()) / 4 << 4);
  tcp[13] = 2;
  tcp.insert(tcp.end(), options.begin(), options.end());
  Frame frame = make_packet(kProtocolTcp, tcp);
  const auto segment = find_tcp(frame);
  const uint32_t sum = uint32_t{tcp_pseudo_sum(frame, *segment)} +
                       internet_sum(std::span(frame).subspan(segment->header));
  util::store_big<uint16_t>(&frame[kTcp + kTcpChecksum],
                            static_cast<uint16_t>(~(sum + (sum >> 16))));
  return frame;
}

/// The sum over what the TCP checksum covers: all ones if it is right.
uint16_t tcp_sum(const Frame& frame) {
  const auto segment = find_tcp(frame);
  const uint32_t sum = uint32_t{tcp_pseudo_sum(frame, *segment)} +
                       internet_sum(std::span(frame).subspan(segment->header));
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

TEST(Ipv4, TheSegmentLimitOfASynCanBeRaised) {
  Frame frame = make_syn({1, 1, 2, 4, 0x05, 0xb4, 0, 0});
  ASSERT_EQ(tcp_sum(frame), 0xffff);
  const auto segment = find_tcp(frame);
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->payload, frame.size());
  const auto at = find_segment_limit(frame, *segment);
  ASSERT_EQ(at, kTcp + 24);
  set_tcp_word(frame, *segment, *at, 32768);
  EXPECT_EQ(util::load_big<uint16_t>(&frame[*at]), 32768);
  EXPECT_EQ(tcp_sum(frame), 0xffff);
}

TEST(Ipv4, OnlyASynHasALimitAndOptionsMayBeAnything) {
  for (const Frame& options :
       {Frame{}, Frame{0, 2, 4, 5}, Frame{3, 3, 7, 2}, Frame{8, 0, 8, 0}, Frame{1, 2, 4, 5},
        Frame{8, 200, 2, 4, 5, 5, 5, 5}, Frame{1, 2, 4, 5, 5, 0, 0, 0}}) {
    const Frame frame = make_syn(options);
    EXPECT_FALSE(find_segment_limit(frame, *find_tcp(frame))) << options.size();
  }
  Frame frame = make_syn({2, 4, 5, 0xb4});
  frame[kTcp + 13] = 0x10;
  EXPECT_FALSE(find_segment_limit(frame, *find_tcp(frame)));
}

TEST(Ipv4, DamagedHeadersAreNoPackets) {
  const Frame good = make_syn({2, 4, 5, 0xb4});
  ASSERT_TRUE(find_tcp(good));
  const auto damaged = [&](size_t at, uint8_t value) {
    Frame frame = good;
    frame[at] = value;
    return !find_tcp(frame);
  };
  EXPECT_TRUE(damaged(12, 0x86));
  EXPECT_TRUE(damaged(kIp, 0x65));
  EXPECT_TRUE(damaged(kIp, 0x44));
  EXPECT_TRUE(damaged(kIp, 0x4f));
  EXPECT_TRUE(damaged(kIp + 2, 0xff)) << "longer than the frame";
  EXPECT_TRUE(damaged(kIp + 3, 30)) << "no room for a TCP header";
  EXPECT_TRUE(damaged(kIp + 6, 0x20)) << "a fragment";
  EXPECT_TRUE(damaged(kTcp + 12, 0x40));
  EXPECT_TRUE(damaged(kTcp + 12, 0xf0));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(find_tcp(std::span(good).first(size)));
  }
}

TEST(Ipv4, LargePacketsAreSplit) {
  Frame payload(4000);
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<uint8_t>(i * 7);
  Frame frame = make_packet(17, payload);
  std::vector<Frame> fragments;
  const auto split = [&] {
    fragments.clear();
    fragment_ipv4(frame, *find_ipv4(frame), kEthernetMtu,
                  [&](std::span<const uint8_t> f) { fragments.emplace_back(f.begin(), f.end()); });
  };
  split();
  ASSERT_EQ(fragments.size(), 3u);
  Frame together;
  for (const Frame& fragment : fragments) {
    EXPECT_LE(fragment.size(), kIp + kEthernetMtu);
    EXPECT_EQ(util::load_big<uint16_t>(&fragment[kIp + 2]), fragment.size() - kIp);
    EXPECT_EQ(internet_sum(std::span(fragment).subspan(kIp, 20)), 0xffff);
    const uint16_t place = util::load_big<uint16_t>(&fragment[kIp + 6]);
    EXPECT_EQ((place & 0x1fffu) * 8, together.size());
    together.insert(together.end(), fragment.begin() + kTcp, fragment.end());
    EXPECT_EQ((place & 0x2000) != 0, together.size() < payload.size());
  }
  EXPECT_EQ(together, payload);
  frame[kIp + 6] = 0x40;
  split();
  EXPECT_TRUE(fragments.empty()) << "may not be split";
}

}  // namespace
}  // namespace vireo::net
