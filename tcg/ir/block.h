#pragma once

#include <cstdint>
#include <vector>

#include "tcg/ir/instruction.h"

namespace vireo::tcg {

/// Why translated code returned to the execution loop.
enum class ExitReason : uint16_t {
  kLookup,           ///< Go on at the guest IP in the frame (no translation linked yet).
  kPoll,             ///< A kick was seen: look for interrupts and requests.
  kException,        ///< A helper or fault recorded a guest exception in the target's state.
  kHalt,             ///< HLT.
  kModeChange,       ///< The block key changed (mode, privilege, paging): look up again.
  kInterruptWindow,  ///< Interrupts may have become possible (STI, POPF, IRET, CR8).
  kCodeModified,     ///< The running block was written to.
};

/// One translation unit in IR: straight-line code with side exits. Reused from block to block, so
/// that translating allocates nothing.
struct Block {
  uint64_t guest_ip = 0;  ///< RIP/EIP of the first instruction.
  /// Guest IPs (InsnStart's, targets, guest_ip) are relative to Frame::code_base: wherever the page
  /// is mapped, the block can run.
  bool relocatable = false;
  /// Each memory access is checked by itself: for where a check that several share has failed.
  bool separate_checks = false;
  uint32_t guest_size = 0;  ///< Bytes of guest code.
  uint32_t guest_insns = 0;
  std::vector<Inst> insts;

  void clear() {
    guest_ip = 0;
    relocatable = separate_checks = false;
    guest_size = guest_insns = 0;
    insts.clear();
  }
};

}  // namespace vireo::tcg
