#include "hw/dma/dma_8237.h"

#include <gtest/gtest.h>

#include "core/testing/test_machine.h"

namespace vireo::hw {
namespace {

class Dma8237Test : public testing::Test {
 protected:
  Dma8237Test() {
    EXPECT_TRUE(dma->attach(bus));
    EXPECT_TRUE(dma->realize(machine.environment()));
  }
  ~Dma8237Test() override { dma->unrealize(); }

  // Channel 2, as the floppy controller uses it.
  void program(uint8_t mode, uint32_t address, uint16_t count) {
    machine.outb(0x0c, 0);
    machine.outb(0x04, address & 0xff);
    machine.outb(0x04, address >> 8 & 0xff);
    machine.outb(0x81, static_cast<uint8_t>(address >> 16));
    machine.outb(0x05, count & 0xff);
    machine.outb(0x05, count >> 8);
    machine.outb(0x0b, mode);
    machine.outb(0x0a, 0x02);
  }

  core::testing::TestMachine machine;
  IsaBus bus;
  std::unique_ptr<Dma8237Pair> dma = core::make_device<Dma8237Pair>();
};

TEST_F(Dma8237Test, MovesBytesUntilTheCountRunsOut) {
  program(0x46, 0x12340, 3);
  uint8_t bytes[] = {1, 2, 3, 4, 5, 6};
  bool done = false;
  EXPECT_EQ(bus.dma()->transfer(2, bytes, 6, true, done), 4u);
  EXPECT_TRUE(done);
  EXPECT_EQ(machine.memory.load<uint32_t>(0x12340), 0x04030201u);
  EXPECT_EQ(machine.memory.load<uint8_t>(0x12344), 0);
  EXPECT_EQ(machine.inb(0x08), 0x04);
  EXPECT_EQ(machine.inb(0x08), 0x00);
  EXPECT_EQ(dma->transfer(2, bytes, 6, true, done), 0u);  // masked again
}

TEST_F(Dma8237Test, AutoInitialiseStartsOver) {
  machine.memory.store<uint16_t>(0x500, 0xbbaa);
  program(0x5a, 0x500, 1);
  uint8_t bytes[2] = {};
  bool done = false;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(dma->transfer(2, bytes, 2, false, done), 2u);
    EXPECT_TRUE(done);
    EXPECT_EQ(bytes[1], 0xbb);
  }
}

TEST_F(Dma8237Test, CountsReadBackInHalves) {
  program(0x46, 0x1234, 0x5678);
  EXPECT_EQ(machine.inb(0x05), 0x78);
  EXPECT_EQ(machine.inb(0x05), 0x56);
  machine.outb(0x80, 0x5a);
  EXPECT_EQ(machine.inb(0x80), 0x5a);
}

}  // namespace
}  // namespace vireo::hw
