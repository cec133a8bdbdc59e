#include <gtest/gtest.h>

#include "target/i386/helper/exception.h"
#include "target/i386/helper/test_machine.h"

namespace vireo::i386 {
namespace {

class DeliveryTest : public testing::Test {
 protected:
  void raise(uint8_t vector, uint32_t error) {
    record_exception(cpu, vector, error);
    deliver_pending(cpu);
  }
  uint64_t stack64(unsigned i) { return machine.peek<uint64_t>(cpu.frame.general[kRsp] + i * 8); }
  uint32_t stack32(unsigned i) { return machine.peek<uint32_t>(cpu.frame.general[kRsp] + i * 4); }
  // Two 32-bit tasks: the current one at 0x3000, another at 0x4000 (selector 0x30).
  void add_task() {
    machine.poke<uint64_t>(0x1030, 0x0000890040000067);
    machine.poke<uint32_t>(0x4020, 0x7000);  // EIP
    machine.poke<uint32_t>(0x4024, 0x2);
    machine.poke<uint32_t>(0x4028 + 4 * 4, 0x9000);  // ESP
    for (unsigned i = 0; i < 6; ++i) machine.poke<uint16_t>(0x4048 + i * 4, i == kCs ? 0x8 : 0x10);
  }

  TestMachine machine;
  CpuState& cpu = *machine.cpu;
};

TEST_F(DeliveryTest, RealModePushesSixBytes) {
  cpu.segments[kSs].base = 0;
  cpu.frame.general[kRsp] = 0x7000;
  cpu.frame.guest_ip = 0x1234;
  set_eflags(cpu, kIf | kTf | tcg::kFlagC);
  machine.poke<uint32_t>(0x21 * 4, 0x12340056);
  deliver_interrupt(cpu, 0x21);
  EXPECT_EQ(cpu.frame.guest_ip, 0x56u);
  EXPECT_EQ(cpu.segments[kCs].base, 0x12340u);
  EXPECT_EQ(machine.peek<uint16_t>(0x6ffa), 0x1234);
  EXPECT_EQ(machine.peek<uint16_t>(0x6ffc), 0xf000);
  EXPECT_EQ(machine.peek<uint16_t>(0x6ffe), 0x303);
  EXPECT_EQ(full_eflags(cpu), 3u);
  EXPECT_EQ(machine.run(helper_interrupt_return, 2), kNoException);
  EXPECT_EQ(cpu.frame.guest_ip, 0x1234u);
  EXPECT_EQ(full_eflags(cpu), 0x303u);
}

TEST_F(DeliveryTest, ProtectedModeSwitchesStacksAndReturns) {
  machine.enter_flat(false);
  machine.set_gate(0x30, 0x6000);
  machine.poke<uint32_t>(0x3004, 0x9000);
  machine.poke<uint16_t>(0x3008, 0x10);
  machine.enter_user();
  set_eflags(cpu, kIf);
  deliver_interrupt(cpu, 0x30);
  EXPECT_EQ(cpu.cpl, 0);
  EXPECT_EQ(cpu.frame.guest_ip, 0x6000u);
  EXPECT_EQ(cpu.frame.general[kRsp], 0x9000u - 20);
  EXPECT_EQ(stack32(0), 0x5000u);
  EXPECT_EQ(stack32(1), 0x1bu);
  EXPECT_EQ(stack32(3), 0x8000u);
  EXPECT_EQ(stack32(4), 0x23u);
  EXPECT_FALSE(cpu.eflags & kIf);
  EXPECT_EQ(machine.run(helper_interrupt_return, 4), kNoException);
  EXPECT_EQ(cpu.cpl, 3);
  EXPECT_EQ(cpu.frame.general[kRsp], 0x8000u);
  EXPECT_TRUE(cpu.eflags & kIf);
  EXPECT_EQ(cpu.segments[kDs].selector, 0);  // a level-0 segment does not stay
}

TEST_F(DeliveryTest, LongModeAlignsAndUsesInterruptStacks) {
  machine.enter_flat(true);
  machine.set_gate(kPf, 0x6000);
  machine.set_gate(kGp, 0x6100, 0x8f, 2);
  machine.poke<uint64_t>(0x302c, 0xa000);
  cpu.frame.general[kRsp] = 0x8008;
  raise(kPf, 2);
  EXPECT_EQ(cpu.frame.guest_ip, 0x6000u);
  EXPECT_EQ(cpu.frame.general[kRsp], 0x8000u - 48);
  EXPECT_EQ(stack64(0), 2u);
  EXPECT_EQ(stack64(1), 0x5000u);
  EXPECT_EQ(stack64(4), 0x8008u);
  raise(kGp, 0x18);
  EXPECT_EQ(cpu.frame.general[kRsp], 0xa000u - 48);
  cpu.frame.general[kRsp] += 8;
  EXPECT_EQ(machine.run(helper_interrupt_return, 8), kNoException);
  EXPECT_EQ(cpu.frame.guest_ip, 0x6000u);
}

TEST_F(DeliveryTest, SoftwareInterruptsNeedTheGatesPrivilege) {
  machine.enter_flat(true);
  machine.set_gate(0x80, 0x6000);
  machine.poke<uint64_t>(0x3004, 0x9000);
  machine.enter_user();
  EXPECT_EQ(machine.run(helper_software_interrupt, 0x80, 0x5002), kGp);
  EXPECT_EQ(cpu.pending.error_code, 0x80u * 8 + 2);
  EXPECT_EQ(cpu.frame.general[kRsp], 0x8000u);
  machine.set_gate(0x80, 0x6000, 0xee);
  EXPECT_EQ(machine.run(helper_software_interrupt, 0x80, 0x5002), kNoException);
  EXPECT_EQ(stack64(0), 0x5002u);
  EXPECT_EQ(cpu.segments[kSs].selector, 0);
}

TEST_F(DeliveryTest, FaultsInDeliveryDoubleAndTriple) {
  machine.enter_flat(true);
  machine.set_gate(kDfault, 0x6000);
  raise(kGp, 0);  // its gate is empty: #GP again
  EXPECT_EQ(cpu.frame.guest_ip, 0x6000u);
  EXPECT_EQ(stack64(0), 0u);
  EXPECT_EQ(machine.triple_faults, 0);
  machine.set_gate(kDfault, 0, 0);
  raise(kGp, 0);
  EXPECT_EQ(machine.triple_faults, 1);
}

TEST_F(DeliveryTest, ABenignExceptionGivesWayToTheFaultItMeets) {
  machine.enter_flat(true);
  machine.set_gate(kGp, 0x6000);
  record_exception(cpu, kUd);
  deliver_pending(cpu);
  EXPECT_EQ(cpu.frame.guest_ip, 0x6000u);
  EXPECT_EQ(stack64(0), kUd * 8u + 3);  // IDT and EXT
}

TEST_F(DeliveryTest, SystemCallAndReturn) {
  machine.enter_flat(true);
  machine.enter_user();
  cpu.star = uint64_t{0x0008} << 32 | uint64_t{0x10} << 48;
  cpu.lstar = 0x6000;
  cpu.fmask = kIf;
  set_eflags(cpu, kIf);
  EXPECT_EQ(machine.run(helper_syscall, 0x5002), kNoException);
  EXPECT_EQ(cpu.cpl, 0);
  EXPECT_EQ(cpu.frame.guest_ip, 0x6000u);
  EXPECT_EQ(cpu.frame.general[kRcx], 0x5002u);
  EXPECT_FALSE(cpu.eflags & kIf);
  EXPECT_EQ(machine.run(helper_sysret, 8), kNoException);
  EXPECT_EQ(cpu.cpl, 3);
  EXPECT_EQ(cpu.segments[kCs].selector, 0x23);
  EXPECT_TRUE(in_64bit_mode(cpu));
  EXPECT_TRUE(cpu.eflags & kIf);
}

TEST(SystemCall, IntelHasSyscallIn64BitModeAndAmdSysenterInLegacyMode) {
  const struct {
    const char* model;
    bool long_mode, compatibility;
    uint8_t syscall, sysret, sysenter, sysexit;
  } kCases[] = {
      {"max", false, false, kUd, kUd, kNoException, kNoException},
      {"max", true, true, kUd, kUd, kNoException, kNoException},
      {"max", true, false, kNoException, kNoException, kNoException, kNoException},
      {"max,vendor=AuthenticAMD", false, false, kNoException, kNoException, kNoException,
       kNoException},
      {"max,vendor=AuthenticAMD", true, true, kNoException, kNoException, kUd, kUd},
      {"max,vendor=AuthenticAMD", true, false, kNoException, kNoException, kUd, kUd},
  };
  for (const auto& rule : kCases) {
    const auto raised = [&](tcg::HelperFunction helper) {
      TestMachine machine(rule.model);
      machine.enter_flat(rule.long_mode);
      CpuState& cpu = *machine.cpu;
      if (rule.compatibility) cpu.segments[kCs].attributes = 0xc09b;
      update_mode(cpu);
      cpu.efer |= kEferSce;
      cpu.sysenter_cs = 8;
      return machine.run(helper, 4);
    };
    const std::string what = std::string(rule.model) + (rule.long_mode ? ", long" : ", legacy") +
                             (rule.compatibility ? ", compatibility" : "");
    EXPECT_EQ(raised(helper_syscall), rule.syscall) << what;
    EXPECT_EQ(raised(helper_sysret), rule.sysret) << what;
    EXPECT_EQ(raised(helper_sysenter), rule.sysenter) << what;
    EXPECT_EQ(raised(helper_sysexit), rule.sysexit) << what;
  }
}

TEST_F(DeliveryTest, TaskSwitchAndBack) {
  machine.enter_flat(false);
  add_task();
  EXPECT_EQ(machine.run(helper_far_call, 0x30, 0, 4 | 0x5007 << 8), kNoException);
  EXPECT_EQ(cpu.frame.guest_ip, 0x7000u);
  EXPECT_EQ(cpu.tr.selector, 0x30);
  EXPECT_EQ(cpu.frame.general[kRsp], 0x9000u);
  EXPECT_TRUE(cpu.eflags & kNt);
  EXPECT_EQ(machine.peek<uint32_t>(0x3020), 0x5007u);
  EXPECT_EQ(machine.peek<uint16_t>(0x4000), 0x28);
  EXPECT_EQ(machine.peek<uint8_t>(0x1035), 0x8b);
  machine.poke<uint8_t>(0x102d, 0x8b);
  EXPECT_EQ(machine.run(helper_interrupt_return, 4, 0x7001), kNoException);
  EXPECT_EQ(cpu.frame.guest_ip, 0x5007u);
  EXPECT_EQ(machine.peek<uint8_t>(0x1035), 0x89);
}

TEST_F(DeliveryTest, Vm86EntryAndExit) {
  machine.enter_flat(false);
  machine.poke<uint32_t>(0x3004, 0x9000);
  machine.poke<uint16_t>(0x3008, 0x10);
  machine.set_gate(kGp, 0x6000);
  const uint32_t frame[] = {0x100, 0x2000, kVm | 2, 0xff0, 0x3000, 0x10, 0x20, 0x30, 0x40};
  for (unsigned i = 0; i < 9; ++i) machine.poke<uint32_t>(0x8000 + i * 4, frame[i]);
  EXPECT_EQ(machine.run(helper_interrupt_return, 4), kNoException);
  EXPECT_TRUE(in_vm86(cpu));
  EXPECT_EQ(cpu.cpl, 3);
  EXPECT_EQ(cpu.segments[kCs].base, 0x20000u);
  EXPECT_EQ(cpu.segments[kGs].selector, 0x40);
  EXPECT_EQ(machine.run(helper_cli), kGp);
  deliver_pending(cpu);
  EXPECT_EQ(cpu.cpl, 0);
  EXPECT_FALSE(in_vm86(cpu));
  EXPECT_EQ(stack32(1), 0x100u);
  EXPECT_EQ(stack32(9), 0x40u);
  EXPECT_EQ(cpu.segments[kDs].selector, 0);
}

TEST_F(DeliveryTest, SegmentLoadsAreChecked) {
  machine.enter_flat(false);
  EXPECT_EQ(machine.run(helper_load_segment, kDs, 0x40), kGp);
  EXPECT_EQ(cpu.pending.error_code, 0x40u);
  EXPECT_EQ(machine.run(helper_load_segment, kSs, 0), kGp);
  EXPECT_EQ(machine.run(helper_load_segment, kEs, 0), kNoException);
  EXPECT_EQ(machine.run(helper_check_limit, kEs, 0, 4), kGp);
  machine.poke<uint64_t>(0x1030, 0x00cf13000000ffff);  // not present
  EXPECT_EQ(machine.run(helper_load_segment, kFs, 0x30), kNp);
  machine.poke<uint64_t>(0x1030, 0x004092123456000f);
  EXPECT_EQ(machine.run(helper_load_segment, kFs, 0x30), kNoException);
  EXPECT_EQ(cpu.segments[kFs].base, 0x123456u);
  EXPECT_EQ(machine.peek<uint8_t>(0x1035), 0x93);
  EXPECT_EQ(machine.run(helper_check_limit, kFs, 12, 4), kNoException);
  EXPECT_EQ(machine.run(helper_check_limit, kFs, 13, 4), kGp);
}

TEST_F(DeliveryTest, EnteringLongModeByControlRegisters) {
  machine.enter_flat(false);
  machine.poke<uint64_t>(0x100000, 0x101007);
  machine.poke<uint64_t>(0x101000, 0x87);
  EXPECT_EQ(machine.run(helper_write_cr, 4, kCr4Pae), kNoException);
  EXPECT_EQ(machine.run(helper_write_cr, 3, 0x100000), kNoException);
  cpu.frame.general[kRcx] = 0xc0000080;
  cpu.frame.general[kRax] = kEferLme;
  cpu.frame.general[kRdx] = 0;
  EXPECT_EQ(machine.run(helper_wrmsr), kNoException);
  EXPECT_EQ(machine.run(helper_write_cr, 0, cpu.cr0 | kCr0Pg), kNoException);
  EXPECT_TRUE(in_long_mode(cpu));
  EXPECT_FALSE(in_64bit_mode(cpu));
  machine.poke<uint64_t>(0x1008, 0x00af9b000000ffff);
  EXPECT_EQ(machine.run(helper_far_jump, 8, 0x6000, 4), kNoException);
  EXPECT_TRUE(in_64bit_mode(cpu));
  EXPECT_EQ(machine.run(helper_write_cr, 4, 0), kGp);
  EXPECT_EQ(machine.run(helper_write_cr, 0, kCr0Pg), kGp);
}

// SDM volume 3, 4.10.4.1: bit 63 keeps what is cached of the PCID, and never gets into CR3.
TEST_F(DeliveryTest, LoadsOfCr3ChooseTheAddressSpace) {
  machine.enter_flat(true);
  machine.config.features = machine.config.features | FeatureSet{Feature::kPcid};
  EXPECT_EQ(machine.run(helper_write_cr, 4, cpu.cr4 | kCr4Pcide), kNoException);
  const int flushes = machine.flushes;
  EXPECT_EQ(machine.run(helper_write_cr, 3, 0x100005), kNoException);
  EXPECT_EQ(machine.address_space, 5);
  EXPECT_EQ(machine.flushes, flushes + 1);
  EXPECT_EQ(machine.run(helper_write_cr, 3, 0x100007 | uint64_t{1} << 63), kNoException);
  EXPECT_EQ(machine.address_space, 7);
  EXPECT_EQ(machine.flushes, flushes + 1);
  EXPECT_EQ(cpu.cr3, 0x100007u);
  EXPECT_EQ(machine.run(helper_write_cr, 4, cpu.cr4 & ~uint64_t{kCr4Pcide}), kNoException);
  EXPECT_EQ(machine.address_space, 0);
  EXPECT_EQ(machine.run(helper_write_cr, 3, uint64_t{1} << 63), kGp);
}

}  // namespace
}  // namespace vireo::i386
