#include "hw/virtio/virtio_blk.h"

#include <gtest/gtest.h>

#include <random>

#include "block/testing/memory_drive.h"
#include "hw/virtio/virtio_test_driver.h"

namespace vireo::hw {
namespace {

using testing::VirtioTestDriver;

class VirtioBlkTest : public ::testing::Test {
 protected:
  static constexpr size_t kSize = 1 << 20;
  static constexpr uint64_t kHeader = VirtioTestDriver::kBuffers;
  static constexpr uint64_t kStatus = kHeader + 0x100;
  static constexpr uint64_t kData = kHeader + 0x1000;

  VirtioBlkTest() {
    guest.machine.backends.add("drive", "d", disk.drive.get());
    EXPECT_TRUE(guest.device().set_property("drive", "d"));
    EXPECT_TRUE(guest.device().set_property("serial", "V1"));
    EXPECT_TRUE(guest.plug_in());
  }

  void header(uint32_t type, uint64_t sector, uint64_t at = kHeader) {
    guest.machine.memory.store<uint32_t>(at, type);
    guest.machine.memory.store<uint64_t>(at + 8, sector);
    guest.machine.memory.store<uint8_t>(kStatus, 0xee);
  }
  uint8_t request(uint32_t type, uint64_t sector,
                  const std::vector<VirtioTestDriver::Buffer>& data) {
    header(type, sector);
    std::vector<VirtioTestDriver::Buffer> chain = {{kHeader, 16, false}};
    chain.insert(chain.end(), data.begin(), data.end());
    chain.push_back({kStatus, 1, true});
    guest.add(0, chain);
    guest.notify(0);
    guest.machine.run_loop();
    return guest.machine.memory.load<uint8_t>(kStatus);
  }

