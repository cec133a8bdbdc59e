#include "hw/timer/pit_8254.h"

#include <gtest/gtest.h>

#include "core/testing/test_machine.h"

namespace vireo::hw {
namespace {

class Pit8254Test : public testing::Test {
 protected:
  Pit8254Test() {
    EXPECT_TRUE(pit->realize(machine.environment()));
    pit->interrupt_output("irq").connect(irq.input());
  }
  ~Pit8254Test() override { pit->unrealize(); }

  void program(unsigned counter, unsigned mode, uint16_t count) {
    machine.outb(0x43, static_cast<uint8_t>(counter << 6 | 0x30 | mode << 1));
    machine.outb(0x40 + counter, count & 0xff);
    machine.outb(0x40 + counter, count >> 8);
  }
  void advance_ticks(int64_t ticks) {
    machine.advance_ns(ticks * 1'000'000'000 / Pit8254::kHz + 1);
  }

  core::testing::TestMachine machine;
  core::testing::IrqProbe irq;
  std::unique_ptr<Pit8254> pit = core::make_device<Pit8254>();
};

TEST_F(Pit8254Test, RateGeneratorTicksOncePerPeriod) {
  program(0, 2, 11932);  // 100 Hz
  const int before = irq.edges();
  machine.advance_ns(1'000'000'000);
  EXPECT_NEAR(irq.edges() - before, 100, 1);
}

TEST_F(Pit8254Test, SquareWaveAlternates) {
  program(0, 3, 1000);
  EXPECT_TRUE(irq.level());
  advance_ticks(501);
  EXPECT_FALSE(irq.level());
  advance_ticks(500);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pit8254Test, TerminalCountStaysHigh) {
  program(0, 0, 100);
  EXPECT_FALSE(irq.level());
  advance_ticks(101);
  EXPECT_TRUE(irq.level());
  advance_ticks(1000);
  EXPECT_EQ(irq.edges(), 2);  // the idle level before was high
}

TEST_F(Pit8254Test, LatchAndReadBack) {
  program(0, 2, 0x1000);
  advance_ticks(0x10);
  machine.outb(0x43, 0x00);
  advance_ticks(0x100);
  const unsigned low = machine.inb(0x40);
  EXPECT_NEAR(low | machine.inb(0x40) << 8, 0x1000 - 0x10, 1);
  machine.outb(0x43, 0xc2);  // status and count of counter 0
  EXPECT_EQ(machine.inb(0x40), 0xb4);
  const unsigned later = machine.inb(0x40);
  EXPECT_NEAR(later | machine.inb(0x40) << 8, 0x1000 - 0x110, 2);
}

TEST_F(Pit8254Test, BcdCounts) {
  machine.outb(0x43, 0x35);
  machine.outb(0x40, 0x00);
  machine.outb(0x40, 0x20);  // 2000
  advance_ticks(1);
  EXPECT_EQ(machine.inb(0x40), 0x99);
  EXPECT_EQ(machine.inb(0x40), 0x19);
}

TEST_F(Pit8254Test, Port61GatesCounter2) {
  program(2, 0, 1193);  // a millisecond, as TSC calibration does
  EXPECT_EQ(machine.inb(0x61) & 0x20, 0);
  machine.outb(0x61, 1);
  advance_ticks(600);
  EXPECT_EQ(machine.inb(0x61) & 0x21, 0x01);
  advance_ticks(600);
  EXPECT_EQ(machine.inb(0x61) & 0x21, 0x21);
}

TEST_F(Pit8254Test, StateSurvives) {
  program(0, 2, 5000);
  machine.outb(0x43, 0x00);
  machine.inb(0x40);
  const auto stream = core::testing::save_state(*pit);
  pit->reset();
  ASSERT_TRUE(core::testing::load_state(*pit, stream));
  EXPECT_EQ(core::testing::save_state(*pit), stream);
}

}  // namespace
}  // namespace vireo::hw
