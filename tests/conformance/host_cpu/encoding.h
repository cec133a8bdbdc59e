#pragma once

#include "target/i386/decode/insn.h"
#include "tests/conformance/host_cpu/processor_state.h"
#include "tests/conformance/host_cpu/random.h"

namespace vireo::host_cpu {

/// A random instruction of a row.
struct Encoding {
  unsigned bits;  ///< Of the code segment: 32 or 64.
  i386::Insn insn;
  uint8_t bytes[16];
  /// Where the memory operand lies if no register that can be chosen tells; else 0.
  uint64_t fixed_target;
};

/// False if this try gave none (a combination of operands that cannot be set up).
bool make_encoding(unsigned bits, i386::Map map, const i386::Row& row, Random& random,
                   Encoding& encoding);

/// A place in the arena's data for a memory operand: aligned or not, across pages, and sometimes
/// where memory is read-only or ends.
uint64_t random_target(Random& random);
/// The same, always aligned to 8 bytes in the midst of it.
uint64_t usual_target(Random& random);

/// Whether it reaches no more than 64 KiB of DS and ES.
bool has_16bit_address(const Encoding& encoding);
/// Where DS begins for it.
uint64_t data_base(const Encoding& encoding);
/// Whether the host's CPUID tells of what the row needs.
bool host_has(const i386::Row& row);
/// Whether the instruction goes elsewhere than to the next one.
bool is_branch(const i386::Row& row);
/// Whether it takes where it goes to from a register, memory or the stack.
bool is_indirect_branch(const i386::Row& row);
bool is_string(const i386::Insn& insn);
/// MOVSXD of 16 bits, for which AMD's processors read 32.
bool is_short_movsxd(const i386::Insn& insn);
/// 0F 0D with registers.
bool is_undefined_on_amd(const i386::Row& row);

}  // namespace vireo::host_cpu
