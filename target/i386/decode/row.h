#pragma once

#include <cstdint>

#include "target/i386/cpu/features.h"
#include "target/i386/decode/operand.h"

namespace vireo::i386 {

class Translator;
struct Insn;

/// Opcode maps (SDM volume 2, appendix A).
enum class Map : uint8_t { kOneByte, k0f, k0f38, k0f3a };
constexpr unsigned kMaps = 4;

/// What a row demands of an encoding and says of an instruction; a sum of the constants below.
using Attributes = uint64_t;

constexpr Attributes lockable = 1u << 0;       ///< LOCK is legal with a memory destination.
constexpr Attributes no64 = 1u << 1;           ///< Not in 64-bit mode.
constexpr Attributes only64 = 1u << 2;         ///< In 64-bit mode only.
constexpr Attributes default64 = 1u << 3;      ///< Operand size 8 (or 2) in 64-bit mode.
constexpr Attributes force64 = 1u << 4;        ///< Operand size 8 in 64-bit mode.
constexpr Attributes memory_only = 1u << 5;    ///< Mod is not 3.
constexpr Attributes register_only = 1u << 6;  ///< Mod is 3.
constexpr Attributes has_modrm = 1u << 7;      ///< Has a ModRM byte though no operand tells of it.
constexpr Attributes has_reg = 1u << 8;        ///< ModRM.reg must be that of reg().
constexpr Attributes has_rm = 1u << 12;        ///< ModRM.rm must be that of rm().
constexpr Attributes privileged = 1u << 16;    ///< #GP(0) unless the privilege level is 0.
constexpr Attributes protected_mode = 1u << 17;  ///< #UD in real-address and virtual-8086 mode.
constexpr Attributes uses_fpu = 1u << 18;        ///< #NM if CR0 says so.
constexpr Attributes uses_mmx = 1u << 19;        ///< #UD or #NM if CR0 says so; turns to MMX state.
constexpr Attributes uses_sse = 1u << 20;        ///< #UD or #NM if CR0 or CR4 says so.
constexpr Attributes unaligned = 1u << 21;       ///< A 16-byte memory operand needs no alignment.
constexpr Attributes non_temporal = 1u << 23;    ///< Stores past the caches.
constexpr Attributes hidden = 1u << 22;          ///< #UD unless the privilege level is 0.
constexpr Attributes prefix_none = 1u << 24;     ///< No 66, F2 or F3 prefix, nor VEX.pp for one.
constexpr Attributes prefix_66 = 2u << 24;
constexpr Attributes prefix_f3 = 3u << 24;
constexpr Attributes prefix_f2 = 4u << 24;
constexpr Attributes prefix_mask = 7u << 24;
/// VEX-encoded, which real-address and virtual-8086 mode do not have.
constexpr Attributes vex = 1u << 27 | protected_mode;
constexpr Attributes vex_l0 = 1u << 28;  ///< VEX.L is 0; with neither this nor
constexpr Attributes vex_l1 = 1u << 29;  ///< this: any.
constexpr Attributes vex_w0 = 1u << 30;  ///< VEX.W is 0; with neither this nor
constexpr Attributes vex_w1 = 1u << 31;  ///< this: any.

constexpr Attributes uses_avx = uint64_t{1} << 40;  ///< #UD or #NM if CR0, CR4 or XCR0 says so.

constexpr Attributes vsib = uint64_t{1}
                            << 41;  ///< The memory operand's index is a vector register.

constexpr bool is_vex(Attributes attributes) { return attributes >> 27 & 1; }

constexpr Attributes reg(unsigned number) { return has_reg | number << 9; }
constexpr unsigned reg_of(Attributes attributes) { return attributes >> 9 & 7; }
constexpr Attributes rm(unsigned number) { return has_rm | number << 13; }
constexpr unsigned rm_of(Attributes attributes) { return attributes >> 13 & 7; }
/// #UD (or what the rows that follow say) unless CPUID tells of `feature`.
constexpr Attributes needs(Feature feature) { return (static_cast<Attributes>(feature) + 1) << 32; }
/// MMXEXT will do too (AMD volume 3, appendix D): of SSE, what works on general and MMX registers.
constexpr Attributes or_mmxext = uint64_t{1} << 42;
constexpr bool is_available(Attributes attributes, const FeatureSet& features) {
  const auto number = attributes >> 32 & 0xff;
  return number == 0 || features.has(static_cast<Feature>(number - 1)) ||
         ((attributes & or_mmxext) && features.has(Feature::kMmxext));
}

/// One opcode: a row of the tables, which are searched in their order for the first that fits.
struct Row {
  uint8_t opcode;
  const char* mnemonic;
  OperandSpecs operands;
  Attributes attributes;
  void (Translator::*translate)(const Insn&);
  uint16_t variant = 0;  ///< For `translate`: RmwKind, Condition, Opcode, HelperId, VectorOpcode...
};

}  // namespace vireo::i386
