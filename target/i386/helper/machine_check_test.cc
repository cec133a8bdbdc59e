#include "target/i386/helper/machine_check.h"

#include <gtest/gtest.h>

#include "target/i386/cpu/reset.h"
#include "target/i386/helper/test_machine.h"

namespace vireo::i386 {
namespace {

constexpr uint64_t kCorrected = kMachineCheckValid;
constexpr uint64_t kOverflow = uint64_t{1} << 62;
constexpr uint64_t kUncorrected = kMachineCheckValid | uint64_t{1} << 61;
constexpr uint64_t kRestartable = 1, kInProgress = 4;

class MachineCheckTest : public testing::Test {
 protected:
  MachineCheckTest() {
    machine.enter_flat(false);
    machine.set_gate(kMc, 0x6000);
    cpu.cr4 |= kCr4Mce;
    cpu.mcg_ctl = bank[0] = ~uint64_t{0};
    begin = cpu.frame.guest_ip;
  }
  void report(uint64_t status, uint64_t address) {
    report_machine_check(cpu, {.bank = 2,
                               .status = status,
                               .mcg_status = kRestartable,
                               .address = address,
                               .misc = address + 1});
  }

  TestMachine machine;
  CpuState& cpu = *machine.cpu;
  uint64_t* bank = cpu.machine_check + 8;
  uint64_t begin = 0;
};

TEST_F(MachineCheckTest, CorrectedErrorsAreLogged) {
  report(kCorrected, 0x1000);
  EXPECT_EQ(bank[1], kCorrected);
  EXPECT_EQ(bank[2], 0x1000u);
  EXPECT_EQ(bank[3], 0x1001u);
  report(kCorrected, 0x2000);
  EXPECT_EQ(bank[1], kCorrected | kOverflow);
  EXPECT_EQ(bank[2], 0x2000u);
  EXPECT_EQ(cpu.frame.guest_ip, begin);
  EXPECT_EQ(cpu.mcg_status, 0u);
}

TEST_F(MachineCheckTest, UncorrectedErrorsRaiseTheException) {
  set_eflags(cpu, kIf);
  cpu.halted = 1;
  report(kUncorrected, 0x1000);
  EXPECT_EQ(cpu.frame.guest_ip, 0x6000u);
  EXPECT_EQ(machine.peek<uint32_t>(cpu.frame.general[kRsp]), begin);  // no error code
  EXPECT_FALSE(machine.peek<uint32_t>(cpu.frame.general[kRsp] + 8) & kRf);
  EXPECT_FALSE(cpu.halted);
  EXPECT_EQ(cpu.mcg_status, kRestartable | kInProgress);
  EXPECT_EQ(bank[1], kUncorrected);
}

TEST_F(MachineCheckTest, TheFirstUncorrectedErrorStays) {
  report(kUncorrected, 0x1000);
  cpu.mcg_status = 0;
  report(kCorrected, 0x2000);
  EXPECT_EQ(bank[1], kUncorrected | kOverflow);
  EXPECT_EQ(bank[2], 0x1000u);
}

TEST_F(MachineCheckTest, ASecondOneShutsDown) {
  report(kUncorrected, 0x1000);
  report(kUncorrected, 0x2000);
  EXPECT_EQ(machine.triple_faults, 1);
}

TEST_F(MachineCheckTest, WithoutCr4MceItShutsDown) {
  cpu.cr4 &= ~uint64_t{kCr4Mce};
  report(kUncorrected, 0x1000);
  EXPECT_EQ(machine.triple_faults, 1);
}

TEST_F(MachineCheckTest, ControlTurnsReportsOff) {
  bank[0] = 0;
  report(kUncorrected, 0x1000);
  bank[0] = ~uint64_t{0};
  cpu.mcg_ctl = 0;
  report(kUncorrected, 0x2000);
  EXPECT_EQ(cpu.frame.guest_ip, begin);
  EXPECT_EQ(bank[1], kUncorrected | kOverflow);
  EXPECT_EQ(machine.triple_faults, 0);
}

TEST_F(MachineCheckTest, AResetKeepsTheLogAndEndsReports) {
  report(kUncorrected, 0x1000);
  reset(cpu);
  EXPECT_EQ(bank[1], kUncorrected);
  EXPECT_EQ(bank[2], 0x1000u);
  EXPECT_EQ(bank[3], 0x1001u);
  EXPECT_EQ(bank[0] | cpu.mcg_ctl | cpu.mcg_status, 0u);
}

}  // namespace
}  // namespace vireo::i386
