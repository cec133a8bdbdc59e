#include "target/i386/helper/smm.h"

#include <gtest/gtest.h>

#include "target/i386/helper/port.h"
#include "target/i386/helper/test_machine.h"

namespace vireo::i386 {
namespace {

constexpr uint64_t kArea = kResetSmbase;

class SystemManagementTest : public testing::Test {
 protected:
  explicit SystemManagementTest(const char* model = "max") : machine(model) {}

  /// Whether RSM gets out of a handler that has written `value` into the save area.
  template <class T>
  bool leaves_with(unsigned offset, T value) {
    machine.enter_flat(true);
    enter_system_management(cpu);
    machine.poke<T>(kArea + offset, value);
    const bool left = leave_system_management(cpu);
    reset(cpu);
    return left;
  }

  TestMachine machine;
  CpuState& cpu = *machine.cpu;
};

class SystemManagement32Test : public SystemManagementTest {
 protected:
  SystemManagement32Test() : SystemManagementTest("pentium3") {}
};

TEST_F(SystemManagementTest, HandlersBeginInBigRealMode) {
  machine.enter_flat(true);
  cpu.dr[7] = 0x401;
  enter_system_management(cpu);
  EXPECT_TRUE(machine.in_smm);
  EXPECT_EQ(cpu.frame.guest_ip, 0x8000u);
  EXPECT_EQ(cpu.segments[kCs].base, kResetSmbase);
  EXPECT_EQ(cpu.segments[kCs].selector, 0x3000);
  EXPECT_EQ(cpu.segments[kDs].limit, 0xffffffffu);
  EXPECT_EQ(cpu.cr0 & (kCr0Pe | kCr0Pg), 0u);
  EXPECT_EQ(cpu.cr4, 0u);
  EXPECT_EQ(cpu.efer, 0u);
  EXPECT_EQ(cpu.dr[7], 0x400u);
  EXPECT_EQ(full_eflags(cpu), 2u);
  EXPECT_FALSE(cpu.mode & (kModeProtected | kModeLongActive | kModeBreakpoints));
  EXPECT_EQ(machine.peek<uint32_t>(kArea + 0xfefc), 0x30064u);
}

TEST_F(SystemManagementTest, RsmRestoresLongMode) {
  machine.enter_flat(true);
  machine.enter_user();
  set_eflags(cpu, uint32_t{kIf} | tcg::kFlagC);
  cpu.frame.general[kR13] = 0x123456789abcdef0;
  update_mode(cpu);
  const uint64_t mode = cpu.mode;
  enter_system_management(cpu);
  EXPECT_EQ(machine.peek<uint64_t>(kArea + 0xff78), 0x5000u);
  EXPECT_EQ(machine.peek<uint64_t>(kArea + 0xff90), 0x123456789abcdef0u);
  cpu.frame.general[kR13] = 0;
  ASSERT_TRUE(leave_system_management(cpu));
  EXPECT_FALSE(machine.in_smm);
  EXPECT_EQ(cpu.mode, mode);
  EXPECT_EQ(cpu.cpl, 3);
  EXPECT_EQ(cpu.frame.general[kR13], 0x123456789abcdef0u);
  EXPECT_EQ(full_eflags(cpu), uint32_t{kIf} | tcg::kFlagC | 2);
  EXPECT_EQ(cpu.frame.guest_ip, 0x5000u);
}

TEST_F(SystemManagement32Test, HasTheOlderSaveArea) {
  machine.enter_flat(false);
  cpu.frame.general[kRdi] = 0x11223344;
  cpu.segments[kFs].base = 0x55660000;
  enter_system_management(cpu);
  EXPECT_EQ(machine.peek<uint32_t>(kArea + 0xfefc), 0x30000u);
  EXPECT_EQ(machine.peek<uint32_t>(kArea + 0xffec), 0x11223344u);
  EXPECT_EQ(machine.peek<uint32_t>(kArea + 0xfff0), 0x5000u);
  EXPECT_EQ(machine.peek<uint32_t>(kArea + 0xffac), 8u);
  machine.poke<uint32_t>(kArea + 0xfef8, 0x50000);
  ASSERT_TRUE(leave_system_management(cpu));
  EXPECT_EQ(cpu.segments[kFs].base, 0x55660000u);
  EXPECT_TRUE(in_protected_mode(cpu));
  EXPECT_EQ(cpu.smm.base, 0x50000u);
}

TEST_F(SystemManagementTest, RsmRefusesWhatNoCpuCanBeIn) {
  EXPECT_TRUE(leaves_with<uint64_t>(0xff70, 2));
  EXPECT_FALSE(leaves_with<uint64_t>(0xff58, kCr0Pg | kCr0Et));
  EXPECT_FALSE(leaves_with<uint64_t>(0xff58, kCr0Nw | kCr0Pe));
  EXPECT_FALSE(leaves_with<uint64_t>(0xff58, uint64_t{1} << 32 | kCr0Pe));
  EXPECT_FALSE(leaves_with<uint64_t>(0xff48, kCr4Pae | 1u << 27));
  EXPECT_FALSE(leaves_with<uint64_t>(0xff48, kCr4Pge)) << "long mode without PAE";
  EXPECT_FALSE(leaves_with<uint64_t>(0xfed0, 1u << 1));
  EXPECT_FALSE(leaves_with<uint64_t>(0xff60, uint64_t{1} << 40));
  EXPECT_FALSE(leaves_with<uint64_t>(0xff70, kVm | 2));
  EXPECT_FALSE(leaves_with<uint16_t>(0xfe12, 0xe09b)) << "CS with L and D";
}

TEST_F(SystemManagementTest, HaltsAndNmiBlockingComeBack) {
  cpu.halted = 1;
  enter_system_management(cpu);
  EXPECT_FALSE(cpu.halted);
  EXPECT_TRUE(cpu.nmi_blocked);
  ASSERT_TRUE(leave_system_management(cpu));
  EXPECT_TRUE(cpu.halted);
  EXPECT_FALSE(cpu.nmi_blocked);
  cpu.nmi_blocked = 1;
  enter_system_management(cpu);
  EXPECT_EQ(machine.peek<uint8_t>(kArea + 0xfec9), 1);
  machine.poke<uint8_t>(kArea + 0xfec9, 0);
  cpu.nmi_blocked = 0;  // IRET in the handler
  ASSERT_TRUE(leave_system_management(cpu));
  EXPECT_FALSE(cpu.halted);
  EXPECT_TRUE(cpu.nmi_blocked);
}

TEST_F(SystemManagementTest, IoInstructionsAreRepeatedOnRequest) {
  machine.enter_flat(true);
  machine.smi_port = 0xb2;
  cpu.frame.general[kRsi] = 0x1234;
  write_port(cpu, 0x80, 1, 5);
  EXPECT_EQ(cpu.smm.io.info, 0u);
  write_port(cpu, 0xb2, 2, 5, kIoTrapString);
  cpu.frame.guest_ip = 0x5002;
  cpu.frame.general[kRsi] = 0x1236;
  enter_system_management(cpu);
  EXPECT_EQ(machine.peek<uint32_t>(kArea + 0xfec0), 0xb20026u);
  machine.poke<uint8_t>(kArea + 0xfec8, 0xff);
  ASSERT_TRUE(leave_system_management(cpu));
  EXPECT_EQ(cpu.frame.guest_ip, 0x5000u);
  EXPECT_EQ(cpu.frame.general[kRsi], 0x1234u);
}

TEST_F(SystemManagementTest, RsmIsUndefinedElsewhere) { EXPECT_EQ(machine.run(helper_rsm), kUd); }

TEST_F(SystemManagementTest, ResetLeavesItAndInitKeepsItsBase) {
  enter_system_management(cpu);
  machine.poke<uint32_t>(kArea + 0xff00, 0xa0000);
  ASSERT_TRUE(leave_system_management(cpu));
  init(cpu);
  EXPECT_EQ(cpu.smm.base, 0xa0000u);
  enter_system_management(cpu);
  reset(cpu);
  EXPECT_EQ(cpu.smm.base, kResetSmbase);
  EXPECT_FALSE(machine.in_smm);
}

}  // namespace
}  // namespace vireo::i386
