#include "hw/flash/cfi_flash.h"

#include <gtest/gtest.h>

#include "block/testing/memory_drive.h"
#include "core/memory/address_space.h"
#include "core/testing/test_machine.h"

namespace vireo::hw {
namespace {

constexpr uint64_t kSize = 16 << 10;
constexpr uint64_t kEnd = uint64_t{1} << 32;
constexpr uint64_t kBase = kEnd - kSize;

class CfiFlashTest : public testing::Test {
 protected:
  CfiFlashTest() {
    preload();
    flash = realized();
  }
  ~CfiFlashTest() override {
    machine.run_loop();  // what is on its way to the drive
    if (flash) flash->unrealize();
  }

  void preload() { EXPECT_TRUE(medium.drive->preload()); }
  std::unique_ptr<CfiFlash> realized() {
    auto made = core::make_device<CfiFlash>();
    machine.backends.add("drive", "flash", medium.drive.get());
    EXPECT_TRUE(made->set_property("drive", "flash"));
    made->set_place(machine.memory.root(), kEnd);
    made->set_window(uint64_t{2} << 20, 0x1000);
    EXPECT_TRUE(made->realize(machine.environment()));
    return made;
  }
  uint8_t get(uint64_t offset) { return machine.memory.load<uint8_t>(kBase + offset); }
  void put(uint64_t offset, std::initializer_list<uint8_t> values) {
    for (const uint8_t value : values) machine.memory.store<uint8_t>(kBase + offset, value);
  }
  uint8_t on_drive(uint64_t offset) {
    machine.run_loop();
    return std::to_integer<uint8_t>(medium.medium.bytes[offset]);
  }

  core::testing::TestMachine machine;
  block::testing::MemoryDrive medium{machine.loop, kSize, {.id = "flash"}};
  std::unique_ptr<CfiFlash> flash;
};

TEST_F(CfiFlashTest, TheArrayIsMemory) {
  EXPECT_EQ(get(5), on_drive(5));
  EXPECT_FALSE(machine.memory.host_span(kBase, kSize, false).empty());
  EXPECT_TRUE(machine.memory.host_span(kBase, kSize, true).empty());
  put(5, {0x70});
  EXPECT_EQ(get(5), 0x80) << "status";
  EXPECT_EQ(machine.memory.load<uint8_t>(0x1ff005), on_drive(kSize - 0xffb)) << "the window";
  EXPECT_TRUE(machine.memory.host_span(kBase, kSize, false).empty());
  put(5, {0xff});
  EXPECT_EQ(get(5), on_drive(5));
}

TEST_F(CfiFlashTest, ErasedBlocksAreProgrammed) {
  put(0x1005, {0x20, 0xd0});
  EXPECT_EQ(get(0x1005), 0x80);
  put(0x1005, {0x40, 0x5a, 0xff});
  EXPECT_EQ(get(0x1004), 0xff);
  EXPECT_EQ(get(0x1005), 0x5a);
  EXPECT_EQ(on_drive(0x1005), 0x5a);
  EXPECT_EQ(on_drive(0x1fff), 0xff);
  put(0x1005, {0x10, 0xa5, 0xff});
  EXPECT_EQ(get(0x1005), 0) << "programming only clears bits";
}

TEST_F(CfiFlashTest, BuffersAreProgrammedAtOnce) {
  put(0x2000, {0x20, 0xd0, 0xe8, 2});
  for (uint8_t i = 0; i < 3; ++i) put(0x2010u + i, {uint8_t(0x30 + i)});
  put(0x2000, {0xd0});
  EXPECT_EQ(get(0), 0x80);
  put(0, {0xff});
  EXPECT_EQ(machine.memory.load<uint32_t>(kBase + 0x2010), 0xff323130u);
  put(0x2000, {0xe8, 32});
  EXPECT_EQ(get(0), 0xb0) << "more than the buffer holds";
  put(0x2000, {0x50, 0xe8, 0});
  put(0x3000, {1});
  EXPECT_EQ(get(0), 0xb0) << "another block";
}

TEST_F(CfiFlashTest, LockedBlocksStay) {
  put(0x1000, {0x60, 0x01, 0x20, 0xd0});
  EXPECT_EQ(get(0), 0xa2);
  put(0x1000, {0x90});
  EXPECT_EQ(get(0), 0x89);
  EXPECT_EQ(get(0x1002), 1);
  EXPECT_EQ(get(0x2002), 0);
  put(0x1000, {0x50, 0x60, 0xd0, 0x20, 0xd0});
  EXPECT_EQ(get(0), 0x80);
}

TEST_F(CfiFlashTest, QueryTellsItsGeometry) {
  put(0x55, {0x98});
  EXPECT_EQ(get(0x10), 'Q');
  EXPECT_EQ(get(0x13), 1);
  EXPECT_EQ(get(0x27), 14);
  EXPECT_EQ(get(0x2d), 3);
  EXPECT_EQ(get(0x2f), 0x10);
}

TEST_F(CfiFlashTest, FirmwareFindsStatusZeroAfterClearing) {
  put(0, {0x50, 0x70});
  EXPECT_EQ(get(0), 0);
}

TEST_F(CfiFlashTest, WritesOfAnyWidthAreBytes) {
  machine.memory.store<uint16_t>(kBase + 0x1000, 0x5a40);
  EXPECT_EQ(get(0), 0x80);
  put(0, {0xff});
  EXPECT_EQ(get(0x1001) & ~0x5a, 0);
}

TEST_F(CfiFlashTest, ContentsOutliveTheDevice) {
  put(0x1000, {0x20, 0xd0, 0xff});
  EXPECT_EQ(on_drive(0x1000), 0xff);
  flash->unrealize();
  preload();
  flash = realized();
  EXPECT_EQ(get(0x1000), 0xff);
}

TEST_F(CfiFlashTest, WhatChangedReachesTheDriveOfAFlashThatHasLeft) {
  put(0x1000, {0x20, 0xd0});
  put(0x2000, {0x20, 0xd0, 0x40, 0x5a});  // waits for the first request
  EXPECT_EQ(medium.medium.writes, 0);
  flash->unrealize();
  flash.reset();
  EXPECT_EQ(on_drive(0x1000), 0xff);
  EXPECT_EQ(on_drive(0x2000), 0x5a);
  EXPECT_EQ(on_drive(0x2001), 0xff);
  EXPECT_EQ(medium.medium.writes, 2) << "one request on its way, one for the rest";
  EXPECT_EQ(medium.drive->in_flight(), 0u);
}

}  // namespace
}  // namespace vireo::hw
