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

  net::Receiver receiver;
  std::vector<std::string> sent;
  int accepts = 0;
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
