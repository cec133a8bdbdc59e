// Model-specific registers (SDM volume 4, chapter 2; AMD volume 2, appendix A).

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/helper/control.h"
#include "target/i386/helper/page_walk.h"

namespace vireo::i386 {
namespace {

enum Msr : uint32_t {
  kTsc = 0x10,
  kPlatformId = 0x17,
  kApicBase = 0x1b,
  kFeatureControl = 0x3a,
  kTscAdjust = 0x3b,
  kBiosUpdateTrigger = 0x79,
  kBiosSignature = 0x8b,
  kSmiCount = 0x34,
  kPlatformInfo = 0xce,
  kMtrrCapabilities = 0xfe,
  kArchCapabilities = 0x10a,
  kFlushCommand = 0x10b,
  kSysenterCs = 0x174,
  kSysenterEsp = 0x175,
  kSysenterEip = 0x176,
  kMcgCapabilities = 0x179,
  kMcgStatus = 0x17a,
  kMcgControl = 0x17b,
  kPerfStatus = 0x198,
  kMiscEnable = 0x1a0,
  kDebugControl = 0x1d9,
  kMtrrBase0 = 0x200,
  kMtrrFixed64k = 0x250,
  kMtrrFixed16k = 0x258,
  kMtrrFixed4k = 0x268,
  kPat = 0x277,
  kMtrrDefaultType = 0x2ff,
  kMachineCheck0 = 0x400,
  kXss = 0xda0,
  kTscDeadline = 0x6e0,
  kX2apicFirst = 0x800,
  kX2apicLast = 0x8ff,
  kEfer = 0xc0000080,
  kStar = 0xc0000081,
  kLstar = 0xc0000082,
  kCstar = 0xc0000083,
  kFmask = 0xc0000084,
  kFsBase = 0xc0000100,
  kGsBase = 0xc0000101,
  kKernelGsBase = 0xc0000102,
  kTscAux = 0xc0000103,
  kAmdSysConfig = 0xc0010010,
  kAmdHwConfig = 0xc0010015,
  kAmdTopMemory = 0xc001001a,
  kAmdTopMemory2 = 0xc001001d,
  kAmdNorthBridge = 0xc001001f,
  kAmdVmControl = 0xc0010114,
};

constexpr unsigned kVariableMtrrs = 8;
/// RDCL_NO, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO,
/// PSDP_NO: translated code has none of these.
constexpr uint64_t kArchCapabilitiesValue =
    1u << 0 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 8 | 1u << 13 | 1u << 14 | 1u << 15;

bool is_memory_type(uint64_t type) { return type <= 6 && type != 2 && type != 3; }

bool are_memory_types(const CpuState&, uint64_t value) {
  for (unsigned i = 0; i < 64; i += 8)
    if (!is_memory_type(value >> i & 0xff)) return false;
  return true;
}

// SDM volume 3, 11.11.2: of the variable ranges, bits 11:8 of the base and 10:0 of the mask are
// reserved; of the default type all but the type, FE (10) and E (11).
bool is_range_base(const CpuState& state, uint64_t value) {
  return is_memory_type(value & 0xff) && !(value & 0xf00) &&
         !(value >> state.config->physical_bits);
}
bool is_range_mask(const CpuState& state, uint64_t value) {
  return !(value & 0x7ff) && !(value >> state.config->physical_bits);
}
bool is_default_type(const CpuState&, uint64_t value) {
  return is_memory_type(value & 0xff) && !(value & ~uint64_t{0xcff});
}

// LBR is kept, but records nothing: there are no registers for it.
bool is_debug_control(const CpuState&, uint64_t value) {
  return !(value & ~uint64_t{kLastBranchRecord | kBranchStep});
}

/// The member of the state behind an MSR that is plain storage, or null; `accepts`: what may be
/// written (null: anything).
struct Storage {
  uint64_t* value = nullptr;
  bool (*accepts)(const CpuState&, uint64_t) = nullptr;
};

Storage mtrr_storage(CpuState& state, uint32_t index) {
  if (index >= kMtrrBase0 && index < kMtrrBase0 + 2 * kVariableMtrrs) {
    const unsigned pair = (index - kMtrrBase0) / 2;
    if (index & 1) return {&state.mtrr_mask[pair], is_range_mask};
    return {&state.mtrr_base[pair], is_range_base};
  }
  if (index == kMtrrFixed64k) return {&state.mtrr_fixed[0], are_memory_types};
  if (index == kMtrrFixed16k || index == kMtrrFixed16k + 1)
    return {&state.mtrr_fixed[1 + index - kMtrrFixed16k], are_memory_types};
  if (index >= kMtrrFixed4k && index < kMtrrFixed4k + 8)
    return {&state.mtrr_fixed[3 + index - kMtrrFixed4k], are_memory_types};
  if (index == kMtrrDefaultType) return {&state.mtrr_default_type, is_default_type};
  return {};
}

/// Machine-check status, address and misc take zeros, to be cleared (SDM volume 3, 15.3.2).
bool is_zero(const CpuState&, uint64_t value) { return value == 0; }

bool is_machine_check(uint32_t index) {
  return index >= kMachineCheck0 && index < kMachineCheck0 + 4 * kMachineCheckBanks;
}

/// Whether the CPU has the feature that an MSR belongs to.
bool is_present(const CpuState& state, uint32_t index) {
  const auto has = [&](Feature feature) { return state.config->has(feature); };
  if (is_machine_check(index)) return has(Feature::kMca);
  if (index >= kMtrrBase0 && index <= kMtrrDefaultType && index != kPat) return has(Feature::kMtrr);
  switch (index) {
    case kTscAdjust:
      return has(Feature::kTscAdjust);
    case kMtrrCapabilities:
      return has(Feature::kMtrr);
    case kArchCapabilities:
      return has(Feature::kArchCapabilities);
    case kSysenterCs:
    case kSysenterEsp:
    case kSysenterEip:
      return has(Feature::kSep);
    case kMcgCapabilities:
    case kMcgStatus:
    case kMcgControl:
      return has(Feature::kMca);
    case kPat:
      return has(Feature::kPat);
    case kTscDeadline:
      return has(Feature::kTscDeadline);
    case kXss:
      return has(Feature::kXsaves);
    case kEfer:
      return has(Feature::kSyscall) || has(Feature::kNx) || has(Feature::kLm);
    case kStar:
      return has(Feature::kSyscall);
    case kLstar:
    case kCstar:
    case kFmask:
    case kFsBase:
    case kGsBase:
    case kKernelGsBase:
      return has(Feature::kLm);
    case kTscAux:
      return has(Feature::kRdtscp) || has(Feature::kRdpid);
    default:
      return true;
  }
}

Storage storage_of(CpuState& state, uint32_t index) {
  if (is_machine_check(index))
    return {&state.machine_check[index - kMachineCheck0], index % 4 == 0 ? nullptr : is_zero};
  switch (index) {
    case kSysenterCs:
      return {&state.sysenter_cs};
    case kSysenterEsp:
      return {&state.sysenter_esp, is_canonical};
    case kSysenterEip:
      return {&state.sysenter_eip, is_canonical};
    case kMcgStatus:
      return {&state.mcg_status};
    case kMcgControl:
      return {&state.mcg_ctl};
    case kMiscEnable:
      return {&state.misc_enable};
    case kDebugControl:
      return {&state.debug_control, is_debug_control};
    case kStar:
      return {&state.star};
    case kLstar:
      return {&state.lstar, is_canonical};
    case kCstar:
      return {&state.cstar, is_canonical};
    case kFmask:
      return {&state.fmask};
    case kFsBase:
      return {&state.segments[kFs].base, is_canonical};
    case kGsBase:
      return {&state.segments[kGs].base, is_canonical};
    case kKernelGsBase:
      return {&state.kernel_gs_base, is_canonical};
    default:
      return mtrr_storage(state, index);
  }
}

bool is_x2apic(uint32_t index) { return index >= kX2apicFirst && index <= kX2apicLast; }

/// Registers that read as a constant; writes of the writable ones are ignored.
struct Constant {
  uint32_t index;
  bool writable;
  uint64_t value;
};
constexpr Constant kConstants[] = {
    {0, true, 0},  // P5 machine-check address and type
    {1, true, 0},
    {kPlatformId, false, 0},
    {0x2a, true, 0},  // EBL_CR_POWERON
    {0x2c, false, 0},
    {kSmiCount, false, 0},
    {kFeatureControl, false, 1},  // locked, VMX off
    {kBiosUpdateTrigger, true, 0},
    {kBiosSignature, true, uint64_t{1} << 32},
    {kPlatformInfo, false, 0},
    {0x11e, true, 0},  // BBL_CR_CTL3
    {kFlushCommand, true, 0},
    {0x140, true, 0},  // MISC_FEATURES_ENABLES
    {kMtrrCapabilities, false, 0x500 | kVariableMtrrs},
    {kMcgCapabilities, false, uint64_t{1} << 24 | uint64_t{1} << 8 | kMachineCheckBanks},
    {kPerfStatus, false, 1000 | uint64_t{4} << 40},
    {0x199, true, 0},  // PERF_CTL
    {0x19a, true, 0},  // CLOCK_MODULATION
    {0x19b, true, 0},  // THERM_INTERRUPT
    {0x19c, true, 0},  // THERM_STATUS
    {0x1fc, true, 0},  // POWER_CTL
    {kAmdSysConfig, true, 0},
    {kAmdHwConfig, true, 0},
    {kAmdTopMemory, true, 0},
    {kAmdTopMemory2, true, 0},
    {kAmdNorthBridge, true, 0},
    {kAmdVmControl, true, 0},
    {0xc0011022, true, 0},  // DC_CFG
    {0xc0011023, true, 0},  // BU_CFG
    {0xc0011029, true, 0},  // DE_CFG
};

const Constant* find_constant(uint32_t index) {
  for (const Constant& constant : kConstants)
    if (constant.index == index) return &constant;
  return nullptr;
}

// SDM volume 3, 11.12.2: each byte is a memory type; 2, 3 and above 7 do not exist.
bool is_valid_pat(uint64_t value) {
  for (unsigned i = 0; i < 64; i += 8) {
    const uint64_t type = value >> i & 0xff;
    if (type > 7 || type == 2 || type == 3) return false;
  }
  return true;
}

bool write_tsc(CpuState& state, uint64_t value) {
  state.tsc_adjust += value - guest_tsc(state);
  return true;
}

bool write_apic_base(CpuState& state, uint64_t value) {
  LocalApic* apic = state.machine->apic();
  return apic && apic->write_base(value);
}

}  // namespace

bool read_msr(CpuState& state, uint32_t index, uint64_t& value) {
  if (!is_present(state, index)) return false;
  if (const Storage storage = storage_of(state, index); storage.value) {
    value = *storage.value;
    return true;
  }
  LocalApic* apic = state.machine->apic();
  if (is_x2apic(index)) return apic && apic->read_register(index, value);
  value = 0;
  switch (index) {
    case kTsc:
      value = guest_tsc(state);
      return true;
    case kTscAdjust:
      value = state.tsc_adjust;
      return true;
    case kTscAux:
      value = state.tsc_aux;
      return true;
    case kTscDeadline:
      if (apic) value = apic->read_tsc_deadline();
      return apic != nullptr;
    case kApicBase:
      if (apic) value = apic->read_base();
      return apic != nullptr;
    case kPat:
      value = state.pat;
      return true;
    case kEfer:
      value = state.efer;
      return true;
    case kXss:
      return true;
    case kArchCapabilities:
      value = kArchCapabilitiesValue;
      return true;
    default:
      break;
  }
  const Constant* constant = find_constant(index);
  if (constant) value = constant->value;
  return constant != nullptr;
}

bool write_msr(CpuState& state, uint32_t index, uint64_t value) {
  if (!is_present(state, index)) return false;
  if (const Storage storage = storage_of(state, index); storage.value) {
    if (storage.accepts && !storage.accepts(state, value)) return false;
    *storage.value = value;
    return true;
  }
  LocalApic* apic = state.machine->apic();
  if (is_x2apic(index)) return apic && apic->write_register(index, value);
  switch (index) {
    case kTsc:
      return write_tsc(state, value);
    case kTscAdjust:
      state.tsc_adjust = value;
      return true;
    case kTscAux:
      if (value >> 32) return false;
      state.tsc_aux = value;
      return true;
    case kTscDeadline:
      if (!apic) return false;
      apic->write_tsc_deadline(value);
      return true;
    case kApicBase:
      return write_apic_base(state, value);
    case kXss:  // There are no supervisor components.
      return value == 0;
    case kPat:
      if (!is_valid_pat(value)) return false;
      state.pat = value;
      return true;
    case kEfer:
      write_efer(state, value);
      return true;
    default:
      break;
  }
  const Constant* constant = find_constant(index);
  return constant && constant->writable;
}

}  // namespace vireo::i386
