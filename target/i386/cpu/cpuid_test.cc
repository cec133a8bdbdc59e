#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <vector>

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

TEST(CpuOption, KnowsTheSpellingsOfQemu) {
  const struct {
    const char* name;
    Feature feature;
  } kSpellings[] = {
      {"pni", Feature::kSse3},
      {"sse3", Feature::kSse3},
      {"sse4.1", Feature::kSse41},
      {"sse4-1", Feature::kSse41},
      {"sse4_1", Feature::kSse41},
      {"sse4.2", Feature::kSse42},
      {"sse4-2", Feature::kSse42},
      {"sse4_2", Feature::kSse42},
      {"pclmuldq", Feature::kPclmulqdq},
      {"pclmulqdq", Feature::kPclmulqdq},
      {"i64", Feature::kLm},
      {"lm", Feature::kLm},
      {"xd", Feature::kNx},
      {"tsc_adjust", Feature::kTscAdjust},
      {"lahf_lm", Feature::kLahfLm},
      {"tsc-deadline", Feature::kTscDeadline},
  };
  for (const auto& [name, feature] : kSpellings) {
    const auto config = parse_cpu_option("max," + std::string(name) + "=off");
    ASSERT_TRUE(config) << name;
    EXPECT_FALSE(config->has(feature)) << name;
  }
  EXPECT_EQ(parse_cpu_option("max,+ffxsr")->left_out, "fxsr-opt");
}

TEST(CpuOption, FeaturesRaiseTheHighestLeaves) {
  EXPECT_EQ(parse_cpu_option("486,+avx2")->max_basic_leaf, 7u);
  EXPECT_EQ(parse_cpu_option("Opteron_G1,+avx2")->max_basic_leaf, 7u);
  EXPECT_EQ(parse_cpu_option("Nehalem,+xsave")->max_basic_leaf, 0xdu);
  EXPECT_EQ(parse_cpu_option("486,+nx")->max_extended_leaf, 0x80000001u);
  EXPECT_EQ(parse_cpu_option("pentium3,+lm")->max_extended_leaf, 0x80000008u);
  EXPECT_EQ(parse_cpu_option("Opteron_G1,+topoext")->max_extended_leaf, 0x8000001eu);
  EXPECT_EQ(parse_cpu_option("486,+xop,check=off")->max_extended_leaf, 0u) << "left out";
  for (const CpuModel& model : cpu_models()) {
    const CpuConfig config = *parse_cpu_option(std::string(model.name) + ",check=off");
    EXPECT_EQ(config.max_basic_leaf, model.max_basic_leaf) << model.name;
    EXPECT_EQ(config.max_extended_leaf, model.max_extended_leaf) << model.name;
  }
}

TEST(CpuOption, SaysWhatIsWrong) {
  EXPECT_NE(parse_cpu_option("qemu46").error().message().find("qemu64"), std::string::npos);
  EXPECT_NE(parse_cpu_option("max,+smapp").error().message().find("smap"), std::string::npos);
  const auto no_switch = parse_cpu_option("max,smap=maybe"),
             unknown = parse_cpu_option("max,speed=9");
  ASSERT_FALSE(no_switch);
  EXPECT_EQ(no_switch.error().message(), "smap: 'maybe' is not a switch; write on or off");
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().message().starts_with("unknown CPU feature 'speed'"));
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

std::array<uint32_t, 4> words(const CpuConfig& config, uint32_t leaf, uint32_t subleaf = 0) {
  const CpuidResult result = cpuid(config, leaf, subleaf, {});
  return {result.eax, result.ebx, result.ecx, result.edx};
}
constexpr std::array<uint32_t, 4> kNothing{};

/// Every model, and those whose highest leaves a feature raises.
std::vector<CpuConfig> all_configs() {
  std::vector<CpuConfig> configs;
  for (const CpuModel& model : cpu_models()) {
    for (const char* changes : {"", ",+avx2", ",+topoext,+lm"})
      configs.push_back(*parse_cpu_option(std::string(model.name) + ",check=off" + changes));
  }
  return configs;
}

