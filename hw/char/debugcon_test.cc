#include "hw/char/debugcon.h"

#include <gtest/gtest.h>

#include <string>

#include "core/testing/test_machine.h"

namespace vireo::hw {
namespace {

struct Recorder final : chardev::Chardev {
  size_t write(std::span<const uint8_t> bytes) override {
    sent.append(bytes.begin(), bytes.end());
    return bytes.size();
  }
  void set_receiver(chardev::Receiver) override {}
  std::string sent;
};

TEST(DebugConsoleTest, ShowsItselfAndPassesBytes) {
  core::testing::TestMachine machine;
  Recorder recorder;
  machine.backends.add("chardev", "log", static_cast<chardev::Chardev*>(&recorder));
  auto device = core::make_device<DebugConsole>();
  ASSERT_TRUE(device->set_property("chardev", "log"));
  ASSERT_TRUE(device->realize(machine.environment()));
  EXPECT_EQ(machine.inb(0x402), 0xe9);
  machine.outb(0x402, 'O');
  machine.outb(0x402, 'K');
  EXPECT_EQ(recorder.sent, "OK");
  device->unrealize();
}

}  // namespace
}  // namespace vireo::hw
