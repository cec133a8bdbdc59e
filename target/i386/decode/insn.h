#pragma once

#include <array>
#include <cstdint>

#include "target/i386/decode/row.h"

namespace vireo::i386 {

/// No register: a memory operand without base or index.
constexpr uint8_t kNoRegister = 0xff;
/// The base of a RIP-relative memory operand.
constexpr uint8_t kRipBase = 0xfe;

struct Operand {
  enum class Kind : uint8_t {
    kNone,
    kGeneral,    ///< Low `size` bytes of general register `reg`.
    kHigh8,      ///< Bits 15:8 of general register `reg` (AH, CH, DH, BH).
    kSegment,    ///< Segment register `reg`.
    kControl,    ///< Control register `reg`.
    kDebug,      ///< Debug register `reg`.
    kXmm,        ///< Low `size` bytes of XMM or YMM register `reg`.
    kMmx,        ///< MMX register `reg`.
    kMemory,     ///< Insn::memory.
    kSource,     ///< Memory at DS:rSI (or another segment).
    kTarget,     ///< Memory at ES:rDI.
    kImmediate,  ///< Insn::immediate, extended to 64 bits as the instruction says.
    kRelative,   ///< A branch target at Insn::immediate from the next instruction.
    kFar,        ///< Selector Insn::immediate2, offset Insn::immediate.
  };
  Kind kind = Kind::kNone;
  uint8_t reg = 0;
  uint8_t size = 0;  ///< In bytes.

  bool is_memory() const { return kind == Kind::kMemory; }
  bool is_register() const { return kind == Kind::kGeneral || kind == Kind::kHigh8; }
};

/// A ModRM or absolute memory operand: base + (index << scale) + displacement in a segment.
struct MemoryOperand {
  uint8_t base = kNoRegister;
  uint8_t index = kNoRegister;
  uint8_t scale = 0;
  uint8_t segment = 0;  ///< SegmentRegister, overrides applied.
  int64_t displacement = 0;
};

/// A decoded instruction.
struct Insn {
  const Row* row = nullptr;
  uint64_t ip = 0;     ///< Set by whoever knows it, not by the decoder.
  uint8_t length = 0;  ///< In bytes.
  uint8_t opcode = 0;  ///< The opcode's last byte.
  uint8_t modrm = 0;   ///< 0 if there is none.
  uint8_t rex = 0;     ///< 0 if there is none; made of the VEX prefix if there is one.
  bool vex = false;    ///< Has a VEX prefix, and
  bool vex_w = false;  ///< its fields,
  bool vex_l = false;
  uint8_t vex_vvvv = 0;      ///< not inverted,
  uint8_t vector_index = 0;  ///< The index register of a vsib operand.
  uint8_t vex_prefix = 0;    ///< the mandatory prefix that it stands for (0, 0x66, 0xf2, 0xf3).
  bool lock = false;
  uint8_t repeat = 0;           ///< 0, 0xf2 or 0xf3: the last of those prefixes.
  bool operand_prefix = false;  ///< 66 was seen.
  uint8_t operand_size = 0;     ///< 2, 4 or 8.
  uint8_t address_size = 0;     ///< 2, 4 or 8.
  uint8_t segment_override = kNoRegister;
  uint16_t immediate2 = 0;  ///< ENTER's second immediate, or a far pointer's selector.
  uint64_t immediate = 0;
  MemoryOperand memory;
  std::array<Operand, kMaxOperands> operands;

  bool is_register_form() const { return modrm >= 0xc0; }
  uint8_t reg() const { return modrm >> 3 & 7; }
  bool has(Attributes attribute) const { return row->attributes & attribute; }
};

}  // namespace vireo::i386
