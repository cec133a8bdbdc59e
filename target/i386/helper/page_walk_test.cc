#include "target/i386/helper/page_walk.h"

#include <gtest/gtest.h>

#include "target/i386/helper/test_machine.h"

namespace vireo::i386 {
namespace {

using tcg::Access;
constexpr auto kSupervisor = Privilege::kSupervisor;
constexpr auto kUser = Privilege::kUser;

class PageWalkTest : public testing::Test {
 protected:
  Walk walk(uint64_t linear, Access access = Access::kRead, Privilege privilege = kSupervisor) {
    return walk_pages(cpu, linear, access, privilege);
  }
  void use_32bit() {
    cpu.cr0 |= kCr0Pe | kCr0Pg;
    cpu.cr4 = kCr4Pse;
    cpu.cr3 = 0x10000;
  }
  void use_long() {
    cpu.cr0 |= kCr0Pe | kCr0Pg;
    cpu.cr4 = kCr4Pae | kCr4Pge;
    cpu.efer = kEferLme | kEferLma | kEferNxe;
    cpu.cr3 = 0x10000;
    machine.poke<uint64_t>(0x10000, 0x11007);
    machine.poke<uint64_t>(0x11000, 0x12007);
    machine.poke<uint64_t>(0x12000, 0x13007);
  }
  void set_page(unsigned index, uint64_t entry) {
    machine.poke<uint64_t>(0x13000 + index * 8, entry);
  }

