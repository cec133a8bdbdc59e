#include "hw/intc/pic_8259.h"

#include <gtest/gtest.h>

#include "core/testing/test_machine.h"

namespace vireo::hw {
namespace {

using core::testing::IrqProbe;
using core::testing::TestMachine;

class Pic8259Test : public testing::Test {
 protected:
  Pic8259Test() {
    EXPECT_TRUE(pic->realize(machine.environment()));
    pic->interrupt_output("intr").connect(intr.input());
    initialise(0x20, 0x20, 4);
    initialise(0xa0, 0x28, 2);
  }
  ~Pic8259Test() override { pic->unrealize(); }

  void initialise(uint16_t port, uint8_t base, uint8_t icw3, uint8_t icw4 = 1) {
    machine.outb(port, 0x11);
    machine.outb(port + 1, base);
    machine.outb(port + 1, icw3);
    machine.outb(port + 1, icw4);
  }
  void set(unsigned irq, bool level) {
    const core::IrqInput input = pic->interrupt_input("ir", irq);
    input.handler->set_irq(input.line, level);
  }

  TestMachine machine;
  IrqProbe intr;
  std::unique_ptr<Pic8259Pair> pic = core::make_device<Pic8259Pair>();
};

TEST_F(Pic8259Test, DeliversByPriorityAndCascade) {
  set(12, true);
  set(4, true);
  EXPECT_TRUE(intr.level());
  EXPECT_EQ(pic->acknowledge(), 0x2c);  // the cascade is IR2, above IR4
  EXPECT_FALSE(intr.level());
  machine.outb(0xa0, 0x20);
  machine.outb(0x20, 0x20);
  EXPECT_EQ(pic->acknowledge(), 0x24);
  machine.outb(0x20, 0x0b);
  EXPECT_EQ(machine.inb(0x20), 0x10);
  machine.outb(0x20, 0x64);  // specific EOI of IR4
  EXPECT_EQ(machine.inb(0x20), 0);
}

TEST_F(Pic8259Test, EdgesNeedAFallBetweenThem) {
  set(3, true);
  EXPECT_EQ(pic->acknowledge(), 0x23);
  machine.outb(0x20, 0x20);
  set(3, true);
  EXPECT_FALSE(intr.level());
  set(3, false);
  set(3, true);
  EXPECT_TRUE(intr.level());
}

TEST_F(Pic8259Test, LevelsStayUntilReleased) {
  machine.outb(0x4d1, 0x08);  // IRQ 11
  EXPECT_EQ(machine.inb(0x4d1), 0x08);
  set(11, true);
  EXPECT_EQ(pic->acknowledge(), 0x2b);
  machine.outb(0xa0, 0x20);
  machine.outb(0x20, 0x20);
  EXPECT_TRUE(intr.level());
  set(11, false);
  EXPECT_EQ(pic->acknowledge(), 0x2f);  // gone: spurious IRQ 15
}

TEST_F(Pic8259Test, MaskSpuriousAndAutomaticEoi) {
  machine.outb(0x21, 0xff);
  set(1, true);
  EXPECT_FALSE(intr.level());
  EXPECT_EQ(pic->acknowledge(), 0x27);
  initialise(0x20, 0x40, 4, 3);
  set(1, false);
  set(1, true);
  EXPECT_EQ(pic->acknowledge(), 0x41);
  machine.outb(0x20, 0x0b);
  EXPECT_EQ(machine.inb(0x20), 0);
}

TEST_F(Pic8259Test, RotationMovesTheServedToTheEnd) {
  set(0, true);
  EXPECT_EQ(pic->acknowledge(), 0x20);
  machine.outb(0x20, 0xa0);  // EOI with rotation: IR0 is the lowest now
  set(0, false);
  set(0, true);
  set(6, true);
  EXPECT_EQ(pic->acknowledge(), 0x26);
}

TEST_F(Pic8259Test, SpecialMaskAndPoll) {
  set(1, true);
  EXPECT_EQ(pic->acknowledge(), 0x21);
  set(5, true);
  EXPECT_FALSE(intr.level());
  machine.outb(0x21, 0x02);
  machine.outb(0x20, 0x68);  // special mask mode
  EXPECT_TRUE(intr.level());
  machine.outb(0x20, 0x0c);
  EXPECT_EQ(machine.inb(0x20), 0x85);
  EXPECT_FALSE(intr.level());
}

TEST_F(Pic8259Test, StateSurvives) {
  set(12, true);
  set(3, true);
  pic->acknowledge();
  const auto stream = core::testing::save_state(*pic);
  pic->reset();
  ASSERT_TRUE(core::testing::load_state(*pic, stream));
  EXPECT_EQ(core::testing::save_state(*pic), stream);
  machine.outb(0xa0, 0x20);
  machine.outb(0x20, 0x20);
  EXPECT_EQ(pic->acknowledge(), 0x23);
}

}  // namespace
}  // namespace vireo::hw
