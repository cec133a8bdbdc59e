#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vireo::i386 {

/// Where an operand is encoded, by its letter in the SDM's opcode maps (volume 2, A.2.1).
enum class Place : uint8_t {
  kNone,
  kE,            ///< ModRM.rm: general register or memory.
  kG,            ///< ModRM.reg: general register.
  kM,            ///< ModRM.rm: memory.
  kR,            ///< ModRM.rm: general register, whatever mod says.
  kS,            ///< ModRM.reg: segment register.
  kC,            ///< ModRM.reg: control register.
  kD,            ///< ModRM.reg: debug register.
  kV,            ///< ModRM.reg: XMM register.
  kW,            ///< ModRM.rm: XMM register or memory.
  kU,            ///< ModRM.rm: XMM register.
  kP,            ///< ModRM.reg: MMX register.
  kQ,            ///< ModRM.rm: MMX register or memory.
  kN,            ///< ModRM.rm: MMX register.
  kH,            ///< VEX.vvvv: XMM or YMM register.
  kK,            ///< VEX.vvvv: general register (the SDM's B).
  kL,            ///< Bits 7:4 of an immediate byte: XMM or YMM register.
  kI,            ///< Immediate.
  kB,            ///< Immediate byte, sign-extended ("Bb", "Bv": to which width).
  kJ,            ///< Relative branch target.
  kA,            ///< Far pointer in the instruction.
  kO,            ///< Memory at an absolute offset in the instruction.
  kX,            ///< Memory at DS:rSI.
  kY,            ///< Memory at ES:rDI.
  kZ,            ///< General register in the opcode's low three bits.
  kAccumulator,  ///< "AL", "rAX" (v) and "eAX" (z).
  kCl,           ///< "CL".
  kDx,           ///< "DX".
  kOne,          ///< "1".
};

/// How wide an operand is, by its letter in the SDM's opcode maps (volume 2, A.2.2).
enum class Width : uint8_t {
  kNone,
  kB,   ///< 1 byte.
  kW,   ///< 2.
  kD,   ///< 4.
  kQ,   ///< 8.
  kDq,  ///< 16.
  kQq,  ///< 32.
  kX,   ///< 32 with VEX.L, else 16.
  kXh,  ///< Half of that,
  kXq,  ///< a quarter,
  kXe,  ///< an eighth.
  kXl,  ///< 32 with VEX.L, else 8 (VMOVDDUP).
  kT,   ///< 10: an x87 register.
  kV,   ///< The operand size: 2, 4 or 8.
  kZ,   ///< 2 or 4 (for an operand size of 8, too).
  kY,   ///< 8 with REX.W, else 4.
  kN,   ///< 8 in 64-bit mode, else 4 (control and debug registers).
  kP,   ///< A far pointer: the operand size and 2.
};

struct OperandSpec {
  Place place = Place::kNone;
  Width width = Width::kNone;         ///< In a register, and in memory unless
  Width memory_width = Width::kNone;  ///< this says otherwise ("Rd/Mb").
};

constexpr unsigned kMaxOperands = 4;
using OperandSpecs = std::array<OperandSpec, kMaxOperands>;

namespace internal {

constexpr Place place_of(char letter) {
  constexpr std::string_view kLetters = "EGMRSCDVWUPQNHKLIBJAOXYZ";
  const size_t at = kLetters.find(letter);
  if (at == std::string_view::npos) throw "no such operand place";
  return static_cast<Place>(at + 1);
}

constexpr Width width_of(std::string_view text) {
  constexpr std::string_view kNames[] = {"",   "b",  "w",  "d", "q", "dq", "qq", "x", "xh",
                                         "xq", "xe", "xl", "t", "v", "z",  "y",  "n", "p"};
  for (unsigned i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == text) return static_cast<Width>(i);
  }
  throw "no such operand width";
}

constexpr OperandSpec operand(std::string_view text) {
  if (text == "AL") return {Place::kAccumulator, Width::kB};
  if (text == "rAX") return {Place::kAccumulator, Width::kV};
  if (text == "eAX") return {Place::kAccumulator, Width::kZ};
  if (text == "CL") return {Place::kCl, Width::kB};
  if (text == "DX") return {Place::kDx, Width::kW};
  if (text == "1") return {Place::kOne, Width::kB};
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {place_of(text[0]), width_of(text.substr(1))};
  const Place place = text[0] == 'R' ? Place::kE : text[0] == 'U' ? Place::kW : Place::kQ;
  return {place, width_of(text.substr(1, slash - 1)), width_of(text.substr(slash + 2))};
}

}  // namespace internal

/// Operands in the SDM's notation, e.g. "Eb,Gb" or "Rd/Mb,Vdq,Ib"; an ill-formed one does not
/// compile.
consteval OperandSpecs operands(std::string_view text) {
  OperandSpecs specs{};
  unsigned count = 0;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    specs[count++] = internal::operand(text.substr(0, comma));
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  }
  return specs;
}

}  // namespace vireo::i386
