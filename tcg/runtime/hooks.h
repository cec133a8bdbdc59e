#pragma once

#include <cstdint>

#include "tcg/ir/instruction.h"

namespace vireo::tcg {

struct Frame;

/// What a slow path must know of the guest memory operation that it finishes.
struct MemoryOperation {
  Type type;           ///< What is read or written.
  Opcode op;           ///< kLoad, kStore, kRmw, kCompareExchange or kProbe.
  uint8_t flags;       ///< MemoryFlags.
  RmwKind rmw;         ///< For kRmw.
  FlagMask flags_out;  ///< Arithmetic flags to leave, for kRmw and kCompareExchange.
};

/// What the owner of guest memory (accel/tcg) provides to translated code. A hook other than
/// `refill` is called with the whole guest state in the Frame (guest_ip is that of the instruction,
/// flags in memory) and may leave it with leave().
struct Hooks {
  /// Tries to make the access hit: fills the TLB entry for `va` from a page walk. Returns false if
  /// it cannot (fault, device memory, watched or code page, page crossing): the full hook follows
  /// and decides. Compiled to use general registers only, since guest vector registers are live;
  /// touches nothing of the guest's state that software could see but page-table accessed and dirty
  /// bits.
  bool (*refill)(Frame*, uint64_t va, unsigned size, Access access, uint8_t memory_flags);
  /// Reads; returns where the bytes are (guest RAM, or Frame::bounce).
  const void* (*load)(Frame*, uint64_t va, const MemoryOperation&);
  /// Writes size_of(type) bytes at `value`. kProbe: checks only.
  void (*store)(Frame*, uint64_t va, const MemoryOperation&, const void* value);
  /// Does the whole kRmw or kCompareExchange (`operand` is b; `replacement` is c): sets the
  /// arithmetic flags in the Frame, returns the value before.
  uint64_t (*update)(Frame*, uint64_t va, const MemoryOperation&, uint64_t operand,
                     uint64_t replacement);
  /// A divide error of DivU or DivS at the current instruction.
  void (*divide_error)(Frame*);
  /// An unmasked SIMD floating-point exception at the current instruction; the accrued bits are in
  /// Frame::mxcsr.
  void (*simd_exception)(Frame*);
};

/// A function that translated code may call (CallHelper): (frame, a, b, c) -> result.
/// All guest state is in the Frame before and reloaded after, guest_ip and flags included; it may
/// leave().
using HelperFunction = uint64_t (*)(Frame*, uint64_t a, uint64_t b, uint64_t c);
/// Does an x87 instruction on the X87State (opcodes X87, X87Load, X87Store): `code` is opcode byte
/// << 8 | ModRM, `low` and `high` are the bytes of its operand. Returns the low 64 bits of what it
/// stores; further bits go to Frame::helper_result. Touches nothing else but the arithmetic flags.
using X87Function = uint64_t (*)(Frame*, uint64_t code, uint64_t low, uint64_t high);
struct Helper {
  const char* name;
  HelperFunction function;
};

/// Leaves translated code for the execution loop from a hook or helper: what the Frame holds is the
/// guest's state; nothing of the current instruction is done any more. Frame::exit_reason tells
/// why. C++ frames between are abandoned without destructors, so hooks and helpers must hold
/// nothing when they call it.
[[noreturn]] void leave(Frame* frame, uint16_t exit_reason);

}  // namespace vireo::tcg
