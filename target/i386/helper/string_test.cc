#include <gtest/gtest.h>

#include "target/i386/helper/test_machine.h"

namespace vireo::i386 {
namespace {

constexpr uint64_t kBytes64 = 1 | 8 << 16;
constexpr uint64_t kWords16 = 2 | 2 << 16;

class StringTest : public testing::Test {
 protected:
  void operands(uint64_t count, uint64_t source, uint64_t destination) {
    general[kRcx] = count;
    general[kRsi] = source;
    general[kRdi] = destination;
  }
  TestMachine machine;
  CpuState& cpu = *machine.cpu;
  uint64_t* general = machine.cpu->frame.general;
};

TEST_F(StringTest, MoveAcrossPages) {
  machine.enter_flat(true);
  for (unsigned i = 0; i < 10000; ++i) machine.poke<uint8_t>(0x20123 + i, i * 7);
  operands(10000, 0x20123, 0x30777);
  EXPECT_EQ(machine.run(helper_rep_movs, kBytes64, kDs), kNoException);
  EXPECT_EQ(machine.result, 1u);
  EXPECT_EQ(std::memcmp(&machine.ram[0x20123], &machine.ram[0x30777], 10000), 0);
  EXPECT_EQ(general[kRcx], 0u);
  EXPECT_EQ(general[kRsi], 0x20123u + 10000);
}

TEST_F(StringTest, OverlappingMoveRepeatsItsPattern) {
  machine.enter_flat(true);
  machine.poke<uint16_t>(0x20000, 0xbbaa);
  operands(100, 0x20000, 0x20002);
  machine.run(helper_rep_movs, kBytes64, kDs);
  EXPECT_EQ(machine.peek<uint32_t>(0x20060), 0xbbaabbaau);
  cpu.eflags |= kDf;
  operands(16, 0x2100f, 0x2101f);
  for (unsigned i = 0; i < 16; ++i) machine.poke<uint8_t>(0x21000 + i, i);
  machine.run(helper_rep_movs, kBytes64, kDs);
  EXPECT_EQ(machine.peek<uint32_t>(0x21010), 0x03020100u);
  EXPECT_EQ(general[kRdi], 0x2100fu);
}

TEST_F(StringTest, AFaultFindsTheRegistersExact) {
  machine.enter_flat(true);
  // 4 KiB pages below 2 MiB: the one at 0x31000 is missing.
  machine.poke<uint64_t>(0x101000, 0x102007);
  machine.poke<uint64_t>(0x102000, 0x103007);
  for (uint64_t i = 0; i < 512; ++i) machine.poke<uint64_t>(0x103000 + i * 8, i << 12 | 7);
  machine.poke<uint64_t>(0x103000 + 0x31 * 8, 0);
  operands(0x1000, 0, 0x30800);
  general[kRax] = 0x5a;
  EXPECT_EQ(machine.run(helper_rep_stos, kBytes64), kPf);
  EXPECT_EQ(general[kRcx], 0x800u);
  EXPECT_EQ(general[kRdi], 0x31000u);
  EXPECT_EQ(cpu.cr2, 0x31000u);
  EXPECT_EQ(machine.peek<uint8_t>(0x30fff), 0x5a);
}

TEST_F(StringTest, StoresElementsOfEveryWidth) {
  for (const unsigned width : {1, 2, 4, 8}) {
    machine.enter_flat(true);
    const uint64_t end = 0x20003 + 37 * width;
    machine.poke<uint8_t>(end, 0x77);
    general[kRax] = 0x8877665544332211;
    operands(37, 0, 0x20003);
    EXPECT_EQ(machine.run(helper_rep_stos, width | 8 << 16), kNoException);
    for (unsigned i = 0; i < 37 * width; ++i) {
      ASSERT_EQ(machine.peek<uint8_t>(0x20003 + i), 0x11 * (i % width + 1)) << width << " " << i;
    }
    EXPECT_EQ(machine.peek<uint8_t>(end), 0x77);
    general[kRax] = 0x5a * (width == 8 ? 0x0101010101010101 : 0x01010101);
    operands(37, 0, 0x20003);
    EXPECT_EQ(machine.run(helper_rep_stos, width | 8 << 16), kNoException);
    for (unsigned i = 0; i < 37 * width; ++i) {
      ASSERT_EQ(machine.peek<uint8_t>(0x20003 + i), 0x5a) << width << " " << i;
    }
    EXPECT_EQ(machine.peek<uint8_t>(end), 0x77);
  }
}

TEST_F(StringTest, SixteenBitAddressesWrap) {
  general[kRax] = 0x1234;
  operands(4, 0, 0xfffc);
  general[kRdi] |= 0x7777'0000;
  machine.run(helper_rep_stos, kWords16);
  EXPECT_EQ(general[kRdi], 0x77770004u);
  EXPECT_EQ(machine.peek<uint32_t>(0xfffc), 0x12341234u);
  EXPECT_EQ(machine.peek<uint32_t>(0), 0x12341234u);
}

TEST_F(StringTest, CompareStopsAtTheDifference) {
  machine.enter_flat(true);
  operands(100, 0x20000, 0x21000);
  machine.poke<uint8_t>(0x20030, 1);
  EXPECT_EQ(machine.run(helper_rep_cmps, kBytes64, kDs, 0xf3), kNoException);
  EXPECT_EQ(machine.result, 1u);
  EXPECT_EQ(general[kRcx], 100u - 0x31);
  EXPECT_EQ(arithmetic_flags(cpu) & (tcg::kFlagZ | tcg::kFlagC), 0u);
  operands(100, 0, 0x20000);
  general[kRax] = 1;
  machine.run(helper_rep_scas, kBytes64, 0, 0xf2);
  EXPECT_EQ(general[kRdi], 0x20031u);
  EXPECT_TRUE(arithmetic_flags(cpu) & tcg::kFlagZ);
}

TEST_F(StringTest, LongMovesAreBounded) {
  machine.enter_flat(true);
  operands(0x180000, 0, 0x200000);
  machine.run(helper_rep_movs, kBytes64, kDs);
  EXPECT_EQ(machine.result, 0u);
  EXPECT_GT(general[kRcx], 0u);
  EXPECT_EQ(general[kRcx] + general[kRsi], 0x180000u);
}

TEST_F(StringTest, PortsNeedPermission) {
  machine.enter_flat(false);
  machine.poke<uint16_t>(0x3066, 0x68);
  machine.poke<uint32_t>(0x3068, 0xfffffffe);
  cpu.tr.limit = 0x70;
  machine.ports[0] = 0xab;
  machine.enter_user();
  EXPECT_EQ(machine.run(helper_port_in, 0, 1), kNoException);
  EXPECT_EQ(machine.result, 0xabu);
  EXPECT_EQ(machine.run(helper_port_in, 0, 2), kGp);
  EXPECT_EQ(machine.run(helper_port_in, 0x60, 1), kGp);
}

}  // namespace
}  // namespace vireo::i386
