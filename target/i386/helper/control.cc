// Control and debug registers, and TLB invalidation (SDM volume 3, 2.5, 4.10 and 17.2).

#include "target/i386/helper/control.h"

#include <algorithm>

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/segmentation.h"

namespace vireo::i386 {
namespace {

constexpr uint64_t kCr3NoFlush = uint64_t{1} << 63;

void require_privilege_zero(CpuState& state) {
  if (state.cpl != 0) raise_gp(state, 0);
}

// SDM volume 3, 4.4.1: the four pointers are read when CR3 is loaded; reserved bits give #GP.
void load_pdptes(CpuState& state, uint64_t cr3) {
  const uint64_t reserved = 0x1e6 | (~((uint64_t{1} << state.config->physical_bits) - 1));
  uint64_t entries[4];
  for (unsigned i = 0; i < 4; ++i) {
    entries[i] = state.machine->read_physical((cr3 & 0xffffffe0) + i * 8, 8);
    if ((entries[i] & 1) && (entries[i] & reserved)) raise_gp(state, 0);
  }
  std::copy(entries, entries + 4, state.pdpte);
}

bool uses_pdptes(uint64_t cr0, uint64_t cr4, uint64_t efer) {
  return (cr0 & kCr0Pg) && (cr4 & kCr4Pae) && !(efer & kEferLma);
}

// Turning paging on or off enters and leaves long mode (SDM volume 3, 9.8.5).
uint64_t efer_for_paging(CpuState& state, uint64_t cr0) {
  const bool was_paging = state.cr0 & kCr0Pg;
  const bool paging = cr0 & kCr0Pg;
  uint64_t efer = state.efer;
  if (paging && !was_paging && (efer & kEferLme)) {
    if (!(state.cr4 & kCr4Pae) || (state.segments[kCs].attributes & kAttributeLong))
      raise_gp(state, 0);
    efer |= kEferLma;
  }
  if (!paging && was_paging && (efer & kEferLma)) {
    if (in_64bit_mode(state)) raise_gp(state, 0);
    efer &= ~uint64_t{kEferLma};
  }
  return efer;
}

// SDM volume 3, 4.10.1.
uint16_t current_pcid(const CpuState& state) {
  return state.cr4 & kCr4Pcide ? static_cast<uint16_t>(state.cr3 & 0xfff) : 0;
}

}  // namespace

uint64_t supported_cr4(const CpuState& state) {
  const CpuConfig& config = *state.config;
  uint64_t bits = kCr4Pce;
  const auto with = [&](Feature feature, uint64_t bit) {
    if (config.has(feature)) bits |= bit;
  };
  with(Feature::kVme, kCr4Vme | kCr4Pvi);
  with(Feature::kTsc, kCr4Tsd);
  with(Feature::kDe, kCr4De);
  with(Feature::kPse, kCr4Pse);
  with(Feature::kPae, kCr4Pae);
  with(Feature::kMce, kCr4Mce);
  with(Feature::kPge, kCr4Pge);
  with(Feature::kFxsr, kCr4Osfxsr);
  with(Feature::kSse, kCr4Osxmmexcpt);
  with(Feature::kUmip, kCr4Umip);
  with(Feature::kLa57, kCr4La57);
  with(Feature::kFsgsbase, kCr4Fsgsbase);
  with(Feature::kPcid, kCr4Pcide);
  with(Feature::kXsave, kCr4Osxsave);
  with(Feature::kSmep, kCr4Smep);
  with(Feature::kSmap, kCr4Smap);
  with(Feature::kPku, kCr4Pke);
  return bits;
}

void load_cr3(CpuState& state, uint64_t value, bool keep) {
  if (uses_pdptes(state.cr0, state.cr4, state.efer)) load_pdptes(state, value);
  state.cr3 = value;
  state.machine->set_address_space(current_pcid(state), keep);
}

void follow_paging(CpuState& state) { load_cr3(state, state.cr3); }

void write_cr0(CpuState& state, uint64_t value) {
  if (value >> 32) raise_gp(state, 0);
  value = (value & kCr0Bits) | kCr0Et;
  if ((value & kCr0Pg) && !(value & kCr0Pe)) raise_gp(state, 0);
  if ((value & kCr0Nw) && !(value & kCr0Cd)) raise_gp(state, 0);
  if (!(value & kCr0Pg) && (state.cr4 & kCr4Pcide)) raise_gp(state, 0);
  const uint64_t efer = efer_for_paging(state, value);
  const uint64_t changed = state.cr0 ^ value;
  if ((changed & kCr0Pg) && uses_pdptes(value, state.cr4, efer)) load_pdptes(state, state.cr3);
  state.cr0 = value;
  state.efer = efer;
  if (changed & (kCr0Pg | kCr0Wp | kCr0Pe)) state.machine->flush_tlb();
  update_mode(state);
}

void write_cr3(CpuState& state, uint64_t value) {
  const bool keep = (state.cr4 & kCr4Pcide) && (value & kCr3NoFlush);
  if (in_long_mode(state)) {
    if (keep) value &= ~kCr3NoFlush;
    if (value >> state.config->physical_bits) raise_gp(state, 0);
  } else {
    value &= 0xffffffff;
  }
  load_cr3(state, value, keep);
}

void write_cr4(CpuState& state, uint64_t value) {
  const uint64_t changed = state.cr4 ^ value;
  if (value & ~supported_cr4(state)) raise_gp(state, 0);
  if (in_long_mode(state) && (!(value & kCr4Pae) || (changed & kCr4La57))) raise_gp(state, 0);
  if ((changed & value & kCr4Pcide) && (!in_long_mode(state) || (state.cr3 & 0xfff)))
    raise_gp(state, 0);
  constexpr uint64_t kPagingBits =
      kCr4Pse | kCr4Pae | kCr4Pge | kCr4Smep | kCr4Smap | kCr4La57 | kCr4Pcide | kCr4Pke;
  if ((changed & (kCr4Pse | kCr4Pae | kCr4Pge | kCr4Smep)) &&
      uses_pdptes(state.cr0, value, state.efer))
    load_pdptes(state, state.cr3);
  state.cr4 = value;
  if (changed & kPagingBits) state.machine->flush_tlb();
  if (changed & kCr4Pcide) state.machine->set_address_space(current_pcid(state), true);
  update_mode(state);
}

// What has been allowed and still is may stay in the TLB.
void set_pkru(CpuState& state, uint32_t value) {
  const uint32_t withdrawn = value & ~state.pkru;
  state.pkru = value;
  if (!(state.cr4 & kCr4Pke) || !withdrawn) return;
  uint16_t keys = 0;
  for (unsigned key = 0; key < 16; ++key) {
    if (withdrawn >> (2 * key) & 3) keys = static_cast<uint16_t>(keys | 1u << key);
  }
  state.machine->flush_tlb_keys(keys);
}

uint64_t supported_efer(const CpuState& state) {
  const CpuConfig& config = *state.config;
  uint64_t bits = kEferLma;
  if (config.has(Feature::kSyscall)) bits |= kEferSce;
  if (config.has(Feature::kLm)) bits |= kEferLme;
  if (config.has(Feature::kNx)) bits |= kEferNxe;
  return bits;
}

void write_efer(CpuState& state, uint64_t value) {
  if (value & ~supported_efer(state)) raise_gp(state, 0);
  const uint64_t changed = state.efer ^ value;
  if ((changed & kEferLme) && (state.cr0 & kCr0Pg)) raise_gp(state, 0);
  state.efer = (value & ~uint64_t{kEferLma}) | (state.efer & kEferLma);
  if (changed & kEferNxe) state.machine->flush_tlb();
  update_mode(state);
}

uint64_t helper_read_cr(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_privilege_zero(state);
  switch (a) {
    case 0:
      return state.cr0;
    case 2:
      return state.cr2;
    case 3:
      return state.cr3;
    case 4:
      return state.cr4;
    case 8:
      return state.machine->apic() ? state.machine->apic()->task_priority() : 0;
    default:
      raise_exception(state, kUd);
  }
}

uint64_t helper_write_cr(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_privilege_zero(state);
  switch (a) {
    case 0:
      write_cr0(state, b);
      break;
    case 2:
      state.cr2 = b;
      break;
    case 3:
      write_cr3(state, b);
      break;
    case 4:
      write_cr4(state, b);
      break;
    case 8:
      if (b > 15) raise_gp(state, 0);
      if (LocalApic* apic = state.machine->apic())
        apic->set_task_priority(static_cast<unsigned>(b));
      break;
    default:
      raise_exception(state, kUd);
  }
  return 0;
}

namespace {

constexpr uint64_t kDr7GeneralDetect = 1u << 13;

// DR4 and DR5 stand for DR6 and DR7 unless CR4.DE is set (SDM volume 3, 17.2.2).
unsigned debug_register(CpuState& state, uint64_t number) {
  require_privilege_zero(state);
  if (number > 7) raise_exception(state, kUd);
  if (number == 4 || number == 5) {
    if (state.cr4 & kCr4De) raise_exception(state, kUd);
    number += 2;
  }
  if (state.dr[7] & kDr7GeneralDetect) {
    state.dr[6] |= kDr7GeneralDetect;
    raise_exception(state, kDb);
  }
  return static_cast<unsigned>(number);
}

}  // namespace

uint64_t helper_read_dr(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  return state.dr[debug_register(state, a)];
}

uint64_t helper_write_dr(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  const unsigned number = debug_register(state, a);
  if (number >= 6 && b >> 32) raise_gp(state, 0);
  state.dr[number] = number == 6   ? (b & 0xe00f) | 0xffff0ff0
                     : number == 7 ? (b & 0xffff2bff) | 0x400
                                   : b;
  update_mode(state);
  return 0;
}

uint64_t helper_lmsw(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_privilege_zero(state);
  // PE can be set but not cleared.
  const uint64_t low = (a & 0xf) | (state.cr0 & kCr0Pe);
  write_cr0(state, (state.cr0 & ~uint64_t{0xf}) | low);
  return 0;
}

uint64_t helper_smsw(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if ((state.cr4 & kCr4Umip) && state.cpl > 0) raise_gp(state, 0);
  return state.cr0;
}

uint64_t helper_clts(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_privilege_zero(state);
  state.cr0 &= ~uint64_t{kCr0Ts};
  update_mode(state);
  return 0;
}

uint64_t helper_invlpg(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_privilege_zero(state);
  state.machine->flush_tlb_page(a);
  return 0;
}

// SDM volume 2, INVPCID: an address, a PCID, everything, everything but what is global.
uint64_t helper_invpcid(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  require_privilege_zero(state);
  const auto pcid = read<uint64_t>(state, b, data_privilege(state));
  const auto linear = read<uint64_t>(state, b + 8, data_privilege(state));
  const bool has_pcid = a <= 1;
  if (a > 3 || (has_pcid && pcid >> 12) || (has_pcid && (pcid & 0xfff) && !(state.cr4 & kCr4Pcide)))
    raise_gp(state, 0);
  if (a == 0 && !is_canonical(state, linear)) raise_gp(state, 0);
  if (a == 0) {
    state.machine->flush_tlb_page(linear);
  } else if (a == 1) {
    state.machine->flush_address_space(static_cast<uint16_t>(pcid));
  } else if (a == 2) {
    state.machine->flush_tlb();
  } else {
    state.machine->flush_tlb_non_global();
  }
  return 0;
}

uint64_t helper_wbinvd(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  require_privilege_zero(cpu_state(frame));
  return 0;
}

}  // namespace vireo::i386
