#include <gtest/gtest.h>

#include "core/testing/test_machine.h"
#include "hw/acpi/aml.h"
#include "hw/acpi/piix4_pm.h"

namespace vireo::hw {
namespace {

using aml::Term;

TEST(AmlTest, Names) {
  EXPECT_EQ(aml::path("_HID"), (Term{'_', 'H', 'I', 'D'}));
  EXPECT_EQ(aml::path("\\_SB.PCI0"), (Term{'\\', 0x2e, '_', 'S', 'B', '_', 'P', 'C', 'I', '0'}));
  EXPECT_EQ(aml::path("A.B.C").size(), 2u + 12u);
}

TEST(AmlTest, IntegersAndIds) {
  EXPECT_EQ(aml::integer(1), Term{0x01});
  EXPECT_EQ(aml::integer(0x1234), (Term{0x0b, 0x34, 0x12}));
  EXPECT_EQ(aml::eisa_id("PNP0A03"), (Term{0x0c, 0x41, 0xd0, 0x0a, 0x03}));
}

TEST(AmlTest, LengthsCountThemselves) {
  EXPECT_EQ(aml::scope("AAAA", {}), (Term{0x10, 0x05, 'A', 'A', 'A', 'A'}));
  const Term longer = aml::buffer(Term(100));
  // Length 100 bytes, 2 for their number, 2 for the length itself.
  EXPECT_EQ(longer[1], 0x40 | (104 & 15));
  EXPECT_EQ(longer[2], 104 >> 4);
}

class Piix4PmTest : public testing::Test {
 protected:
  Piix4PmTest() {
    EXPECT_TRUE(power->realize(machine.environment()));
    power->interrupt_output("sci").connect(sci.input());
    power->place_registers();
  }
  ~Piix4PmTest() override { power->unrealize(); }

  static constexpr uint16_t kBase = Piix4Pm::kUsualBase;
  core::testing::TestMachine machine;
  core::testing::IrqProbe sci;
  std::unique_ptr<Piix4Pm> power = core::make_device<Piix4Pm>();
};

TEST_F(Piix4PmTest, PowerButtonInterruptsWhenAcpiIsOn) {
  machine.outw(kBase + 2, 0x100);
  power->press_power_button();
  EXPECT_FALSE(sci.level());
  machine.outb(0xb2, Piix4Pm::kAcpiEnable);
  EXPECT_EQ(machine.inw(kBase + 4) & 1, 1);
  EXPECT_TRUE(sci.level());
  machine.outw(kBase, 0x100);
  EXPECT_FALSE(sci.level());
}

TEST_F(Piix4PmTest, CommandPortRaisesSmis) {
  core::testing::IrqProbe smi;
  power->interrupt_output("smi").connect(smi.input());
  const auto edges = [&](uint8_t command) {
    const int before = smi.edges();
    machine.outb(0xb2, command);
    return smi.edges() - before;
  };
  EXPECT_EQ(edges(5), 0) << "APMC_EN is clear after a reset";
  power->config_write(0x5b, 1, 2);
  EXPECT_EQ(edges(5), 1);
  EXPECT_EQ(machine.inb(0xb2), 5);
  EXPECT_EQ(machine.inl(kBase + 24) & 0x20, 0x20u) << "APM_STS";
  machine.outl(kBase + 24, 0x20);
  EXPECT_EQ(machine.inl(kBase + 24), 0u);
  machine.outl(kBase + 40, 0x10001);
  EXPECT_EQ(machine.inl(kBase + 40), 0x10001u);
}

TEST(Piix4Pm, WithoutSmmFirmwareFindsItSetUp) {
  core::testing::TestMachine machine;
  const auto other = core::make_device<Piix4Pm>();
  ASSERT_TRUE(other->set_property("smm-enabled", "off"));
  ASSERT_TRUE(other->realize(machine.environment()));
  EXPECT_EQ(other->config_read(0x5b, 1), 2u);
  other->unrealize();
}

TEST_F(Piix4PmTest, TimerCarries) {
  const uint32_t before = machine.inl(kBase + 8);
  machine.advance_ns(1'000'000'000);
  EXPECT_NEAR(machine.inl(kBase + 8) - before, Piix4Pm::kTimerHz, 1);
  machine.outb(0xb2, Piix4Pm::kAcpiEnable);
  machine.outw(kBase + 2, 1);
  machine.advance_ns(2'500'000'000);
  EXPECT_TRUE(sci.level());
}

TEST_F(Piix4PmTest, SleepStatesEndTheMachine) {
  machine.outw(kBase + 4, 0x2000 | Piix4Pm::kSleepTypeS3 << 10);
  EXPECT_EQ(machine.run_control.suspends, 1);
  machine.outw(kBase + 4, 0x2000 | Piix4Pm::kSleepTypeS5 << 10);
  EXPECT_EQ(machine.run_control.shutdowns, 1);
  EXPECT_EQ(machine.run_control.exit_code, 0);
}

}  // namespace
}  // namespace vireo::hw
