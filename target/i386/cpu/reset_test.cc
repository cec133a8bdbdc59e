#include "target/i386/cpu/reset.h"

#include <gtest/gtest.h>

#include "target/i386/helper/test_machine.h"

namespace vireo::i386 {
namespace {

TEST(Reset, StartsBelow4GiB) {
  TestMachine machine;
  const CpuState& cpu = *machine.cpu;
  EXPECT_EQ(cpu.segments[kCs].base + cpu.frame.guest_ip, 0xfffffff0u);
  EXPECT_EQ(cpu.cr0, 0x60000010u);
  EXPECT_EQ(cpu.mode & (kModeProtected | kModeCode32), 0u);
  EXPECT_NE(cpu.frame.general[kRdx], 0u);
}

TEST(Reset, InitKeepsVectorRegisters) {
  TestMachine machine;
  machine.enter_flat(true);
  machine.cpu->frame.vector[3][5] = 7;
  machine.cpu->lstar = 9;
  init(*machine.cpu);
  EXPECT_EQ(machine.cpu->frame.vector[3][5], 7);
  EXPECT_EQ(machine.cpu->lstar, 9u);
  EXPECT_FALSE(in_long_mode(*machine.cpu));
  start_up(*machine.cpu, 0x9a);
  EXPECT_EQ(machine.cpu->segments[kCs].base, 0x9a000u);
}

std::vector<std::byte> save(const CpuState& cpu) {
  core::StateWriter writer;
  writer.section("cpu", 0, 1, [&](core::FieldWriter& fields) { save_state(cpu, fields); });
  return std::move(writer).take();
}

TEST(State, SaveLoadSaveIsAnIdentity) {
  TestMachine machine, other;
  machine.enter_flat(true);
  machine.cpu->frame.general[kR12] = 0x123456789abcdef0;
  machine.cpu->x87.registers[4].significand = 77;
  machine.cpu->mtrr_fixed[10] = 6;
  machine.cpu->requests = kSmiRequest;
  machine.cpu->smm.active = 1;
  const auto first = save(*machine.cpu);
  auto reader = core::StateReader::parse(first);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(load_state(*other.cpu, reader->find("cpu", 0)->fields));
  EXPECT_EQ(save(*other.cpu), first);
  EXPECT_EQ(other.cpu->mode, machine.cpu->mode);
  EXPECT_TRUE(other.in_smm);
}

TEST(State, ImpossibleValuesAreRefused) {
  TestMachine machine;
  machine.cpu->cpl = 7;
  const auto stream = save(*machine.cpu);
  auto reader = core::StateReader::parse(stream);
  ASSERT_TRUE(reader);
  EXPECT_FALSE(load_state(*machine.cpu, reader->find("cpu", 0)->fields));
  EXPECT_EQ(machine.cpu->cpl, 0);
}

}  // namespace
}  // namespace vireo::i386
