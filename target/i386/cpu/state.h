#pragma once

#include <cstddef>
#include <cstdint>

#include "tcg/runtime/frame.h"

namespace vireo::i386 {

class Machine;
struct CpuConfig;
struct RaiseTarget;

/// General registers by their encoding; numbers of Frame::general.
enum Gpr : uint8_t {
  kRax,
  kRcx,
  kRdx,
  kRbx,
  kRsp,
  kRbp,
  kRsi,
  kRdi,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15
};

/// Segment registers by their encoding in a MOV Sreg (SDM volume 2, table B-8).
enum SegmentRegister : uint8_t { kEs, kCs, kSs, kDs, kFs, kGs, kSegmentCount };

/// EFLAGS bits (SDM volume 1, 3.4.3).
enum EflagsBit : uint32_t {
  kEflagsFixed = 1u << 1,
  kTf = 1u << 8,
  kIf = 1u << 9,
  kDf = 1u << 10,
  kIopl = 3u << 12,
  kNt = 1u << 14,
  kRf = 1u << 16,
  kVm = 1u << 17,
  kAc = 1u << 18,
  kVif = 1u << 19,
  kVip = 1u << 20,
  kId = 1u << 21,
};

/// Control-register bits (SDM volume 3, 2.5).
enum Cr0Bit : uint32_t {
  kCr0Pe = 1u << 0,
  kCr0Mp = 1u << 1,
  kCr0Em = 1u << 2,
  kCr0Ts = 1u << 3,
  kCr0Et = 1u << 4,
  kCr0Ne = 1u << 5,
  kCr0Wp = 1u << 16,
  kCr0Am = 1u << 18,
  kCr0Nw = 1u << 29,
  kCr0Cd = 1u << 30,
  kCr0Pg = 1u << 31,
};
enum Cr4Bit : uint32_t {
  kCr4Vme = 1u << 0,
  kCr4Pvi = 1u << 1,
  kCr4Tsd = 1u << 2,
  kCr4De = 1u << 3,
  kCr4Pse = 1u << 4,
  kCr4Pae = 1u << 5,
  kCr4Mce = 1u << 6,
  kCr4Pge = 1u << 7,
  kCr4Pce = 1u << 8,
  kCr4Osfxsr = 1u << 9,
  kCr4Osxmmexcpt = 1u << 10,
  kCr4Umip = 1u << 11,
  kCr4La57 = 1u << 12,
  kCr4Fsgsbase = 1u << 16,
  kCr4Pcide = 1u << 17,
  kCr4Osxsave = 1u << 18,
  kCr4Smep = 1u << 20,
  kCr4Smap = 1u << 21,
  kCr4Pke = 1u << 22,
};
enum EferBit : uint32_t {
  kEferSce = 1u << 0,
  kEferLme = 1u << 8,
  kEferLma = 1u << 10,
  kEferNxe = 1u << 11
};

/// A segment register with its hidden part. `attributes` is the descriptor's bits 8..23 of its high
/// doubleword shifted right by 8: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15 (bits
/// 11:8 zero).
struct Segment {
  uint64_t base = 0;
  uint32_t limit = 0;  ///< In bytes, granularity applied.
  uint16_t selector = 0;
  uint16_t attributes = 0;
};

struct DescriptorTable {
  uint64_t base = 0;
  uint16_t limit = 0;
};

using tcg::X87Register;
using tcg::X87State;

constexpr uint8_t kNoException = 0xff;

constexpr unsigned kMachineCheckBanks = 10;

/// Exception vectors (SDM volume 3, table 6-1).
enum Vector : uint8_t {
  kDe = 0,
  kDb = 1,
  kNmi = 2,
  kBp = 3,
  kOf = 4,
  kBr = 5,
  kUd = 6,
  kNm = 7,
  kDfault = 8,
  kTs = 10,
  kNp = 11,
  kSsFault = 12,
  kGp = 13,
  kPf = 14,
  kMf = 16,
  kAcFault = 17,
  kMc = 18,
  kXm = 19,
};

/// An exception found, to be delivered by the execution loop through Cpu::deliver_pending.
struct PendingException {
  uint8_t vector = kNoException;
  bool has_error_code = false;
  bool is_software = false;  ///< INT n, INT3, INTO: checked against the gate's DPL; pushes next_ip.
  uint32_t error_code = 0;
  uint64_t next_ip = 0;  ///< For software interrupts: the IP after the instruction.
};

/// What page walks remember of the upper levels, as a processor's paging-structure caches do (SDM
/// volume 3, 4.10.3): tables that map 2 MiB, by linear address.
struct WalkCache {
  struct Entry {
    uint64_t region = ~uint64_t{0};  ///< Linear address >> 21.
    uint64_t table = 0;              ///< Guest-physical address of the page table.
    uint8_t rights = 0;              ///< R/W and U/S, as all upper levels allow.
    bool no_execute = false;
  };
  static constexpr unsigned kEntries = 64;
  Entry entries[kEntries];

