// The processors that `-cpu` can name (SDM volume 1, chapter 2, and volume 2, CPUID; AMD volume 3,
// appendix E).
//
// The default model answers as an Intel Atom of the in-order generation (family 6, model 28): a
// processor that does not speculate. Nor does translated code in any way that a guest could
// measure through a side channel of its own, and Linux then leaves out page-table isolation,
// retpolines and the like, which cost time and would protect nothing.

#include "target/i386/cpu/models.h"

#include <array>

namespace vireo::i386 {
namespace {

using F = Feature;

constexpr FeatureSet k486{F::kFpu, F::kVme, F::kPse};
constexpr FeatureSet kPentium =
    k486 | FeatureSet{F::kDe, F::kTsc, F::kMsr, F::kMce, F::kCx8, F::kMmx, F::kApic};
constexpr FeatureSet kPentium2 =
    kPentium | FeatureSet{F::kPae,  F::kSep, F::kMtrr,  F::kPge, F::kMca,
                          F::kCmov, F::kPat, F::kPse36, F::kFxsr};
constexpr FeatureSet kPentium3 = kPentium2 | FeatureSet{F::kSse};
constexpr FeatureSet kPentium4 = kPentium3 | FeatureSet{F::kSse2, F::kClflush};
constexpr FeatureSet kLongMode{F::kLm, F::kSyscall, F::kNx, F::kLahfLm, F::kCx16};

constexpr FeatureSet kVirtual{F::kHypervisor, F::kX2apic, F::kTscDeadline,
                              F::kTscAdjust,  F::kArat,   F::kInvtsc};
/// Costs a guest nothing, and saves it work.
constexpr FeatureSet kConvenient{
    F::kSse3,   F::kRdtscp,           F::kErms,       F::kFsrm, F::kPopcnt,  F::kMovbe,
    F::kRdrand, F::kRdseed,           F::kFsgsbase,   F::kUmip, F::kPdpe1gb, F::kPrefetchw,
    F::kSmep,   F::kArchCapabilities, F::kClflushopt, F::kClwb, F::kPcid,    F::kInvpcid};
/// Implemented, but not for free: SMAP makes the kernel's user accesses fill a TLB of their own,
/// LA57 lengthens page walks.
constexpr FeatureSet kCostly{F::kSmap, F::kLa57};
constexpr FeatureSet kMaximum =
    kPentium4 | kVirtual | kLongMode | kConvenient | kCostly |
    FeatureSet{F::kSsse3, F::kSse41,    F::kSse42,      F::kAes,     F::kPclmulqdq,
               F::kShaNi, F::kVaes,     F::kVpclmulqdq, F::kAvx,     F::kAvx2,
               F::kFma,   F::kF16c,     F::kBmi1,       F::kBmi2,    F::kAdx,
               F::kXsave, F::kXsaveopt, F::kXsavec,     F::kXgetbv1, F::kXsaves,
               F::kPku,   F::kAbm,      F::kSs,         F::kHt,      F::kRdpid};

// Intel's line, each with what the one before has.
constexpr FeatureSet kConroe =
    kPentium4 |
    FeatureSet{F::kLm, F::kSyscall, F::kNx, F::kLahfLm, F::kSse3, F::kSsse3, F::kHypervisor};
constexpr FeatureSet kPenryn = kConroe | FeatureSet{F::kCx16, F::kSse41};
constexpr FeatureSet kNehalem = kPenryn | FeatureSet{F::kSse42, F::kPopcnt, F::kRdtscp, F::kX2apic};
constexpr FeatureSet kWestmere = kNehalem | FeatureSet{F::kAes, F::kPclmulqdq, F::kArat};
constexpr FeatureSet kSandyBridge =
    kWestmere | FeatureSet{F::kAvx, F::kXsave, F::kXsaveopt, F::kTscDeadline};
constexpr FeatureSet kIvyBridge =
    kSandyBridge | FeatureSet{F::kF16c, F::kRdrand, F::kFsgsbase, F::kSmep, F::kErms};
constexpr FeatureSet kHaswell =
    kIvyBridge | FeatureSet{F::kFma,  F::kMovbe, F::kPcid, F::kInvpcid, F::kAvx2,
                            F::kBmi1, F::kBmi2,  F::kAbm,  F::kHle,     F::kRtm};
constexpr FeatureSet kBroadwell =
    kHaswell | FeatureSet{F::kRdseed, F::kAdx, F::kSmap, F::kPrefetchw};
constexpr FeatureSet kSkylakeClient = kBroadwell | FeatureSet{F::kXsavec, F::kXgetbv1, F::kXsaves};
constexpr FeatureSet kSkylakeServer =
    kSkylakeClient | FeatureSet{F::kPdpe1gb,  F::kClwb,     F::kClflushopt,
                                F::kPku,      F::kAvx512f,  F::kAvx512dq,
                                F::kAvx512cd, F::kAvx512bw, F::kAvx512vl};

// AMD's line.
constexpr FeatureSet kAthlon =
    kPentium2 | FeatureSet{F::kMmxext, F::kNow3d, F::kExt3dnow, F::kHypervisor};
constexpr FeatureSet kOpteron1 =
    kPentium4 | FeatureSet{F::kSse3, F::kLm, F::kSyscall, F::kNx, F::kHypervisor};
constexpr FeatureSet kOpteron2 = kOpteron1 | FeatureSet{F::kCx16, F::kSvm, F::kLahfLm};
constexpr FeatureSet kOpteron3 = kOpteron2 | FeatureSet{F::kPopcnt,      F::kMonitor, F::kRdtscp,
                                                        F::kMisalignsse, F::kSse4a,   F::kAbm};
constexpr FeatureSet kPhenom =
    kOpteron3 | FeatureSet{F::kMmxext, F::kNow3d, F::kExt3dnow, F::kFxsrOpt, F::kCr8Legacy};
constexpr FeatureSet kOpteron4 =
    kOpteron3 | FeatureSet{F::kSsse3, F::kSse41, F::kSse42, F::kPclmulqdq, F::kAes,    F::kAvx,
                           F::kXsave, F::kXop,   F::kFma4,  F::kPrefetchw, F::kPdpe1gb};
constexpr FeatureSet kOpteron5 = kOpteron4 | FeatureSet{F::kF16c, F::kFma, F::kTbm};
constexpr FeatureSet kEpyc =
    kOpteron3 | FeatureSet{F::kSsse3,     F::kSse41,   F::kSse42,    F::kPclmulqdq, F::kAes,
                           F::kAvx,       F::kAvx2,    F::kFma,      F::kF16c,      F::kMovbe,
                           F::kRdrand,    F::kXsave,   F::kXsaveopt, F::kXsavec,    F::kXgetbv1,
                           F::kPdpe1gb,   F::kFxsrOpt, F::kMmxext,   F::kOsvw,      F::kPrefetchw,
                           F::kCr8Legacy, F::kTopoext, F::kFsgsbase, F::kBmi1,      F::kBmi2,
                           F::kSmep,      F::kRdseed,  F::kAdx,      F::kSmap,      F::kClflushopt,
                           F::kShaNi,     F::kArat,    F::kXsaves};

constexpr std::string_view kIntel = "GenuineIntel", kAmd = "AuthenticAMD";
constexpr uint32_t kExtended = 0x80000008;

// clang-format off
constexpr auto kModels = std::to_array<CpuModel>({
    {"qemu64", "the default: everything that makes a 64-bit guest fast", kIntel, "Vireo Virtual CPU", 6, 28, 10, 0x16, kExtended,
     kPentium4 | kVirtual | kLongMode | kConvenient},
    {"max", "everything that is implemented", kIntel, "Vireo Virtual CPU (max)", 6, 28, 10, 0x16, kExtended, kMaximum},
    {"kvm64", "a plain 64-bit CPU", kIntel, "Common 64-bit processor", 15, 6, 1, 0xb, kExtended,
     kPentium4 | kLongMode | FeatureSet{F::kSse3, F::kHypervisor, F::kX2apic}},
    {"Conroe", "Intel Core 2, 65 nm (2006)", kIntel, "Intel Celeron_4x0 (Conroe/Merom Class Core 2)", 6, 15, 3, 10, kExtended, kConroe},
    {"core2duo", "Intel Core 2 Duo T7700 (2007)", kIntel, "Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz", 6, 15, 11, 10, kExtended,
     kConroe | FeatureSet{F::kCx16, F::kMonitor, F::kSs}},
    {"Penryn", "Intel Core 2, 45 nm (2007)", kIntel, "Intel Core 2 Duo P9xxx (Penryn Class Core 2)", 6, 23, 3, 10, kExtended, kPenryn},
    {"Nehalem", "Intel Core i7 9xx (2008)", kIntel, "Intel Core i7 9xx (Nehalem Class Core i7)", 6, 26, 3, 11, kExtended, kNehalem},
    {"Westmere", "Intel Xeon E56xx (2010)", kIntel, "Westmere E56xx/L56xx/X56xx (Nehalem-C)", 6, 44, 1, 11, kExtended, kWestmere},
    {"SandyBridge", "Intel Xeon E312xx (2011)", kIntel, "Intel Xeon E312xx (Sandy Bridge)", 6, 42, 1, 0xd, kExtended, kSandyBridge},
    {"IvyBridge", "Intel Xeon E3-12xx v2 (2012)", kIntel, "Intel Xeon E3-12xx v2 (Ivy Bridge)", 6, 58, 9, 0xd, kExtended, kIvyBridge},
    {"Haswell", "Intel Core (2013)", kIntel, "Intel Core Processor (Haswell)", 6, 60, 4, 0xd, kExtended, kHaswell},
    {"Broadwell", "Intel Core (2014)", kIntel, "Intel Core Processor (Broadwell)", 6, 61, 2, 0xd, kExtended, kBroadwell},
    {"Skylake-Client", "Intel Core (2015)", kIntel, "Intel Core Processor (Skylake)", 6, 94, 3, 0xd, kExtended, kSkylakeClient},
    {"Skylake-Server", "Intel Xeon (2017)", kIntel, "Intel Xeon Processor (Skylake)", 6, 85, 4, 0xd, kExtended, kSkylakeServer},
    {"Opteron_G1", "AMD Opteron 240 (2003)", kAmd, "AMD Opteron 240 (Gen 1 Class Opteron)", 15, 6, 1, 5, kExtended, kOpteron1},
    {"Opteron_G2", "AMD Opteron 22xx (2006)", kAmd, "AMD Opteron 22xx (Gen 2 Class Opteron)", 15, 6, 1, 5, kExtended, kOpteron2},
    {"Opteron_G3", "AMD Opteron 23xx (2007)", kAmd, "AMD Opteron 23xx (Gen 3 Class Opteron)", 16, 2, 3, 5, kExtended, kOpteron3},
    {"phenom", "AMD Phenom 9550 (2008)", kAmd, "AMD Phenom(tm) 9550 Quad-Core Processor", 16, 2, 3, 5, 0x8000001a, kPhenom},
    {"Opteron_G4", "AMD Opteron 62xx (2011)", kAmd, "AMD Opteron 62xx class CPU", 21, 1, 2, 0xd, 0x8000001a, kOpteron4},
    {"Opteron_G5", "AMD Opteron 63xx (2012)", kAmd, "AMD Opteron 63xx class CPU", 21, 2, 0, 0xd, 0x8000001a, kOpteron5},
    {"EPYC", "AMD EPYC (2017)", kAmd, "AMD EPYC Processor", 23, 1, 2, 0xd, 0x8000001e, kEpyc},
    {"qemu32", "a 32-bit CPU", kIntel, "Vireo Virtual 32-bit CPU", 6, 28, 10, 0x16, 0x80000007,
     kPentium4 | kVirtual | FeatureSet{F::kNx, F::kSse3, F::kErms}},
    {"kvm32", "a plain 32-bit CPU", kIntel, "Common 32-bit processor", 15, 6, 1, 5, kExtended,
     kPentium4 | FeatureSet{F::kSse3, F::kHypervisor, F::kX2apic}},
    {"n270", "Intel Atom N270 (2008), 32-bit", kIntel, "Intel(R) Atom(TM) CPU N270   @ 1.60GHz", 6, 28, 2, 10, kExtended,
     kPentium4 | FeatureSet{F::kSse3, F::kSsse3, F::kMovbe, F::kMonitor, F::kNx, F::kLahfLm, F::kSs, F::kHypervisor}},
    {"coreduo", "Intel Core Duo T2600 (2006), 32-bit", kIntel, "Genuine Intel(R) CPU           T2600  @ 2.16GHz", 6, 14, 8, 10, kExtended,
     kPentium4 | FeatureSet{F::kSse3, F::kMonitor, F::kNx, F::kSs, F::kHypervisor}},
    {"athlon", "AMD Athlon (1999)", kAmd, "Vireo Virtual CPU (athlon)", 6, 2, 3, 2, kExtended, kAthlon},
    {"pentium3", "Intel Pentium III (1999)", kIntel, "", 6, 7, 3, 3, 0, kPentium3 | FeatureSet{F::kHypervisor}},
    {"pentium2", "Intel Pentium II (1997)", kIntel, "", 6, 5, 2, 2, 0, kPentium2 | FeatureSet{F::kHypervisor}},
    {"pentium", "Intel Pentium MMX (1997)", kIntel, "", 5, 4, 3, 1, 0, kPentium | FeatureSet{F::kHypervisor}},
    {"486", "Intel 486DX2 (1992)", kIntel, "", 4, 8, 0, 1, 0, k486},
});
// clang-format on

/// MWAIT does not sleep, so that only who asks for it gets it; AMD's own are AMD's models'.
constexpr FeatureSet kImplemented = kMaximum | FeatureSet{F::kMonitor, F::kMmxext, F::kTopoext};

}  // namespace

std::span<const CpuModel> cpu_models() { return kModels; }

const FeatureSet& implemented_features() { return kImplemented; }

}  // namespace vireo::i386