TEST(Cpuid, BeyondTheHighestLeavesIntelRepeatsTheHighestBasicOne) {
  for (const CpuConfig& config : all_configs()) {
    for (const uint32_t leaf :
         {config.max_basic_leaf + 1, 0x20u, 0x3fffffffu,
          std::max(config.max_extended_leaf, 0x7fffffffu) + 1, 0x80000100u, 0xffffffffu}) {
      for (uint32_t subleaf = 0; subleaf < 8; ++subleaf) {
        EXPECT_EQ(words(config, leaf, subleaf),
                  config.is_amd() ? kNothing : words(config, config.max_basic_leaf, subleaf))
            << config.brand << std::hex << " leaf " << leaf;
      }
    }
  }
}

TEST(Cpuid, ListsOfSubLeavesEnd) {
  const auto ends = [](const CpuConfig& config, uint32_t leaf, unsigned reg, uint32_t type) {
    const uint32_t highest = leaf >> 31 ? config.max_extended_leaf : config.max_basic_leaf;
    if (leaf > highest) return true;
    for (uint32_t subleaf = 0; subleaf < 8; ++subleaf) {
      if ((words(config, leaf, subleaf)[reg] & type) == 0) return true;
    }
    return false;
  };
  for (const CpuConfig& config : all_configs()) {
    EXPECT_TRUE(ends(config, 4, kEax, 0x1f)) << config.brand;
    EXPECT_TRUE(ends(config, 0xb, kEcx, 0xff00)) << config.brand;
    EXPECT_TRUE(ends(config, 0x8000001d, kEax, 0x1f)) << config.brand;
    for (uint32_t subleaf = 10; subleaf < 64; ++subleaf)
      EXPECT_TRUE(config.max_basic_leaf < 0xd || words(config, 0xd, subleaf) == kNothing);
  }
}

TEST(Cpuid, CacheDescriptorsSendNobodyToALeafThatIsNotThere) {
  for (const CpuConfig& config : all_configs()) {
    if (config.max_basic_leaf < 2) continue;
    if (config.is_amd()) {
      EXPECT_EQ(words(config, 2), kNothing) << config.brand;
      EXPECT_EQ(words(config, 4), kNothing) << config.brand;
      continue;
    }
    bool sends_on = false;
    for (const uint32_t word : words(config, 2)) {
      for (unsigned i = 0; i < 32; i += 8) sends_on |= (word >> i & 0xff) == 0xff;
    }
    EXPECT_EQ(sends_on, config.max_basic_leaf >= 4) << config.brand;
    EXPECT_EQ(words(config, 2)[0] & 0xff, 1u) << config.brand << ": one read is enough";
  }
  EXPECT_EQ(words(*parse_cpu_option("pentium2"), 2)[3], 0x0c040843u);
}

TEST(Cpuid, AmdDescribesItsCachesInExtendedLeaves) {
  CpuConfig config = *parse_cpu_option("EPYC,check=off");
  config.cpu_count = 4;
  config.apic_id = 2;
  EXPECT_EQ(words(config, 0x80000005)[2], 0x20080140u);  // 32 KiB
  EXPECT_EQ(words(config, 0x80000006)[2], 0x04008140u);  // 1 MiB
  EXPECT_EQ(words(config, 0x80000006)[3], 0x00808140u);  // 16 MiB
  EXPECT_EQ(words(config, 0x8000001d, 0)[0], 0x121u);
  EXPECT_EQ(words(config, 0x8000001d, 3)[0], 0x163u | 3 << 14) << "four share the last";
  EXPECT_EQ(words(config, 0x8000001d, 3)[2], 16383u);
  EXPECT_EQ(words(config, 0x8000001d, 4), kNothing);
  EXPECT_EQ(words(config, 0x8000001e), (std::array<uint32_t, 4>{2, 2, 0, 0}));
  config.features.set(Feature::kTopoext, false);
  EXPECT_EQ(words(config, 0x8000001d), kNothing);
  EXPECT_EQ(words(config, 0x8000001e), kNothing);
}

TEST(Cpuid, IntelShowsSyscallIn64BitModeOnly) {
  constexpr uint32_t kSyscall = 1 << 11;
  const CpuConfig intel = *parse_cpu_option("max"), amd = *parse_cpu_option("EPYC,check=off");
  EXPECT_TRUE(cpuid(intel, 0x80000001, 0, {}).edx & kSyscall);
  EXPECT_FALSE(cpuid(intel, 0x80000001, 0, {.in_64bit_mode = false}).edx & kSyscall);
  EXPECT_TRUE(cpuid(amd, 0x80000001, 0, {.in_64bit_mode = false}).edx & kSyscall);
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
