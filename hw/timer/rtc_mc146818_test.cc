#include "hw/timer/rtc_mc146818.h"

#include <gtest/gtest.h>

#include "core/testing/test_machine.h"
#include "hw/isa/isa_bus.h"

namespace vireo::hw {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

class RtcTest : public testing::Test {
 protected:
  RtcTest() {
    EXPECT_TRUE(rtc->attach(bus));
    EXPECT_TRUE(rtc->realize(machine.environment()));
    bus.connect_irq_receiver(8, irq.input());
    rtc->set_time(951782399);  // 28 February 2000, 23:59:59
  }
  ~RtcTest() override { rtc->unrealize(); }

  uint8_t get(uint8_t index) {
    machine.outb(0x70, index);
    return machine.inb(0x71);
  }
  void put(uint8_t index, uint8_t value) {
    machine.outb(0x70, index);
    machine.outb(0x71, value);
  }

  core::testing::TestMachine machine;
  core::testing::IrqProbe irq;
  IsaBus bus;
  std::unique_ptr<RtcMc146818> rtc = core::make_device<RtcMc146818>();
};

TEST_F(RtcTest, ShowsBcdAndRollsOverIntoALeapDay) {
  EXPECT_EQ(get(0), 0x59);
  EXPECT_EQ(get(4), 0x23);
  machine.advance_ns(kSecond);
  EXPECT_EQ(get(7), 0x29);
  EXPECT_EQ(get(8), 0x02);
  EXPECT_EQ(get(9), 0x00);
  EXPECT_EQ(get(0x32), 0x20);
  EXPECT_EQ(get(6), 3);  // Tuesday
}

TEST_F(RtcTest, BinaryTwelveHourMode) {
  put(0x0b, 0x04);
  EXPECT_EQ(get(4), 0x80 | 11);
  EXPECT_EQ(get(2), 59);
}

TEST_F(RtcTest, SettingTheTime) {
  put(0x0b, 0x82);
  put(0, 0x10);
  put(2, 0x20);
  put(4, 0x12);
  put(9, 0x24);
  machine.advance_ns(5 * kSecond);
  EXPECT_EQ(get(0), 0x10);  // held by SET
  put(0x0b, 0x02);
  machine.advance_ns(2 * kSecond);
  EXPECT_EQ(get(0), 0x12);
  EXPECT_EQ(get(4), 0x12);
  EXPECT_EQ(get(9), 0x24);
}

TEST_F(RtcTest, PeriodicInterruptComesAgainAfterReadingC) {
  put(0x0b, 0x42);
  machine.advance_ns(2'000'000);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(get(0x0c) & 0xc0, 0xc0);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(get(0x0c), 0);
  machine.advance_ns(1'000'000);
  EXPECT_TRUE(irq.level());
}

TEST_F(RtcTest, UpdateAndAlarm) {
  put(1, 0x02);
  put(3, 0xff);
  put(5, 0xff);
  put(0x0b, 0x32);
  machine.advance_ns(kSecond);
  EXPECT_EQ(get(0x0c) & 0xb0, 0x90);
  put(0x0b, 0x22);
  machine.advance_ns(kSecond);
  EXPECT_FALSE(irq.level());
  machine.advance_ns(kSecond);
  EXPECT_EQ(get(0x0c) & 0xb0, 0xb0);
}

TEST_F(RtcTest, UpdateInProgressBeforeEachSecond) {
  EXPECT_EQ(get(0x0a), 0x26);
  machine.advance_ns(kSecond - 100'000);
  EXPECT_EQ(get(0x0a), 0xa6);
}

TEST_F(RtcTest, MemorySurvivesResetAndState) {
  put(0x40, 0x5a);
  put(0x0b, 0x42);
  const auto stream = core::testing::save_state(*rtc);
  rtc->reset();
  EXPECT_EQ(get(0x40), 0x5a);
  EXPECT_EQ(get(0x0b), 0x02);
  ASSERT_TRUE(core::testing::load_state(*rtc, stream));
  EXPECT_EQ(core::testing::save_state(*rtc), stream);
}

}  // namespace
}  // namespace vireo::hw