  VirtioTestDriver guest{core::make_device<VirtioBlk>()};
  block::testing::MemoryDrive disk{guest.machine.loop, kSize};
};

TEST_F(VirtioBlkTest, ReadsAndWritesScatteredData) {
  guest.start(~0ull, 1);
  EXPECT_EQ(guest.status(), 0x0f);
  EXPECT_EQ(guest.config<uint64_t>(0), kSize / 512);
  EXPECT_EQ(request(0, 3, {{kData, 512, true}, {kData + 0x1000, 1024, true}}), 0);
  const auto got = guest.bytes(kData + 0x1000, 1024);
  EXPECT_EQ(0, std::memcmp(got.data(), disk.medium.bytes.data() + 4 * 512, 1024));
  EXPECT_EQ(disk.medium.reads, 1) << "scattered buffers are one host request";
  EXPECT_EQ(guest.used_length(0, 0), 1537u);
  EXPECT_TRUE(guest.irq.level());
  EXPECT_EQ(guest.isr(), 1);
  EXPECT_FALSE(guest.irq.level());
  guest.put(kData, std::string(512, 'w'));
  EXPECT_EQ(request(1, 100, {{kData, 512, false}}), 0);
  EXPECT_EQ(disk.medium.bytes[100 * 512 + 511], std::byte{'w'});
}

TEST_F(VirtioBlkTest, OtherRequests) {
  guest.start(~0ull, 1);
  EXPECT_EQ(request(8, 0, {{kData, 20, true}}), 0);
  EXPECT_EQ(guest.bytes(kData, 3), (std::vector<uint8_t>{'V', '1', 0}));
  EXPECT_EQ(request(4, 0, {}), 0);
  EXPECT_EQ(disk.medium.flushes, 1);
  guest.machine.memory.store<uint64_t>(kData, 8);
  guest.machine.memory.store<uint32_t>(kData + 8, 2);
  EXPECT_EQ(request(13, 0, {{kData, 16, false}}), 0);
  EXPECT_EQ(disk.medium.bytes[8 * 512 + 5], std::byte{0});
  EXPECT_EQ(request(11, 0, {{kData, 16, false}}), 0);
  EXPECT_EQ(disk.medium.discards, 1);
  EXPECT_EQ(request(99, 0, {}), 2);
}

TEST_F(VirtioBlkTest, ErrorsAreTheGuests) {
  guest.start(~0ull, 1);
  EXPECT_EQ(request(0, kSize / 512, {{kData, 512, true}}), 1);
  EXPECT_EQ(request(0, ~0ull, {{kData, 512, true}}), 1);
  EXPECT_EQ(request(0, 0, {{kData, 100, true}}), 1);
  disk.medium.failing = true;
  EXPECT_EQ(request(1, 0, {{kData, 512, false}}), 1);
  EXPECT_EQ(guest.status(), 0x0f);
}

TEST_F(VirtioBlkTest, LegacyInterfaceWorks) {
  auto& m = guest.machine;
  m.outb(VirtioTestDriver::kPorts + 0x12, 3);
  m.outl(VirtioTestDriver::kPorts + 4, m.inl(VirtioTestDriver::kPorts) & ~(1u << 29));
  ASSERT_EQ(m.inw(VirtioTestDriver::kPorts + 0x0c), 256);
  m.outl(VirtioTestDriver::kPorts + 8, 0x20);
  m.outb(VirtioTestDriver::kPorts + 0x12, 7);
  EXPECT_EQ(m.inl(VirtioTestDriver::kPorts + 0x14), kSize / 512);
  header(0, 1);
  guest.set_descriptor(0x20000, 0, kHeader, 16, 1, 1);
  guest.set_descriptor(0x20000, 1, kData, 512, 3, 2);
  guest.set_descriptor(0x20000, 2, kStatus, 1, 2, 0);
  m.memory.store<uint16_t>(0x21002, 1);
  m.outw(VirtioTestDriver::kPorts + 0x10, 0);
  m.run_loop();
  EXPECT_EQ(m.memory.load<uint16_t>(0x22002), 1);
  EXPECT_EQ(guest.bytes(kData, 1)[0], static_cast<uint8_t>(disk.medium.bytes[512]));
  EXPECT_EQ(m.inb(VirtioTestDriver::kPorts + 0x13), 1);
}

TEST_F(VirtioBlkTest, MsixReplacesThePin) {
  auto& m = guest.machine;
  for (unsigned vector = 0; vector < 2; ++vector) {
    m.memory.store<uint32_t>(0x90000000 + 16 * vector, 0xfee00000);
    m.memory.store<uint32_t>(0x90000008 + 16 * vector, 0x40 + vector);
    m.memory.store<uint32_t>(0x9000000c + 16 * vector, 0);
  }
  const uint32_t pointer = guest.device().config_read(kPciCapabilities, 1);
  guest.device().config_write(static_cast<uint8_t>(pointer + 2), 2, 0x8000);
  guest.start(0, 1);
  guest.set_common<uint16_t>(0x1a, 1);
  EXPECT_EQ(guest.common<uint16_t>(0x1a), 1);
  guest.set_common<uint16_t>(0x10, 7);
  EXPECT_EQ(guest.common<uint16_t>(0x10), 0xffff) << "there is no vector 7";
  EXPECT_EQ(request(4, 0, {}), 0);
  EXPECT_EQ(guest.messages, (std::vector<uint32_t>{0x41}));
  EXPECT_FALSE(guest.irq.level());
}

TEST_F(VirtioBlkTest, EventIndexSuppressesInterrupts) {
  guest.start(virtio_bit(kVirtioEventIndex), 1);
  const uint64_t wanted = guest.available(0) + 4 + 2 * VirtioTestDriver::kQueueSize;
  request(4, 0, {});  // the first is always told
  guest.isr();
  guest.machine.memory.store<uint16_t>(wanted, 2);
  request(4, 0, {});
  EXPECT_FALSE(guest.irq.level());
  request(4, 0, {});
  EXPECT_TRUE(guest.irq.level());
}

TEST_F(VirtioBlkTest, RequestsInFlightSurviveSaveAndLoad) {
  guest.start(0, 1);
  header(0, 5);
  guest.add(0, {{kHeader, 16, false}, {kData, 512, true}, {kStatus, 1, true}});
  guest.notify(0);
  const auto stream = core::testing::save_state(guest.device());
  guest.device().reset();
  guest.machine.run_loop();
  EXPECT_EQ(guest.used_index(0), 0) << "a reset forgets requests";
  ASSERT_TRUE(core::testing::load_state(guest.device(), stream));
  EXPECT_EQ(core::testing::save_state(guest.device()), stream);
  guest.machine.advance_ns(1);
  guest.machine.run_loop();
  EXPECT_EQ(guest.used_index(0), 1);
  EXPECT_EQ(guest.machine.memory.load<uint8_t>(kStatus), 0);
}

TEST_F(VirtioBlkTest, HostileRingsBreakTheDeviceOnly) {
  const auto broken = [&] {
    guest.notify(0);
    guest.machine.run_loop();
    return (guest.status() & kVirtioNeedsReset) != 0;
  };
  guest.start(~0ull, 1);
  guest.set_descriptor(guest.descriptors(0), 0, kHeader, 16, 1, 0);  // a loop
  guest.offer(0, 0);
  EXPECT_TRUE(broken());
  guest.start(~0ull, 1);
  EXPECT_EQ(guest.status(), 0x0f);
  guest.offer(0, 4711);
  EXPECT_TRUE(broken());
  guest.start(~0ull, 1);
  guest.machine.memory.store<uint16_t>(guest.available(0) + 2, 1000);
  EXPECT_TRUE(broken());
  guest.start(~0ull, 1);
  guest.add(0, {{0xffff'ffff'ffff'fff0, 0xffffffff, true}});
  EXPECT_TRUE(broken());
  guest.start(~0ull, 1);
  guest.add(0, {{kStatus, 1, true}, {kHeader, 16, false}});
  EXPECT_TRUE(broken());
  guest.start(~0ull, 1);
  guest.set_descriptor(guest.descriptors(0), 0, kData, 17, 4, 0);  // an odd indirect table
  guest.offer(0, 0);
  EXPECT_TRUE(broken());
  guest.start(~0ull, 1);
  EXPECT_EQ(request(4, 0, {}), 0);
}

TEST_F(VirtioBlkTest, IndirectTables) {
  guest.start(~0ull, 1);
  header(0, 2);
  guest.set_descriptor(kData + 0x800, 0, kHeader, 16, 1, 1);
  guest.set_descriptor(kData + 0x800, 1, kData, 512, 3, 2);
  guest.set_descriptor(kData + 0x800, 2, kStatus, 1, 2, 0);
  guest.set_descriptor(guest.descriptors(0), 3, kData + 0x800, 48, 4, 0);
  guest.offer(0, 3);
  guest.notify(0);
  guest.machine.run_loop();
  EXPECT_EQ(guest.machine.memory.load<uint8_t>(kStatus), 0);
}

TEST_F(VirtioBlkTest, RandomRingsNeverCrash) {
  std::minstd_rand random(1);
  for (int round = 0; round < 300; ++round) {
    guest.start(random(), 1);
    for (int i = 0; i < 64; ++i) {
      const uint64_t at = guest.descriptors(0) + random() % 0x400;
      const uint32_t value = random() % 2 ? random() % 0x20000 : random() % 16;
      guest.machine.memory.store<uint32_t>(at, value);
    }
    guest.machine.memory.store<uint16_t>(guest.available(0) + 2, random() % 10);
    guest.notify(0);
    guest.machine.run_loop();
  }
  EXPECT_EQ(guest.common<uint16_t>(0x12), 1);
}

TEST_F(VirtioBlkTest, ConfigurationWindowReachesTheRegisters) {
  PciDevice& device = guest.device();
  unsigned at = device.config_read(kPciCapabilities, 1);
  while (at != 0 && !(device.config_read(static_cast<uint8_t>(at), 1) == 9 &&
                      device.config_read(static_cast<uint8_t>(at + 3), 1) == 5)) {
    at = device.config_read(static_cast<uint8_t>(at + 1), 1);
  }
  ASSERT_NE(at, 0u);
  device.config_write(static_cast<uint8_t>(at + 4), 1, 4);
  device.config_write(static_cast<uint8_t>(at + 8), 4, 0x2000);
  device.config_write(static_cast<uint8_t>(at + 12), 4, 4);
  EXPECT_EQ(device.config_read(static_cast<uint8_t>(at + 16), 4), kSize / 512);
  device.config_write(static_cast<uint8_t>(at + 8), 4, 0x14);
  device.config_write(static_cast<uint8_t>(at + 12), 4, 1);
  device.config_write(static_cast<uint8_t>(at + 16), 4, 3);
  EXPECT_EQ(guest.status(), 3);
}

}  // namespace
}  // namespace vireo::hw
