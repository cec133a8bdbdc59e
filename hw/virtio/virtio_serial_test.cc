#include "hw/virtio/virtio_serial.h"

#include <gtest/gtest.h>

#include "hw/virtio/virtio_serial_port.h"
#include "hw/virtio/virtio_test_driver.h"

namespace vireo::hw {
namespace {

using testing::VirtioTestDriver;

struct RecordingChardev final : chardev::Chardev {
  size_t write(std::span<const uint8_t> bytes) override {
    const size_t taken = std::min(bytes.size(), room);
    sent.append(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(taken));
    room -= taken;
    return taken;
  }
  void set_receiver(chardev::Receiver r) override { receiver = std::move(r); }
  void set_write_ready(std::function<void()> callback) override { ready = std::move(callback); }

  chardev::Receiver receiver;
  std::function<void()> ready;
  std::string sent;
  size_t room = 1000;
};

class VirtioSerialTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kData = VirtioTestDriver::kBuffers;
  static constexpr unsigned kMultiport = 1;

  VirtioSerialTest() {
    guest.machine.backends.add("chardev", "c", static_cast<chardev::Chardev*>(&chardev));
    EXPECT_TRUE(guest.plug_in());
    EXPECT_TRUE(port->set_property("chardev", "c"));
    EXPECT_TRUE(port->set_property("name", "tty"));
    EXPECT_TRUE(port->attach(*guest.device().child_buses().at(0)));
    EXPECT_TRUE(port->realize(guest.machine.environment()));
  }
  ~VirtioSerialTest() override { port->unrealize(); }

  void control(uint32_t id, uint16_t event, uint16_t value) {
    const uint64_t at = kData + 0x800;
    guest.machine.memory.store<uint32_t>(at, id);
    guest.machine.memory.store<uint16_t>(at + 4, event);
    guest.machine.memory.store<uint16_t>(at + 6, value);
    guest.add(3, {{at, 8, false}});
    guest.notify(3);
  }
  void start_multiport() {
    guest.start(virtio_bit(kMultiport), 4);
    for (unsigned i = 0; i < 8; ++i) guest.add(2, {{kData + 0x1000 + 0x40 * i, 0x40, true}});
    guest.notify(2);
    control(0, kDeviceReady, 1);
  }
  uint16_t event(unsigned slot) {
    return guest.machine.memory.load<uint16_t>(kData + 0x1000 + 0x40 * slot + 4);
  }

  RecordingChardev chardev;
  VirtioTestDriver guest{core::make_device<VirtioSerial>()};
  std::unique_ptr<VirtConsole> port = core::make_device<VirtConsole>();
};

TEST_F(VirtioSerialTest, AnnouncesItsPorts) {
  start_multiport();
  EXPECT_EQ(guest.config<uint32_t>(4), VirtioSerial::kMaxPorts);
  ASSERT_EQ(guest.used_index(2), 1);
  EXPECT_EQ(event(0), kPortAdd);
  control(0, kPortReady, 1);
  ASSERT_EQ(guest.used_index(2), 4);
  EXPECT_EQ(event(1), kConsolePort);
  EXPECT_EQ(event(2), kPortName);
  EXPECT_EQ(guest.bytes(kData + 0x1000 + 0x40 * 2 + 8, 3), (std::vector<uint8_t>{'t', 't', 'y'}));
  EXPECT_EQ(event(3), kPortOpen);
  control(77, kPortReady, 1);
  EXPECT_EQ(guest.status(), 0x0f);
}

TEST_F(VirtioSerialTest, MovesBytesBothWays) {
  start_multiport();
  guest.add(0, {{kData, 4, true}});
  guest.add(0, {{kData + 0x100, 16, true}});
  EXPECT_EQ(chardev.receiver.can_receive(), 0u) << "closed";
  control(0, kPortOpen, 1);
  EXPECT_EQ(chardev.receiver.can_receive(), 4u);
  const uint8_t input[] = {'a', 'b', 'c'};
  chardev.receiver.receive(input);
  EXPECT_EQ(guest.used_length(0, 0), 3u);
  EXPECT_EQ(guest.bytes(kData, 1)[0], 'a');
  guest.put(kData + 0x200, "hello world");
  guest.add(1, {{kData + 0x200, 6, false}, {kData + 0x206, 5, false}});
  guest.notify(1);
  EXPECT_EQ(chardev.sent, "hello world");
}

TEST_F(VirtioSerialTest, ABlockedBackEndHoldsTheBuffer) {
  guest.start(0, 2);
  guest.put(kData, "0123456789");
  chardev.room = 4;
  guest.add(1, {{kData, 10, false}});
  guest.notify(1);
  EXPECT_EQ(guest.used_index(1), 0);
  const auto stream = core::testing::save_state(*port);
  ASSERT_TRUE(core::testing::load_state(*port, stream));
  chardev.room = 100;
  chardev.ready();
  EXPECT_EQ(chardev.sent, "0123456789");
  EXPECT_EQ(guest.used_index(1), 1);
}

TEST_F(VirtioSerialTest, PortNumbersAreChecked) {
  auto second = core::make_device<VirtConsole>();
  ASSERT_TRUE(second->set_property("nr", "0"));
  EXPECT_FALSE(second->attach(*guest.device().child_buses().at(0)));
  auto third = core::make_device<VirtSerialPort>();
  ASSERT_TRUE(third->attach(*guest.device().child_buses().at(0)));
  EXPECT_EQ(third->number(), 1);
}

}  // namespace
}  // namespace vireo::hw