  Entry& entry(uint64_t linear) { return entries[linear >> 21 & (kEntries - 1)]; }
  void clear() {
    for (Entry& entry : entries) entry.region = ~uint64_t{0};
  }
};

/// Why a CPU should look for interrupts.
enum RequestBit : uint8_t {
  kInterruptRequest = 1u << 0,  ///< A maskable one (the local APIC, INTR).
  kNmiRequest = 1u << 1,
  kSmiRequest = 1u << 2,
  kMachineCheckRequest = 1u << 3,
};

/// Bits of IA32_DEBUGCTL (SDM volume 3, 17.4.1).
enum DebugControlBit : uint32_t { kLastBranchRecord = 1u << 0, kBranchStep = 1u << 1 };

/// What holds events back until the next instruction is done (SDM volume 3, 6.8).
enum InterruptShadow : uint8_t {
  kNoShadow,
  kStiShadow,
  kStackShadow,  ///< MOV or POP to SS: debug exceptions wait as well.
};

/// The I/O instruction that raised an SMI, as far as it can be repeated (AMD64 APM volume 2,
/// 10.2.4).
struct IoTrap {
  uint32_t info = 0;  ///< The save area's I/O restart doubleword; 0: no I/O instruction.
  uint64_t ip = 0;    ///< Of the instruction, and its registers before it.
  uint64_t rcx = 0, rsi = 0, rdi = 0;
};

constexpr uint32_t kResetSmbase = 0x30000;

/// System-management mode (SDM volume 3, chapter 31; AMD64 APM volume 2, chapter 10).
struct SystemManagement {
  uint32_t base = kResetSmbase;  ///< SMBASE
  uint8_t active = 0;            ///< In SMM: changed together with Machine::set_system_management.
  uint8_t nmi_was_blocked = 0;   ///< CpuState::nmi_blocked when the SMI came.
  IoTrap io;                     ///< Of the instruction that just ran.
};

/// What a block key's mode holds: everything that translations depend on beside the code bytes.
enum ModeBit : uint64_t {
  kModeCode32 = 1u << 0,     ///< CS.D (default operand and address size 32), or 64-bit mode.
  kMode64 = 1u << 1,         ///< 64-bit mode (EFER.LMA and CS.L).
  kModeStack32 = 1u << 2,    ///< SS.B.
  kModeCplShift = 3,         ///< 2 bits: current privilege level.
  kModeProtected = 1u << 5,  ///< CR0.PE and not VM.
  kModeVm86 = 1u << 6,
  kModeLongActive = 1u << 7,  ///< EFER.LMA.
  kModeFlatData = 1u << 8,    ///< DS, ES, SS have base 0 and limit 4 GiB, CS has base 0: addresses
                              ///< need no segmentation.
  kModeTrap = 1u << 9,        ///< EFLAGS.TF: translate one instruction, then raise #DB.
  kModeFpuUnavailable = 1u << 10,  ///< CR0.EM or CR0.TS: x87 (and MMX) raise #NM as CR0 says.
  kModeSseUnavailable = 1u << 11,  ///< SSE raises #UD (EM, no OSFXSR) or #NM (TS); see Cpu.
  kModeInterruptShadow =
      1u << 12,           ///< STI or MOV SS shadow: translate one instruction, then clear it.
  kModeIopl3 = 1u << 13,  ///< CPL <= IOPL: CLI, STI, IN, OUT, POPF need no helper for permission.
  kModeAlignmentCheck = 1u << 14,  ///< CPL 3 with CR0.AM and EFLAGS.AC.
  kModeBreakpoints = 1u << 15,     ///< DR7 enables something, hits wait, or RF is set.
  /// 6 bits, by SegmentRegister, 0 in 64-bit mode: accesses through the segment call check_limit
  /// (null, expand-down, execute-only or read-only, writes and reads alike; or a limit that is
  /// neither 64 KiB - 1 nor 4 GiB - 1).
  kModeCheckShift = 16,
  /// 6 bits, likewise: the limit is below 4 GiB - 1, so accesses with 32-bit addresses call
  /// check_limit.
  kModeLimitedShift = 22,
  /// 32 bits, 0 in 64-bit mode: the complement of CS's limit, so 0 for 4 GiB.
  kModeCodeLimitShift = 28,
  /// An x87 exception is not masked, or would be reported by FERR#: x87 instructions are helpers',
  /// which may raise.
  kModeX87MayRaise = uint64_t{1} << 60,
  /// AVX raises #UD (no CR4.OSXSAVE, XCR0 without SSE or AVX state) or #NM (CR0.TS).
  kModeAvxUnavailable = uint64_t{1} << 61,
};

/// The whole state of one x86 vCPU. Begins with the Frame, so that a Frame* is a CpuState*.
/// RIP/EIP is frame.guest_ip; arithmetic flags are the frame's; other EFLAGS bits are `eflags`.
struct CpuState {
  tcg::Frame frame;

