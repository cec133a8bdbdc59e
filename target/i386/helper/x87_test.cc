// x87 instructions against the host's x87 unit where there is one, and the rules of the stack.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "target/i386/helper/test_machine.h"
#include "target/i386/helper/x87_unit.h"

namespace vireo::i386 {
namespace {

constexpr uint64_t kData = 0x20000;

class X87Test : public testing::Test {
 protected:
  X87Test() {
    machine.enter_flat(true);
    cpu.cr0 |= kCr0Ne;
    initialise_x87(cpu.x87);
  }
  uint8_t reg(unsigned opcode, unsigned modrm) {
    return machine.run(helper_x87, opcode << 8 | modrm, 0);
  }
  uint8_t mem(unsigned opcode, unsigned group, uint64_t size = 4) {
    return machine.run(helper_x87_memory, opcode << 8 | group << 3, kData, kDs | size << 8);
  }
  void load(double value) {
    machine.poke<uint64_t>(kData, std::bit_cast<uint64_t>(value));
    mem(0xdd, 0);
  }
  double store() {
    mem(0xdd, 3);
    return std::bit_cast<double>(machine.peek<uint64_t>(kData));
  }
  uint16_t status() {
    reg(0xdf, 0xe0);
    return static_cast<uint16_t>(cpu.frame.general[kRax]);
  }

