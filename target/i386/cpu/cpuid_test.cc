#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "target/i386/cpu/models.h"
#include "target/i386/helper/test_machine.h"

namespace vireo::i386 {
namespace {

TEST(Features, EveryBitHasOneName) {
  std::set<std::tuple<uint32_t, uint32_t, int, int>> bits;
  std::set<std::string_view> names;
  for (const FeatureInfo& info : feature_table()) {
    EXPECT_TRUE(bits.emplace(info.leaf, info.subleaf, info.reg, info.bit).second) << info.name;
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
  }
}

TEST(CpuOption, ChangesFeatures) {
  EXPECT_TRUE(parse_cpu_option("qemu64")->has(Feature::kLm));
  EXPECT_FALSE(parse_cpu_option("qemu64,-lm")->has(Feature::kLm));
  EXPECT_FALSE(parse_cpu_option("max,smap=off")->has(Feature::kSmap));
  EXPECT_TRUE(parse_cpu_option("Nehalem,+tsc_deadline")->has(Feature::kTscDeadline));
  EXPECT_FALSE(parse_cpu_option("486")->has(Feature::kCmov));
}

TEST(CpuOption, SaysWhatIsWrong) {
  EXPECT_NE(parse_cpu_option("qemu46").error().message().find("qemu64"), std::string::npos);
  EXPECT_NE(parse_cpu_option("max,+smapp").error().message().find("smap"), std::string::npos);
  EXPECT_FALSE(parse_cpu_option("max,smap=maybe"));
  EXPECT_FALSE(parse_cpu_option("max,+xop,enforce"));
  EXPECT_FALSE(parse_cpu_option("max,vendor=Nobody"));
  EXPECT_FALSE(parse_cpu_option("max,phys-bits=57"));
}

TEST(CpuOption, ShowsOnlyWhatIsImplemented) {
  for (const CpuModel& model : cpu_models()) {
    const CpuConfig config = *parse_cpu_option(std::string(model.name) + ",check=off");
    for (unsigned i = 0; i < static_cast<unsigned>(Feature::kCount); ++i) {
      const auto feature = static_cast<Feature>(i);
      EXPECT_EQ(config.has(feature),
                model.features.has(feature) && implemented_features().has(feature))
          << model.name << " " << feature_table()[i].name;
    }
    EXPECT_EQ(config.vendor.size(), 12u) << model.name;
    EXPECT_LE(config.brand.size(), 47u) << model.name;
  }
}

TEST(CpuOption, ChangesNumbersAndTexts) {
  const CpuConfig config =
      *parse_cpu_option("EPYC,check=off,family=25,model=97,stepping=2,model-id=X,phys-bits=48");
  EXPECT_EQ(cpuid(config, 1, 0, {}).eax, 0xa60f12u);
  EXPECT_EQ(config.brand, "X");
  EXPECT_EQ(cpuid(config, 0x80000008, 0, {}).eax & 0xff, 48u);
}

TEST(Cpuid, ShowsTheFeaturesOfTheModel) {
  const CpuConfig config = *parse_cpu_option("max");
  const auto table = feature_table();
  for (size_t i = 0; i < table.size(); ++i) {
    const FeatureInfo& info = table[i];
    const CpuidResult result = cpuid(config, info.leaf, info.subleaf, CpuidDynamic{});
    const uint32_t words[] = {result.eax, result.ebx, result.ecx, result.edx};
    EXPECT_EQ(words[info.reg] >> info.bit & 1, config.has(static_cast<Feature>(i))) << info.name;
  }
}

TEST(Cpuid, TellsTheSizeOfTheAvxState) {
  const CpuConfig config = *parse_cpu_option("max");
  EXPECT_EQ(supported_xcr0(config), 0x207u);
  EXPECT_EQ(cpuid(config, 0xd, 0, {.xcr0 = 3}).ebx, 576u);
  EXPECT_EQ(cpuid(config, 0xd, 0, {.xcr0 = 7}).ebx, 832u);
  EXPECT_EQ(cpuid(config, 0xd, 0, {.xcr0 = 3}).ecx, 840u);
  EXPECT_EQ(cpuid(config, 0xd, 2, {}).eax, 256u);
  EXPECT_EQ(cpuid(config, 0xd, 2, {}).ebx, 576u);
  EXPECT_EQ(supported_xcr0(*parse_cpu_option("max,-avx,-pku")), 3u);
}

TEST(Cpuid, TellsTheSizeOfTheProtectionKeys) {
  const CpuConfig config = *parse_cpu_option("max");
  EXPECT_EQ(cpuid(config, 0xd, 9, {}).eax, 8u);
  EXPECT_EQ(cpuid(config, 0xd, 9, {}).ebx, 832u);
  EXPECT_EQ(cpuid(config, 0xd, 0, {.xcr0 = 0x203}).ebx, 840u) << "the standard form has holes";
  EXPECT_EQ(cpuid(config, 0xd, 1, {.xcr0 = 0x203}).ebx, 584u) << "the compacted form has none";
  EXPECT_FALSE(cpuid(config, 7, 0, {}).ecx >> 4 & 1);
  EXPECT_TRUE(cpuid(config, 7, 0, {.protection_keys = true}).ecx >> 4 & 1);
}

TEST(Cpuid, VersionFollowsTheState) {
  CpuConfig config = *parse_cpu_option("qemu64");
  EXPECT_EQ(cpuid(config, 1, 0, {}).eax, 0x106cau);
  EXPECT_FALSE(cpuid(config, 1, 0, {.apic_enabled = false}).edx >> 9 & 1);
  config.family = 0x17;
  config.model = 1;
  EXPECT_EQ(cpuid(config, 1, 0, {}).eax & 0xffffff0, 0x800f10u);
  EXPECT_EQ(cpuid(config, 0x15, 0, {}).ecx, config.apic_timer_hz);
}

TEST(Msr, UnknownOnesFault) {
  TestMachine machine;
  machine.cpu->frame.general[kRcx] = 0x12345;
  EXPECT_EQ(machine.run(helper_rdmsr), kGp);
  EXPECT_EQ(machine.run(helper_wrmsr), kGp);
  machine.cpu->frame.general[kRcx] = 0x277;
  machine.cpu->frame.general[kRax] = 2;  // a memory type that does not exist
  EXPECT_EQ(machine.run(helper_wrmsr), kGp);
}

TEST(Msr, ComeWithTheirFeatures) {
  const struct {
    uint32_t index;
    const char* without;
  } kRegisters[] = {
      {0x3b, "-tsc-adjust"},
      {0xfe, "-mtrr"},
      {0x200, "-mtrr"},
      {0x250, "-mtrr"},
      {0x2ff, "-mtrr"},
      {0x10a, "-arch-capabilities"},
      {0x174, "-sep"},
      {0x176, "-sep"},
      {0x179, "-mca"},
      {0x17a, "-mca"},
      {0x17b, "-mca"},
      {0x400, "-mca"},
      {0x401, "-mca"},
      {0x277, "-pat"},
      {0xda0, "-xsaves"},
      {0xc0000081, "-syscall"},
      {0xc0000082, "-lm"},
      {0xc0000102, "-lm"},
      {0xc0000103, "-rdtscp,-rdpid"},
  };
  TestMachine all;
  for (const auto& [index, without] : kRegisters) {
    TestMachine some(("max," + std::string(without)).c_str());
    all.cpu->frame.general[kRcx] = some.cpu->frame.general[kRcx] = index;
    EXPECT_EQ(all.run(helper_rdmsr), kNoException) << std::hex << index;
    EXPECT_EQ(some.run(helper_rdmsr), kGp) << without;
    some.cpu->frame.general[kRax] = some.cpu->frame.general[kRdx] = 0;
    EXPECT_EQ(some.run(helper_wrmsr), kGp) << without;
  }
}

TEST(Msr, TimeStampWritesMoveTheAdjustment) {
  TestMachine machine;
  uint64_t* general = machine.cpu->frame.general;
  general[kRcx] = 0x10;
  general[kRax] = 5000;
  general[kRdx] = 0;
  EXPECT_EQ(machine.run(helper_wrmsr), kNoException);
  machine.run(helper_rdtsc);
  EXPECT_EQ(general[kRax], 5000u);
  general[kRcx] = 0x3b;
  EXPECT_EQ(machine.run(helper_rdmsr), kNoException);
  EXPECT_EQ(general[kRax], 5000u);
}

}  // namespace
}  // namespace vireo::i386