  TestMachine machine;
  CpuState& cpu = *machine.cpu;
};

TEST_F(PageWalkTest, WithoutPagingAddressesAreTheirOwn) {
  const Walk result = walk(0x123456);
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.physical, 0x123456u);
  EXPECT_TRUE(result.writable);
}

TEST_F(PageWalkTest, Legacy32BitPagesSetAccessedAndDirty) {
  use_32bit();
  machine.poke<uint32_t>(0x10000 + 4, 0x14007);
  machine.poke<uint32_t>(0x14000 + 8, 0x55003);
  Walk result = walk(0x402345);
  EXPECT_EQ(result.physical, 0x55345u);
  EXPECT_FALSE(result.writable);  // not dirty yet
  EXPECT_EQ(machine.peek<uint32_t>(0x10004), 0x14027u);
  EXPECT_EQ(machine.peek<uint32_t>(0x14008), 0x55023u);
  result = walk(0x402345, Access::kWrite);
  EXPECT_TRUE(result.writable);
  EXPECT_EQ(machine.peek<uint32_t>(0x14008), 0x55063u);
  EXPECT_EQ(walk(0x402345, Access::kRead, kUser).error, kFaultPresent | kFaultUser);
}

TEST_F(PageWalkTest, FourMegabytePagesReachAbove4GiB) {
  use_32bit();
  machine.poke<uint32_t>(0x10000 + 8, 0x00c00087 | 3 << 13);
  const Walk result = walk(0x812345);
  EXPECT_EQ(result.physical, 0x300c12345u);
  EXPECT_EQ(result.page_bits, 22);
  machine.poke<uint32_t>(0x10000 + 8, 0x00e00087);
  EXPECT_EQ(walk(0x812345).error, kFaultPresent | kFaultReserved);
}

TEST_F(PageWalkTest, PaeUsesTheLoadedPointers) {
  cpu.cr0 |= kCr0Pe | kCr0Pg;
  cpu.cr4 = kCr4Pae;
  cpu.pdpte[3] = 0x12001;
  machine.poke<uint64_t>(0x12000 + 8, 0x2000e7);
  EXPECT_EQ(walk(0xc0234567).physical, 0x234567u);
  EXPECT_EQ(walk(0x234567).error, 0u);
  EXPECT_EQ(walk(0x234567).vector, kPf);
}

TEST_F(PageWalkTest, LongModeLargePages) {
  use_long();
  machine.poke<uint64_t>(0x12000 + 8, 0x600000 | 0x1e7);
  Walk result = walk(0x212345);
  EXPECT_EQ(result.physical, 0x612345u);
  EXPECT_EQ(result.page_bits, 21);
  EXPECT_TRUE(result.global);
  machine.poke<uint64_t>(0x11000 + 8, 0x80000087);
  result = walk(0x40123456);
  EXPECT_EQ(result.physical, 0x80123456u);
  EXPECT_EQ(result.page_bits, 30);
  machine.poke<uint64_t>(0x12000 + 8, 0x610000 | 0x1e7);
  EXPECT_EQ(walk(0x212345).error, kFaultPresent | kFaultReserved);
}

TEST_F(PageWalkTest, RightsFollowCr0Cr4AndEfer) {
  use_long();
  set_page(1, 0x20005);                      // user, read-only
  set_page(2, 0x21003 | uint64_t{1} << 63);  // supervisor, writable, no execution
  EXPECT_TRUE(walk(0x1000, Access::kRead, kUser).ok());
  EXPECT_EQ(walk(0x1000, Access::kWrite, kUser).error, kFaultPresent | kFaultWrite | kFaultUser);
  EXPECT_TRUE(walk(0x1000, Access::kWrite).ok());
  cpu.cr0 |= kCr0Wp;
  EXPECT_EQ(walk(0x1000, Access::kWrite).error, kFaultPresent | kFaultWrite);
  EXPECT_EQ(walk(0x2000, Access::kExecute).error, kFaultPresent | kFaultFetch);
  EXPECT_TRUE(walk(0x1000, Access::kExecute).ok());
  cpu.cr4 |= kCr4Smep;
  EXPECT_EQ(walk(0x1000, Access::kExecute).error, kFaultPresent | kFaultFetch);
  cpu.cr4 |= kCr4Smap;
  EXPECT_EQ(walk(0x1000).error, kFaultPresent);
  cpu.eflags |= kAc;
  EXPECT_TRUE(walk(0x1000).ok());
  EXPECT_FALSE(walk(0x1000, Access::kRead, Privilege::kSystem).ok());
  cpu.efer &= ~uint64_t{kEferNxe};
  EXPECT_EQ(walk(0x2000).error, kFaultPresent | kFaultReserved);
}

TEST_F(PageWalkTest, ProtectionKeysTakeRightsToDataOfUserPages) {
  use_long();
  cpu.cr0 |= kCr0Wp;
  set_page(1, 0x20067 | uint64_t{5} << 59);  // user
  set_page(2, 0x21063 | uint64_t{5} << 59);  // supervisor
  cpu.pkru = 3u << 10;
  EXPECT_TRUE(walk(0x1000, Access::kWrite, kUser).ok()) << "without CR4.PKE";
  cpu.cr4 |= kCr4Pke;
  EXPECT_EQ(walk(0x1000, Access::kRead, kUser).error, kFaultPresent | kFaultUser | kFaultKey);
  EXPECT_EQ(walk(0x1000, Access::kWrite).error, kFaultPresent | kFaultWrite | kFaultKey);
  EXPECT_TRUE(walk(0x1000, Access::kExecute, kUser).ok());
  EXPECT_TRUE(walk(0x2000, Access::kWrite).ok());
  EXPECT_EQ(walk(0x2000, Access::kRead, kUser).error, kFaultPresent | kFaultUser);
  cpu.pkru = 2u << 10;  // write-disabled
  const Walk read = walk(0x1000, Access::kRead, kUser);
  EXPECT_TRUE(read.ok() && read.readable);
  EXPECT_FALSE(read.writable);
  EXPECT_EQ(read.key, 5);
  EXPECT_EQ(walk(0x1000, Access::kWrite).error, kFaultPresent | kFaultWrite | kFaultKey);
  cpu.cr0 &= ~uint64_t{kCr0Wp};
  EXPECT_TRUE(walk(0x1000, Access::kWrite).ok()) << "a supervisor without CR0.WP";
  EXPECT_FALSE(walk(0x1000, Access::kWrite, kUser).ok());
}

TEST_F(PageWalkTest, FewerRightsByKeyAreForgotten) {
  machine.enter_flat(true);
  cpu.frame.general[kRcx] = cpu.frame.general[kRdx] = 0;
  cpu.frame.general[kRax] = 0xc0000004;
  EXPECT_EQ(machine.run(helper_wrpkru), kUd);
  cpu.cr4 |= kCr4Pke;
  EXPECT_EQ(machine.run(helper_wrpkru), kNoException);
  EXPECT_EQ(machine.flushed_keys, 0x8002);
  machine.flushed_keys = 0;
  cpu.frame.general[kRax] = 4;
  EXPECT_EQ(machine.run(helper_wrpkru), kNoException);
  EXPECT_EQ(machine.flushed_keys, 0) << "more rights take nothing away";
  EXPECT_EQ(machine.run(helper_rdpkru), kNoException);
  EXPECT_EQ(cpu.frame.general[kRax], 4u);
  cpu.frame.general[kRdx] = 1;
  EXPECT_EQ(machine.run(helper_wrpkru), kGp);
}

TEST_F(PageWalkTest, TheCacheOfUpperLevelsHoldsUntilItIsClearedOrFaults) {
  machine.enter_flat(true);
  WalkCache cache;
  cpu.walk_cache = &cache;
  cpu.cr0 |= kCr0Pg;
  cpu.cr3 = 0x100000;
  machine.poke<uint64_t>(0x100000, 0x101007);
  machine.poke<uint64_t>(0x101000, 0x102007);
  machine.poke<uint64_t>(0x102000, 0x103007);
  machine.poke<uint64_t>(0x103000, 0x5007);
  machine.poke<uint64_t>(0x104000, 0x6007);
  const auto walk = [&](uint64_t linear) {
    return walk_pages(cpu, linear, tcg::Access::kRead, Privilege::kSupervisor);
  };
  EXPECT_EQ(walk(0).physical, 0x5000u);
  machine.poke<uint64_t>(0x102000, 0x104007);
  EXPECT_EQ(walk(0).physical, 0x5000u) << "not invalidated";
  EXPECT_FALSE(walk(0x1000).ok()) << "absent in either table";
  EXPECT_EQ(walk(0).physical, 0x6000u) << "a fault has dropped the entry";
  machine.poke<uint64_t>(0x102000, 0x103007);
  cache.clear();
  EXPECT_EQ(walk(0).physical, 0x5000u);
}

TEST_F(PageWalkTest, AddressesHaveToBeCanonical) {
  use_long();
  EXPECT_EQ(walk(0x800000000000).vector, kGp);
  EXPECT_EQ(walk(0xffff800000000000).vector, kPf);
}

TEST_F(PageWalkTest, TablesOutsideOfMemoryReadAsOnes) {
  use_long();
  machine.poke<uint64_t>(0x10000, 0x7ffff007);
  EXPECT_EQ(walk(0).vector, kPf);
  EXPECT_EQ(walk(0).error, kFaultPresent | kFaultReserved);
}

}  // namespace
}  // namespace vireo::i386
