#include "hw/virtio/virtio_rng.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hw/virtio/virtio_test_driver.h"

namespace vireo::hw {
namespace {

using testing::VirtioTestDriver;

TEST(VirtioRng, FillsBuffersWithRandomBytes) {
  VirtioTestDriver guest(core::make_device<VirtioRng>());
  ASSERT_TRUE(guest.plug_in());
  guest.start(0, 1);
  guest.add(0, {{VirtioTestDriver::kBuffers, 600, true}});
  guest.notify(0);
  ASSERT_EQ(guest.used_index(0), 1);
  EXPECT_EQ(guest.used_length(0, 0), 600u);
  const auto bytes = guest.bytes(VirtioTestDriver::kBuffers, 600);
  EXPECT_GT(std::count_if(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte != 0; }), 500);
}

// A driver with event indices notifies only where the device's index asks for it.
TEST(VirtioRng, AsksForANotificationOfEachBuffer) {
  VirtioTestDriver guest(core::make_device<VirtioRng>());
  ASSERT_TRUE(guest.plug_in());
  guest.start(virtio_bit(kVirtioEventIndex), 1);
  const uint64_t event = guest.used(0) + 4 + 8 * VirtioTestDriver::kQueueSize;
  for (uint16_t round = 0; round < 3; ++round) {
    EXPECT_EQ(guest.machine.memory.load<uint16_t>(event), round);
    guest.add(0, {{VirtioTestDriver::kBuffers, 16, true}});
    guest.notify(0);
    EXPECT_EQ(guest.used_index(0), round + 1);
  }
}

}  // namespace
}  // namespace vireo::hw
