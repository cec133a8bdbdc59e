#include "hw/timer/hpet.h"

#include <gtest/gtest.h>

#include "core/testing/test_machine.h"

namespace vireo::hw {
namespace {

class HpetTest : public testing::Test {
 protected:
  HpetTest() {
    EXPECT_TRUE(hpet->realize(machine.environment()));
    for (unsigned i = 0; i < 24; ++i) hpet->interrupt_output("irq", i).connect(irq.input(i));
    hpet->interrupt_output("legacy").connect(irq.input(99));
  }
  ~HpetTest() override { hpet->unrealize(); }

  uint64_t get(uint32_t offset) { return machine.memory.load<uint64_t>(Hpet::kBase + offset); }
  void put(uint32_t offset, uint64_t value) {
    machine.memory.store<uint64_t>(Hpet::kBase + offset, value);
  }

  core::testing::TestMachine machine;
  core::testing::IrqProbe irq;
  std::unique_ptr<Hpet> hpet = core::make_device<Hpet>();
};

TEST_F(HpetTest, CountsWhileEnabled) {
  EXPECT_EQ(get(0) >> 32, 10'000'000u);
  machine.advance_ns(1000);
  EXPECT_EQ(get(0xf0), 0u);
  put(0xf0, 500);
  put(0x10, 1);
  machine.advance_ns(1000);
  EXPECT_EQ(get(0xf0), 600u);
  EXPECT_EQ(machine.memory.load<uint32_t>(Hpet::kBase + 0xf4), 0u);
  put(0x10, 0);
  machine.advance_ns(1000);
  EXPECT_EQ(get(0xf0), 600u);
}

TEST_F(HpetTest, OneShotLevelInterruptIsClearedInTheStatus) {
  put(0x100, 16 << 9 | 0x06);  // input 16, level, enabled
  put(0x108, 1000);
  put(0x10, 1);
  machine.advance_ns(9'999);
  EXPECT_FALSE(irq.level(16));
  machine.advance_ns(1);
  EXPECT_TRUE(irq.level(16));
  EXPECT_EQ(get(0x20), 1u);
  put(0x20, 1);
  EXPECT_FALSE(irq.level(16));
}

TEST_F(HpetTest, PeriodicInLegacyReplacement) {
  put(0x100, 0x4c);  // periodic, enabled, the value comes first
  put(0x108, 100'000);
  put(0x108, 100'000);
  put(0x10, 3);
  EXPECT_TRUE(irq.level(99));
  machine.advance_ns(10'000'000);
  EXPECT_EQ(irq.edges(2), 10);
}

TEST_F(HpetTest, StateSurvives) {
  put(0x120, 17 << 9 | 0x06);
  put(0x128, 5000);
  put(0x10, 1);
  machine.advance_ns(70'000);
  const auto stream = core::testing::save_state(*hpet);
  hpet->reset();
  EXPECT_FALSE(irq.level(17));
  ASSERT_TRUE(core::testing::load_state(*hpet, stream));
  EXPECT_EQ(core::testing::save_state(*hpet), stream);
  EXPECT_TRUE(irq.level(17));
}

}  // namespace
}  // namespace vireo::hw