  uint64_t mode = 0;    ///< ModeBits; kept current by every change (Cpu::update_mode).
  uint32_t eflags = 0;  ///< EFLAGS without the six arithmetic flags and without bit 1.
  uint8_t cpl = 0;
  uint8_t interrupt_shadow = kNoShadow;
  uint8_t halted = 0;
  uint8_t nmi_blocked = 0;
  uint8_t debug_hits = 0;       ///< Breakpoints (bits of DR6) that the current instruction has hit.
  uint8_t held_debug_hits = 0;  ///< Those of a load of SS, or an event's frame, not yet reported.
  uint8_t external_event = 0;   ///< 1 while an external event is delivered: EXT of error codes.
  Segment segments[kSegmentCount];
  Segment ldtr;
  Segment tr;
  DescriptorTable gdtr;
  DescriptorTable idtr;
  uint64_t cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0, xcr0 = 1;
  uint32_t pkru = 0;  ///< Rights by protection key; changed through set_pkru.
  uint64_t efer = 0;
  uint64_t dr[8] = {0, 0, 0, 0, 0, 0, 0xffff0ff0, 0x400};
  X87State x87;
  /// What FLDCW loaded last in translated code. If it unmasks exceptions, it becomes the control
  /// word when the block is left, which happens at once.
  uint16_t x87_loaded_control = 0x7f;

  // MSRs (SDM volume 4, chapter 2).
  uint64_t star = 0, lstar = 0, cstar = 0, fmask = 0, kernel_gs_base = 0;
  uint64_t sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
  uint64_t tsc_adjust = 0, tsc_offset = 0, tsc_aux = 0;
  uint64_t pat = 0x0007040600070406;
  uint64_t misc_enable = 1;
  uint64_t debug_control = 0;  ///< DebugControlBits.
  uint64_t mtrr_default_type = 0;
  uint64_t mtrr_fixed[11] = {};
  uint64_t mtrr_base[8] = {}, mtrr_mask[8] = {};
  uint64_t mcg_status = 0, mcg_ctl = 0;
  /// Control, status, address and misc of each bank, as their MSRs follow each other.
  uint64_t machine_check[kMachineCheckBanks * 4] = {};
  uint64_t pdpte[4] = {};  ///< PAE page-directory-pointer entries, loaded with CR3.

  PendingException pending;
  SystemManagement smm;

  /// RequestBits that wait; set from any thread.
  uint8_t requests = 0;

  // The vCPU's surroundings; not guest state.
  Machine* machine = nullptr;           ///< See host_interface.h.
  const CpuConfig* config = nullptr;    ///< Model and features; see config.h.
  WalkCache* walk_cache = nullptr;      ///< Cleared with the TLB by its owner; null: none.
  RaiseTarget* raise_target = nullptr;  ///< Where exceptions go; null: to the execution loop.
};

inline bool has_request(const CpuState& state, uint8_t bits) {
  return (__atomic_load_n(&state.requests, __ATOMIC_RELAXED) & bits) != 0;
}
/// Returns whether any of the bits was set before.
inline bool change_request(CpuState& state, uint8_t bits, bool set) {
  const uint8_t before =
      set ? __atomic_fetch_or(&state.requests, bits, __ATOMIC_SEQ_CST)
          : __atomic_fetch_and(&state.requests, static_cast<uint8_t>(~bits), __ATOMIC_SEQ_CST);
  return (before & bits) != 0;
}

/// Byte offset of a CpuState member, for LoadState and StoreState.
#define VIREO_CPU_OFFSET(member) offsetof(::vireo::i386::CpuState, member)

inline CpuState& cpu_state(tcg::Frame* frame) { return *reinterpret_cast<CpuState*>(frame); }

}  // namespace vireo::i386
