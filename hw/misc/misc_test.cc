#include <gtest/gtest.h>

#include "core/testing/test_machine.h"
#include "hw/misc/debug_exit.h"
#include "hw/misc/fpu_error.h"
#include "hw/misc/port92.h"
#include "hw/misc/pvpanic.h"

namespace vireo::hw {
namespace {

TEST(DebugExitTest, ExitCodeIsOddAndShifted) {
  core::testing::TestMachine machine;
  auto device = core::make_device<DebugExit>();
  ASSERT_TRUE(device->set_property("iobase", "0xf4"));
  ASSERT_TRUE(device->set_property("iosize", "4"));
  ASSERT_TRUE(device->realize(machine.environment()));
  machine.outl(0xf4, 0x10);
  EXPECT_EQ(machine.run_control.debug_exits, 1);
  EXPECT_EQ(machine.run_control.exit_code, 0x21);
  device->unrealize();
}

TEST(DebugExitTest, ImpossiblePortsAreRefused) {
  core::testing::TestMachine machine;
  for (auto [base, size] : {std::pair{"0xffff", "2"}, {"0x501", "0"}, {"0x501", "17"}}) {
    auto device = core::make_device<DebugExit>();
    ASSERT_TRUE(device->set_property("iobase", base));
    ASSERT_TRUE(device->set_property("iosize", size));
    EXPECT_FALSE(device->realize(machine.environment())) << base << " " << size;
  }
}

TEST(PanicDeviceTest, TellsWhoHandlesThePanic) {
  core::testing::TestMachine machine;
  auto device = core::make_device<PanicDevice>();
  ASSERT_TRUE(device->realize(machine.environment()));
  EXPECT_EQ(machine.inb(0x505), 3);
  machine.outb(0x505, 1);
  machine.outb(0x505, 2);
  EXPECT_EQ(machine.run_control.panics, 2);
  device->unrealize();
}

TEST(FpuErrorLatchTest, HoldsItsInterruptUntilCleared) {
  core::testing::TestMachine machine;
  core::testing::IrqProbe irq;
  auto device = core::make_device<FpuErrorLatch>();
  ASSERT_TRUE(device->realize(machine.environment()));
  device->interrupt_output("irq").connect(irq.input());
  device->signal();
  device->signal();
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(irq.edges(), 1);
  machine.outb(0xf0, 0);
  EXPECT_FALSE(irq.level());
  device->signal();
  EXPECT_EQ(irq.edges(), 2);
  device->unrealize();
}

TEST(Port92Test, A20AndReset) {
  core::testing::TestMachine machine;
  core::testing::IrqProbe a20;
  auto device = core::make_device<Port92>();
  ASSERT_TRUE(device->realize(machine.environment()));
  device->interrupt_output("a20").connect(a20.input());
  machine.outb(0x92, 2);
  EXPECT_TRUE(a20.level());
  EXPECT_EQ(machine.inb(0x92), 2);
  machine.outb(0x92, 1);
  EXPECT_FALSE(a20.level());
  EXPECT_EQ(machine.run_control.resets, 1);
  device->unrealize();
}

}  // namespace
}  // namespace vireo::hw
