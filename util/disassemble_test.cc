#include "util/disassemble.h"

#include <gtest/gtest.h>

namespace vireo::util {
namespace {

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> result;
  for (const unsigned value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

// The same bytes mean different things by the default operand size.
TEST(Disassemble, KnowsTheModesOfX86) {
  const auto code = bytes({0xb8, 0x34, 0x12, 0x00, 0x00});
  const auto in_16 = disassemble(InstructionSet::x86_16, code, 0x7c00);
  ASSERT_EQ(in_16.size(), 2u);
  EXPECT_EQ(in_16[0].text, "mov ax, 0x1234");
  EXPECT_EQ(in_16[1].address, 0x7c03u);
  const auto in_32 = disassemble(InstructionSet::x86_32, code, 0x7c00);
  ASSERT_EQ(in_32.size(), 1u);
  EXPECT_EQ(in_32[0].text, "mov eax, 0x1234");
  const auto move = bytes({0x48, 0x89, 0xe5});
  const auto in_64 = disassemble(InstructionSet::x86_64, move, 0x1000);
  ASSERT_EQ(in_64.size(), 1u);
  EXPECT_EQ(to_line(in_64[0]), "0x0000000000001000:  48 89 e5                 mov rbp, rsp\n");
}

TEST(Disassemble, ListsWhatIsNoInstructionByteByByte) {
  const auto code = bytes({0x06, 0x90, 0x0f});
  const auto insns = disassemble(InstructionSet::x86_64, code, 0);
  ASSERT_EQ(insns.size(), 3u);
  EXPECT_EQ(insns[0].text, ".byte 0x06");
  EXPECT_EQ(insns[1].text, "nop");
  EXPECT_EQ(insns[2].text, ".byte 0x0f");
}

}  // namespace
}  // namespace vireo::util
