#include "hw/input/i8042.h"

#include <gtest/gtest.h>

#include "core/testing/test_machine.h"
#include "hw/isa/isa_bus.h"

namespace vireo::hw {
namespace {

class I8042Test : public testing::Test {
 protected:
  I8042Test() {
    EXPECT_TRUE(i8042->attach(bus));
    EXPECT_TRUE(i8042->realize(machine.environment()));
    bus.connect_irq_receiver(1, irq.input(1));
    bus.connect_irq_receiver(12, irq.input(12));
    i8042->interrupt_output("a20").connect(irq.input(20));
  }
  ~I8042Test() override { i8042->unrealize(); }

  void command(uint8_t value) { machine.outb(0x64, value); }
  void data(uint8_t value) { machine.outb(0x60, value); }
  std::vector<int> drain() {
    std::vector<int> bytes;
    while (machine.inb(0x64) & 1) bytes.push_back(machine.inb(0x60));
    return bytes;
  }
  using Bytes = std::vector<int>;

  core::testing::TestMachine machine;
  core::testing::IrqProbe irq;
  IsaBus bus;
  std::unique_ptr<I8042> i8042 = core::make_device<I8042>();
};

TEST_F(I8042Test, ControllerCommands) {
  command(0xaa);
  EXPECT_EQ(drain(), Bytes{0x55});
  EXPECT_EQ(machine.inb(0x64), 0x1c);
  command(0xab);
  EXPECT_EQ(drain(), Bytes{0x00});
  command(0x60);
  data(0x65);
  command(0x20);
  EXPECT_EQ(machine.inb(0x60), 0x65);
}

TEST_F(I8042Test, TranslatesScanSet2) {
  command(0x60);
  data(0x41);
  i8042->key(30, true);  // A
  EXPECT_TRUE(irq.level(1));
  i8042->key(30, false);
  i8042->key(103, true);  // up
  i8042->key(103, false);
  EXPECT_EQ(drain(), (Bytes{0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8}));
  EXPECT_FALSE(irq.level(1));
}

TEST_F(I8042Test, RawScanSets) {
  i8042->key(88, true);  // F12
  i8042->key(88, false);
  EXPECT_EQ(drain(), (Bytes{0x07, 0xf0, 0x07}));
  data(0xf0);
  data(0x03);
  EXPECT_EQ(drain(), (Bytes{0xfa, 0xfa}));
  i8042->key(88, true);
  EXPECT_EQ(drain(), Bytes{0x5e});
  data(0xf2);
  EXPECT_EQ(drain(), (Bytes{0xfa, 0xab, 0x83}));
  data(0xff);
  EXPECT_EQ(drain(), (Bytes{0xfa, 0xaa}));
}

TEST_F(I8042Test, MouseBecomesAnIntelliMouse) {
  const auto mouse = [this](uint8_t value) {
    command(0xd4);
    data(value);
  };
  for (uint8_t value : {0xf3, 200, 0xf3, 100, 0xf3, 80}) mouse(value);
  drain();
  mouse(0xf2);
  EXPECT_EQ(drain(), (Bytes{0xfa, 3}));
  mouse(0xf4);
  drain();
  command(0x60);
  data(0x02);
  i8042->pointer(5, 3, -1, ui::kButtonLeft);
  EXPECT_TRUE(irq.level(12));
  EXPECT_EQ(machine.inb(0x64) & 0x21, 0x21);
  EXPECT_EQ(drain(), (Bytes{0x29, 5, 0xfd, 0xff}));
}

TEST_F(I8042Test, OutputPortDrivesA20AndReset) {
  EXPECT_TRUE(irq.level(20));
  command(0xd1);
  data(0x01);
  EXPECT_FALSE(irq.level(20));
  command(0xdf);
  EXPECT_TRUE(irq.level(20));
  command(0xff);
  EXPECT_EQ(machine.run_control.resets, 0);
  command(0xfe);
  EXPECT_EQ(machine.run_control.resets, 1);
}

TEST_F(I8042Test, StateSurvives) {
  i8042->key(30, true);
  i8042->pointer(5, 3, 0, 1);
  const auto stream = core::testing::save_state(*i8042);
  i8042->reset();
  EXPECT_EQ(machine.inb(0x64) & 1, 0);
  ASSERT_TRUE(core::testing::load_state(*i8042, stream));
  EXPECT_EQ(core::testing::save_state(*i8042), stream);
  EXPECT_EQ(machine.inb(0x60), 0x1c);
}

}  // namespace
}  // namespace vireo::hw
