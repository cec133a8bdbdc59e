#include "hw/virtio/virtio_net.h"

#include <gtest/gtest.h>

#include "hw/virtio/virtio_rng.h"
#include "hw/virtio/virtio_test_driver.h"

namespace vireo::hw {
namespace {

using testing::VirtioTestDriver;

struct RecordingNetwork final : net::Backend {
  void send(std::span<const uint8_t> frame) override {
    sent.emplace_back(frame.begin(), frame.end());
  }
  void set_receiver(net::Receiver r) override { receiver = std::move(r); }
  void accept_input() override { ++accepts; }
  bool takes_large_segments() const override { return large; }

  net::Receiver receiver;
  std::vector<std::string> sent;
  int accepts = 0;
  bool large = false;
};

class VirtioNetTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kData = VirtioTestDriver::kBuffers;

  VirtioNetTest() {
    guest.machine.backends.add("netdev", "n", static_cast<net::Backend*>(&network));
    EXPECT_TRUE(guest.device().set_property("netdev", "n"));
    EXPECT_TRUE(guest.device().set_property("mac", "52:54:00:aa:bb:cc"));
    EXPECT_TRUE(guest.plug_in());
  }
  void deliver(std::string_view frame) {
    network.receiver.receive({reinterpret_cast<const uint8_t*>(frame.data()), frame.size()});
  }