  TestMachine machine;
  CpuState& cpu = *machine.cpu;
};

TEST_F(X87Test, ReverseFormsKeepTheirOrder) {
  const auto result = [&](unsigned opcode, unsigned modrm) {
    initialise_x87(cpu.x87);
    load(3);
    load(12);
    reg(opcode, modrm);
    return store();
  };
  EXPECT_EQ(result(0xd8, 0xe1), 9);     // FSUB ST, ST(1)
  EXPECT_EQ(result(0xd8, 0xe9), -9);    // FSUBR
  EXPECT_EQ(result(0xd8, 0xf1), 4);     // FDIV
  EXPECT_EQ(result(0xd8, 0xf9), 0.25);  // FDIVR
  EXPECT_EQ(result(0xde, 0xe9), -9);    // FSUBP: ST(1) - ST
  EXPECT_EQ(result(0xde, 0xe1), 9);     // FSUBRP
  EXPECT_EQ(result(0xde, 0xf9), 0.25);  // FDIVP: ST(1) / ST
  EXPECT_EQ(result(0xde, 0xf1), 4);     // FDIVRP
}

TEST_F(X87Test, StackFaults) {
  EXPECT_EQ(reg(0xd9, 0xc3), kNoException);  // FLD ST(3) of an empty stack
  EXPECT_EQ(status() & 0x3fff & ~0x3800, kX87Invalid | kX87StackFault);
  EXPECT_TRUE(std::isnan(store()));
  initialise_x87(cpu.x87);
  for (int i = 0; i < 9; ++i) load(i);
  EXPECT_TRUE(status() & kX87C1);
  EXPECT_TRUE(std::isnan(store()));
}

TEST_F(X87Test, UnmaskedExceptionsWaitForTheNextInstruction) {
  machine.poke<uint16_t>(kData, 0x37b);  // zero divide unmasked
  mem(0xd9, 5);
  load(0);
  load(1);
  EXPECT_EQ(reg(0xd8, 0xf1), kNoException);
  EXPECT_TRUE(status() & kX87ErrorSummary);
  EXPECT_EQ(reg(0xd9, 0xe8), kMf);
  cpu.cr0 &= ~uint64_t{kCr0Ne};
  EXPECT_EQ(reg(0xd9, 0xd0), kNoException);
  EXPECT_EQ(machine.fpu_errors, 1);
  EXPECT_EQ(reg(0xdb, 0xe2), kNoException);  // FNCLEX
  cpu.cr0 |= kCr0Ne;
  EXPECT_EQ(reg(0xd9, 0xd0), kNoException);
  cpu.cr0 |= kCr0Ts;
  EXPECT_EQ(reg(0xd9, 0xd0), kNm);
}

TEST_F(X87Test, SaveAndRestoreKeepEverything) {
  load(1.5);
  load(-2);
  mem(0xdd, 6);  // FNSAVE
  EXPECT_EQ(cpu.x87.empty, 0xff);
  EXPECT_EQ(machine.peek<uint16_t>(kData + 8), 0x0fff);  // tags: 6 and 7 valid
  EXPECT_EQ(mem(0xdd, 4), kNoException);
  EXPECT_EQ(store(), -2);
  EXPECT_EQ(store(), 1.5);
}

TEST_F(X87Test, FxsaveAndFxrstorKeepEverything) {
  load(1.5);
  cpu.frame.vector[15][3] = 9;
  machine.run(helper_fxsave, kData, 1);
  initialise_x87(cpu.x87);
  cpu.frame.vector[15][3] = 0;
  EXPECT_EQ(machine.run(helper_fxrstor, kData, 1), kNoException);
  EXPECT_EQ(cpu.frame.vector[15][3], 9);
  EXPECT_EQ(store(), 1.5);
  machine.poke<uint32_t>(kData + 24, 0x10000);
  EXPECT_EQ(machine.run(helper_fxrstor, kData, 1), kGp);
}

TEST_F(X87Test, IntegersAndBcd) {
  machine.poke<uint16_t>(kData, 0xfffe);
  mem(0xdf, 0);
  machine.poke<uint32_t>(kData, 100);
  mem(0xda, 1);  // FIMUL m32
  mem(0xdf, 6);  // FBSTP
  EXPECT_EQ(machine.peek<uint64_t>(kData), 0x200u);
  EXPECT_EQ(machine.peek<uint16_t>(kData + 8), 0x8000);
  load(2.5);
  mem(0xdb, 2);
  EXPECT_EQ(machine.peek<uint32_t>(kData), 2u);
  load(1e30);
  mem(0xdb, 1);
  EXPECT_EQ(machine.peek<uint32_t>(kData), 0x80000000u);
}

#ifdef __x86_64__

constexpr double kInputs[] = {0.0,
                              -0.0,
                              1.0,
                              -1.0,
                              0.5,
                              3.0,
                              -7.25,
                              1e-310,
                              1e300,
                              1e18,
                              0.1,
                              -0.333,
                              1e-300,
                              123.5,
                              255.0,
                              std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};

struct HostResult {
  long double value;
  uint16_t status;
};

#define HOST_BINARY(name, code)                                                          \
  HostResult name(double a, double b) {                                                  \
    HostResult result{};                                                                 \
    asm volatile("fninit\n fldl %3\n fldl %2\n " code "\n fnstsw %1\n fstpt %0\n fninit" \
                 : "=m"(result.value), "=m"(result.status)                               \
                 : "m"(a), "m"(b)                                                        \
                 : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)"); \
    return result;                                                                       \
  }
// clang-format off
HOST_BINARY(host_add, ".byte 0xd8,0xc1")
HOST_BINARY(host_mul, ".byte 0xd8,0xc9")
HOST_BINARY(host_sub, ".byte 0xd8,0xe1")
HOST_BINARY(host_divr, ".byte 0xd8,0xf9")
HOST_BINARY(host_com, ".byte 0xd8,0xd1")
HOST_BINARY(host_ucom, ".byte 0xdd,0xe1")
HOST_BINARY(host_xam, ".byte 0xd9,0xe5")
HOST_BINARY(host_tst, ".byte 0xd9,0xe4")
HOST_BINARY(host_sqrt, ".byte 0xd9,0xfa")
HOST_BINARY(host_rndint, ".byte 0xd9,0xfc")
HOST_BINARY(host_scale, ".byte 0xd9,0xfd")
HOST_BINARY(host_prem, ".byte 0xd9,0xf8")
HOST_BINARY(host_prem1, ".byte 0xd9,0xf5")
HOST_BINARY(host_chs, ".byte 0xd9,0xe0")
// clang-format on

struct Case {
  const char* name;
  HostResult (*host)(double, double);
  unsigned opcode, modrm;
};
constexpr Case kCases[] = {
    {"fadd", host_add, 0xd8, 0xc1},     {"fmul", host_mul, 0xd8, 0xc9},
    {"fsub", host_sub, 0xd8, 0xe1},     {"fdivr", host_divr, 0xd8, 0xf9},
    {"fcom", host_com, 0xd8, 0xd1},     {"fucom", host_ucom, 0xdd, 0xe1},
    {"fxam", host_xam, 0xd9, 0xe5},     {"ftst", host_tst, 0xd9, 0xe4},
    {"fsqrt", host_sqrt, 0xd9, 0xfa},   {"frndint", host_rndint, 0xd9, 0xfc},
    {"fscale", host_scale, 0xd9, 0xfd}, {"fprem", host_prem, 0xd9, 0xf8},
    {"fprem1", host_prem1, 0xd9, 0xf5}, {"fchs", host_chs, 0xd9, 0xe0},
};

TEST_F(X87Test, MatchesTheHost) {
  for (const Case& c : kCases) {
    for (const double a : kInputs) {
      for (const double b : kInputs) {
        const HostResult expected = c.host(a, b);
        initialise_x87(cpu.x87);
        load(b);
        load(a);
        reg(c.opcode, c.modrm);
        const uint16_t found = status();
        const X87Register& top = cpu.x87.registers[cpu.x87.top];
        uint64_t significand;
        uint16_t sign_exponent;
        std::memcpy(&significand, &expected.value, 8);
        std::memcpy(&sign_exponent, reinterpret_cast<const char*>(&expected.value) + 8, 2);
        EXPECT_EQ(top.significand, significand) << c.name << ' ' << a << ' ' << b;
        EXPECT_EQ(top.sign_exponent, sign_exponent) << c.name << ' ' << a << ' ' << b;
        EXPECT_EQ(found, expected.status) << c.name << ' ' << a << ' ' << b;
      }
    }
  }
}

#endif

}  // namespace
}  // namespace vireo::i386
