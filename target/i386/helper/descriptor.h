#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// Types of system descriptors (SDM volume 3, table 3-2).
enum SystemType : uint8_t {
  kTss16 = 1,
  kLdt = 2,
  kBusyTss16 = 3,
  kCallGate16 = 4,
  kTaskGate = 5,
  kInterruptGate16 = 6,
  kTrapGate16 = 7,
  kTss32 = 9,
  kBusyTss32 = 0xb,
  kCallGate32 = 0xc,
  kInterruptGate32 = 0xe,
  kTrapGate32 = 0xf,
};

/// Attribute bits of a segment (see Segment::attributes).
enum AttributeBit : uint16_t {
  kAttributeAccessed = 1u << 0,
  kAttributeWritable = 1u << 1,    ///< Data: writable; code: readable.
  kAttributeConforming = 1u << 2,  ///< Code: conforming; data: expand-down.
  kAttributeCode = 1u << 3,
  kAttributeMemory = 1u << 4,  ///< S: code or data.
  kAttributePresent = 1u << 7,
  kAttributeLong = 1u << 13,
  kAttributeBig = 1u << 14,
  kAttributeGranularity = 1u << 15,
};

/// An 8-byte descriptor from the GDT, LDT or IDT, with the upper half of 16-byte ones.
struct Descriptor {
  uint32_t low = 0;
  uint32_t high = 0;
  uint32_t upper_base = 0;  ///< Bits 63:32 of a system descriptor's base or offset in long mode.
  uint64_t linear = 0;      ///< Where it lies.

  uint8_t type() const { return high >> 8 & 0xf; }
  bool is_memory() const { return high & 0x1000; }
  bool is_code() const { return (high & 0x1800) == 0x1800; }
  bool is_data() const { return (high & 0x1800) == 0x1000; }
  bool is_conforming() const { return high & 0x400; }
  bool is_writable_data() const { return (high & 0x1a00) == 0x1200; }
  bool is_readable() const { return is_data() || (high & 0x200); }
  bool is_system(uint8_t wanted) const { return !is_memory() && type() == wanted; }
  uint8_t dpl() const { return high >> 13 & 3; }
  bool present() const { return high & 0x8000; }
  bool is_long() const { return high & 0x200000; }
  bool is_big() const { return high & 0x400000; }

  uint64_t base() const {
    return (low >> 16 | (high & 0xff) << 16 | (high & 0xff000000)) | uint64_t{upper_base} << 32;
  }
  uint32_t limit() const {
    const uint32_t raw = (low & 0xffff) | (high & 0xf0000);
    return high & 0x800000 ? raw << 12 | 0xfff : raw;
  }
  uint16_t attributes() const { return static_cast<uint16_t>(high >> 8 & 0xf0ff); }

  // As a gate:
  uint16_t gate_selector() const { return static_cast<uint16_t>(low >> 16); }
  uint64_t gate_offset() const {
    return (low & 0xffff) | (high & 0xffff0000) | uint64_t{upper_base} << 32;
  }
  uint8_t parameter_count() const { return high & 0x1f; }
  uint8_t ist() const { return high & 7; }

  Segment segment(uint16_t selector) const { return {base(), limit(), selector, attributes()}; }
};

/// The index and table bits of `selector` as an error code, with EXT of the event being delivered.
uint32_t selector_error(const CpuState& state, uint16_t selector);
inline bool is_null(uint16_t selector) { return (selector & 0xfffc) == 0; }

/// Reads the descriptor of a selector that is not null. Raises `vector`(selector) if it lies beyond
/// the table's limit. `wide`: read the upper half of a long-mode system descriptor too.
Descriptor read_descriptor(CpuState& state, uint16_t selector, uint8_t vector = kGp,
                           bool wide = false);
/// The same without raising for a limit: false.
bool find_descriptor(CpuState& state, uint16_t selector, Descriptor& descriptor);
/// Reads the upper 8 bytes of a long-mode system descriptor or gate.
void read_upper_half(CpuState& state, uint16_t selector, Descriptor& descriptor);

/// Sets or clears bits of the descriptor's type in memory, atomically.
void set_accessed(CpuState& state, Descriptor& descriptor);
void set_busy(CpuState& state, const Descriptor& descriptor, bool busy);

}  // namespace vireo::i386