  RecordingNetwork network;
  VirtioTestDriver guest{core::make_device<VirtioNet>()};
};

TEST_F(VirtioNetTest, SendsFramesWhole) {
  guest.start(~0ull, 2);
  EXPECT_EQ(guest.config<uint8_t>(5), 0xcc);
  EXPECT_EQ(guest.config<uint16_t>(6), 1);
  guest.put(kData + 12, "in one piece");
  guest.add(1, {{kData, 24, false}});
  guest.put(kData + 0x100, "two ");
  guest.put(kData + 0x200, "pieces");
  guest.add(1, {{kData, 12, false}, {kData + 0x100, 4, false}, {kData + 0x200, 6, false}});
  guest.add(1, {{kData, 12, false}});  // no frame
  guest.notify(1);
  EXPECT_EQ(network.sent, (std::vector<std::string>{"in one piece", "two pieces"}));
  EXPECT_EQ(guest.used_index(1), 3);
  EXPECT_EQ(guest.irq.edges(), 1);
}

// A header that asks for the checksum of what begins with "bcd", at its end.
TEST_F(VirtioNetTest, CompletesChecksums) {
  guest.start(~0ull, 2);
  const auto head = [&](uint16_t start, uint16_t offset) {
    guest.machine.memory.store<uint8_t>(kData, 1);
    guest.machine.memory.store<uint16_t>(kData + 6, start);
    guest.machine.memory.store<uint16_t>(kData + 8, offset);
  };
  const auto send = [&] {
    guest.add(1, {{kData, 12 + 2, false}, {kData + 0x100, 6, false}});
    guest.notify(1);
  };
  guest.put(kData + 12, "aa");
  guest.put(kData + 0x100, std::string("bcd\0\x12\x34", 6));
  head(2, 4);
  send();
  // 0x6263 + 0x6400 + 0x1234 = 0xd897
  EXPECT_EQ(network.sent, (std::vector<std::string>{std::string("aabcd\0\x27\x68", 8)}));
  for (const auto& [start, offset] : {std::pair{2, 5}, {0xffff, 0xffff}, {7, 0}, {8, 0}}) {
    head(static_cast<uint16_t>(start), static_cast<uint16_t>(offset));
    send();
  }
  EXPECT_EQ(network.sent.size(), 1u) << "there is no such place in the frame";
  EXPECT_EQ(guest.used_index(1), 5);
}

TEST_F(VirtioNetTest, LargeSegmentsAreOfferedWhereTheyGoThrough) {
  constexpr uint64_t kTso4 = virtio_bit(11);
  EXPECT_EQ(guest.offered() & kTso4, 0u);
  network.large = true;
  EXPECT_EQ(guest.offered() & kTso4, kTso4);
}

TEST_F(VirtioNetTest, VouchesForWhatItReceives) {
  guest.start(~0ull, 2);
  guest.add(0, {{kData, 64, true}});
  guest.notify(0);
  deliver("frame");
  EXPECT_EQ(guest.bytes(kData, 2), (std::vector<uint8_t>{2, 0}));
}

// A TCP segment beyond the MTU stands for several: the driver is told of what size, and completes
// the checksum.
TEST_F(VirtioNetTest, LargeSegmentsSaySoToDriversThatTakeThem) {
  constexpr size_t kSize = 4000, kIp = 14, kTcp = 34;
  std::string frame(kSize, 'x');
  const auto put = [&](size_t at, std::string_view bytes) {
    frame.replace(at, bytes.size(), bytes);
  };
  put(12, std::string_view("\x08\0\x45\0\x0f\x92\0\0\0\0\x40\x06", 12));  // 3986 bytes
  put(kIp + 12, std::string_view("\x0a\0\x02\x02\x0a\0\x02\x0f", 8));
  put(kTcp + 12, "\x50\x10");
  const auto received = [&](uint64_t features) {
    guest.start(features, 2);
    EXPECT_EQ(network.receiver.takes_large_segments(), (features & virtio_bit(7)) != 0);
    guest.add(0, {{kData, 12 + kSize, true}});
    guest.notify(0);
    deliver(frame);
    return guest.bytes(kData, 12 + kSize);
  };
  const auto plain = received(~(virtio_bit(7) | virtio_bit(15)));
  EXPECT_EQ(std::vector(plain.begin(), plain.begin() + 4), (std::vector<uint8_t>{2, 0, 0, 0}));
  EXPECT_EQ(plain[12 + kTcp + 16], 'x');
  const auto large = received(~virtio_bit(15));
  const std::vector<uint8_t> head(large.begin(), large.begin() + 10);
  EXPECT_EQ(head, (std::vector<uint8_t>{1, 1, 54, 0, 1460 & 0xff, 1460 >> 8, kTcp, 0, 16, 0}));
  // 0x0a00 + 0x0202 + 0x0a00 + 0x020f + 6 + 3966
  EXPECT_EQ(large[12 + kTcp + 16], 0x27);
  EXPECT_EQ(large[12 + kTcp + 17], 0x95);
  EXPECT_EQ(large[12 + kTcp + 18], 'x');
}

TEST_F(VirtioNetTest, ReceivesIntoMergedBuffers) {
  guest.start(virtio_bit(15), 2);
  EXPECT_FALSE(network.receiver.can_receive());
  guest.add(0, {{kData, 16, true}});
  guest.add(0, {{kData + 0x100, 16, true}});
  guest.notify(0);
  EXPECT_GT(network.accepts, 0);
  EXPECT_TRUE(network.receiver.can_receive());
  deliver("headrest");
  EXPECT_EQ(guest.used_index(0), 2);
  EXPECT_EQ(guest.machine.memory.load<uint16_t>(kData + 10), 2);
  EXPECT_EQ(guest.bytes(kData + 12, 4), (std::vector<uint8_t>{'h', 'e', 'a', 'd'}));
  EXPECT_EQ(guest.bytes(kData + 0x100, 4), (std::vector<uint8_t>{'r', 'e', 's', 't'}));
  EXPECT_EQ(guest.used_length(0, 1), 4u);
  EXPECT_FALSE(network.receiver.can_receive());
}

TEST_F(VirtioNetTest, AFrameThatDoesNotFitIsLostAlone) {
  guest.start(0, 2);
  guest.add(0, {{kData, 20, true}});
  guest.notify(0);
  deliver("much too long");
  EXPECT_EQ(guest.used_index(0), 0);
  deliver("fits");
  EXPECT_EQ(guest.used_index(0), 1);
  EXPECT_EQ(guest.status(), 0x0f);
}

TEST_F(VirtioNetTest, StateSurvives) {
  guest.start(~0ull, 2);
  guest.add(0, {{kData, 64, true}});
  guest.notify(0);
  const auto stream = core::testing::save_state(guest.device());
  guest.device().reset();
  ASSERT_TRUE(core::testing::load_state(guest.device(), stream));
  EXPECT_EQ(core::testing::save_state(guest.device()), stream);
  deliver("again");
  EXPECT_EQ(guest.used_index(0), 1);
}

TEST(VirtioRngTest, FillsBuffers) {
  VirtioTestDriver guest{core::make_device<VirtioRng>()};
  ASSERT_TRUE(guest.plug_in());
  guest.start(~0ull, 1);
  guest.add(0, {{VirtioTestDriver::kBuffers, 300, true}, {0x90000, 20, true}});
  guest.notify(0);
  EXPECT_EQ(guest.used_length(0, 0), 320u);
  const auto bytes = guest.bytes(VirtioTestDriver::kBuffers, 300);
  EXPECT_NE(bytes, std::vector<uint8_t>(300));
}

TEST(VirtioPciTest, TheLegacyInterfaceCanBeLeftOut) {
  VirtioTestDriver modern{core::make_device<VirtioRng>()};
  ASSERT_TRUE(modern.device().set_property("disable-legacy", "on"));
  ASSERT_TRUE(modern.plug_in());
  EXPECT_EQ(modern.device().config_read(kPciDeviceId, 2), 0x1044u);
  EXPECT_EQ(modern.device().config_read(kPciBar0, 4), 0u);
}

TEST(VirtioPciTest, SomeInterfaceHasToBe) {
  VirtioTestDriver neither{core::make_device<VirtioRng>()};
  ASSERT_TRUE(neither.device().set_property("disable-legacy", "on"));
  ASSERT_TRUE(neither.device().set_property("disable-modern", "on"));
  EXPECT_FALSE(neither.plug_in());
}

}  // namespace
}  // namespace vireo::hw
