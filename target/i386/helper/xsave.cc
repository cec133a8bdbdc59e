// FXSAVE, FXRSTOR, the XSAVE family and MXCSR (SDM volume 1, chapter 13).

#include "target/i386/helper/xsave.h"

#include <algorithm>
#include <cstring>

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/x87_unit.h"

namespace vireo::i386 {
namespace {

constexpr size_t kLegacySize = 512;
constexpr size_t kHeaderOffset = 512;
constexpr size_t kHeaderSize = 64;
constexpr size_t kVectorOffset = 160;
constexpr uint64_t kComponentX87 = 1, kComponentSse = 2, kComponentAvx = 4;
constexpr size_t kAvxOffset = 576, kAvxSize = 256;
constexpr uint64_t kCompacted = uint64_t{1} << 63;

template <class T>
void put(uint8_t* area, size_t offset, T value) {
  std::memcpy(area + offset, &value, sizeof value);
}

template <class T>
T get(const uint8_t* area, size_t offset) {
  T value;
  std::memcpy(&value, area + offset, sizeof value);
  return value;
}

// XMM8 to XMM15 exist in 64-bit mode only.
unsigned vector_count(const CpuState& state) { return in_64bit_mode(state) ? 16 : 8; }

void check_available(CpuState& state) {
  if (state.cr0 & kCr0Em) raise_exception(state, kUd);
  if (state.cr0 & kCr0Ts) raise_exception(state, kNm);
}

void check_xsave(CpuState& state, uint64_t linear) {
  if (!(state.cr4 & kCr4Osxsave)) raise_exception(state, kUd);
  if (state.cr0 & kCr0Ts) raise_exception(state, kNm);
  if (linear & 63) raise_gp(state, 0);
}

uint64_t requested_components(const CpuState& state) {
  const uint64_t mask = (state.frame.general[kRax] & 0xffffffff) | state.frame.general[kRdx] << 32;
  return mask & state.xcr0;
}

bool is_initial_x87(const X87State& x87) {
  const X87State initial;
  return x87.control == 0x37f && x87.status == 0 && x87.top == 0 && x87.empty == 0xff &&
         x87.opcode == 0 && x87.instruction_pointer == 0 && x87.data_pointer == 0 &&
         std::memcmp(x87.registers, initial.registers, sizeof x87.registers) == 0;
}

// Components that are not in their initial configuration.
uint64_t components_in_use(const CpuState& state) {
  uint64_t used = is_initial_x87(state.x87) ? 0 : kComponentX87;
  for (unsigned i = 0; i < vector_count(state); ++i) {
    const uint8_t* bytes = state.frame.vector[i];
    const auto nonzero = [](uint8_t byte) { return byte != 0; };
    if (std::any_of(bytes, bytes + 16, nonzero)) used |= kComponentSse;
    if (std::any_of(bytes + 16, bytes + 32, nonzero)) used |= kComponentAvx;
  }
  return used;
}

void set_initial_x87(CpuState& state) {
  state.x87 = X87State{};
  state.x87.control = 0x37f;
  state.x87.empty = 0xff;
}

}  // namespace

uint8_t abridged_tags(const X87State& x87) { return static_cast<uint8_t>(~x87.empty); }

void pack_legacy_area(const CpuState& state, bool wide, uint8_t* area) {
  const X87State& x87 = state.x87;
  put<uint16_t>(area, 0, x87.control);
  put<uint16_t>(area, 2, static_cast<uint16_t>(x87.status | x87.top << 11));
  put<uint8_t>(area, 4, abridged_tags(x87));
  put<uint8_t>(area, 5, 0);
  put<uint16_t>(area, 6, x87.opcode);
  if (wide) {
    put<uint64_t>(area, 8, x87.instruction_pointer);
    put<uint64_t>(area, 16, x87.data_pointer);
  } else {
    put<uint32_t>(area, 8, static_cast<uint32_t>(x87.instruction_pointer));
    put<uint32_t>(area, 12, x87.instruction_selector);
    put<uint32_t>(area, 16, static_cast<uint32_t>(x87.data_pointer));
    put<uint32_t>(area, 20, x87.data_selector);
  }
  put<uint32_t>(area, 24, state.frame.mxcsr);
  put<uint32_t>(area, 28, kMxcsrMask);
  for (unsigned i = 0; i < 8; ++i) {
    const X87Register& reg = x87.registers[(x87.top + i) & 7];
    std::memset(area + 32 + i * 16, 0, 16);
    put<uint64_t>(area, 32 + i * 16, reg.significand);
    put<uint16_t>(area, 40 + i * 16, reg.sign_exponent);
  }
  for (unsigned i = 0; i < vector_count(state); ++i)
    std::memcpy(area + kVectorOffset + i * 16, state.frame.vector[i], 16);
}

void unpack_x87(CpuState& state, bool wide, const uint8_t* area) {
  X87State& x87 = state.x87;
  x87.control = tcg::x87_control_word(get<uint16_t>(area, 0));
  const auto status = get<uint16_t>(area, 2);
  x87.status = status & ~0x3800;
  x87.top = status >> 11 & 7;
  x87.empty = static_cast<uint8_t>(~area[4]);
  x87.opcode = get<uint16_t>(area, 6) & 0x7ff;
  if (wide) {
    x87.instruction_pointer = get<uint64_t>(area, 8);
    x87.data_pointer = get<uint64_t>(area, 16);
    x87.instruction_selector = x87.data_selector = 0;
  } else {
    x87.instruction_pointer = get<uint32_t>(area, 8);
    x87.instruction_selector = get<uint16_t>(area, 12);
    x87.data_pointer = get<uint32_t>(area, 16);
    x87.data_selector = get<uint16_t>(area, 20);
  }
  for (unsigned i = 0; i < 8; ++i) {
    X87Register& reg = x87.registers[(x87.top + i) & 7];
    reg.significand = get<uint64_t>(area, 32 + i * 16);
    reg.sign_exponent = get<uint16_t>(area, 40 + i * 16);
  }
}

void unpack_vectors(CpuState& state, const uint8_t* area) {
  for (unsigned i = 0; i < vector_count(state); ++i)
    std::memcpy(state.frame.vector[i], area + kVectorOffset + i * 16, 16);
}

uint64_t helper_fxsave(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  check_available(state);
  if (a & 15) raise_gp(state, 0);
  const size_t size = kVectorOffset + vector_count(state) * 16;
  uint8_t area[kLegacySize] = {};
  pack_legacy_area(state, b != 0, area);
  write_bytes(state, a, area, size, data_privilege(state));
  return 0;
}

uint64_t helper_fxrstor(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  check_available(state);
  if (a & 15) raise_gp(state, 0);
  uint8_t area[kLegacySize];
  read_bytes(state, a, area, sizeof area, data_privilege(state));
  const auto mxcsr = get<uint32_t>(area, 24);
  if (mxcsr & ~kMxcsrMask) raise_gp(state, 0);
  const uint16_t control_word = state.x87.control;
  unpack_x87(state, b != 0, area);
  frame->mxcsr = mxcsr;
  unpack_vectors(state, area);
  return x87_mode_changed(state, control_word);
}

uint64_t helper_xsave(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  check_xsave(state, a);
  if (c == 3) raise_exception(state, kUd);  // XSAVES is not advertised
  const Privilege privilege = data_privilege(state);
  const uint64_t requested = requested_components(state);
  const uint64_t in_use = components_in_use(state);
  const bool compacted = c == 2;
  const uint64_t stored = c == 0 ? requested : requested & in_use;
  const size_t end = requested & kComponentAvx ? kAvxOffset + kAvxSize : kAvxOffset;
  probe_write(state, a, end, privilege);

  uint8_t area[kLegacySize] = {};
  pack_legacy_area(state, b != 0, area);
  if (stored & kComponentX87) {
    write_bytes(state, a, area, 24, privilege);
    write_bytes(state, a + 32, area + 32, 128, privilege);
  }
  if (requested & (kComponentSse | kComponentAvx))
    write_bytes(state, a + 24, area + 24, 8, privilege);
  if (stored & kComponentSse)
    write_bytes(state, a + kVectorOffset, area + kVectorOffset, vector_count(state) * 16,
                privilege);
  if (stored & kComponentAvx) {
    for (unsigned i = 0; i < vector_count(state); ++i)
      write_bytes(state, a + kAvxOffset + i * 16, frame->vector[i] + 16, 16, privilege);
  }
  // XSTATE_BV: the requested bits are replaced, others kept (XSAVEC: cleared).
  uint64_t bits = compacted ? 0 : read<uint64_t>(state, a + kHeaderOffset, privilege) & ~requested;
  bits |= requested & in_use;
  write<uint64_t>(state, a + kHeaderOffset, bits, privilege);
  if (compacted) {
    write<uint64_t>(state, a + kHeaderOffset + 8, kCompacted | requested, privilege);
  }
  return 0;
}

uint64_t helper_xrstor(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  check_xsave(state, a);
  const Privilege privilege = data_privilege(state);
  const uint64_t requested = requested_components(state);
  uint8_t area[kLegacySize + kHeaderSize];
  read_bytes(state, a, area, sizeof area, privilege);
  const auto present = get<uint64_t>(area, kHeaderOffset);
  const auto layout = get<uint64_t>(area, kHeaderOffset + 8);
  const bool compacted = layout & kCompacted;
  if (compacted && !state.config->has(Feature::kXsavec)) raise_gp(state, 0);
  const uint64_t allowed = compacted ? layout & state.xcr0 : state.xcr0;
  const uint8_t* reserved = area + kHeaderOffset + (compacted ? 16 : 8);
  const bool has_reserved = std::any_of(reserved, static_cast<const uint8_t*>(area) + sizeof area,
                                        [](uint8_t byte) { return byte != 0; });
  if ((present & ~allowed) || has_reserved || (compacted && (layout & ~kCompacted & ~state.xcr0)))
    raise_gp(state, 0);
  const auto mxcsr = get<uint32_t>(area, 24);
  const bool loads_mxcsr = requested & (kComponentSse | kComponentAvx);
  if (loads_mxcsr && (mxcsr & ~kMxcsrMask)) raise_gp(state, 0);
  uint8_t upper[kAvxSize] = {};
  if (requested & present & kComponentAvx)
    read_bytes(state, a + kAvxOffset, upper, sizeof upper, privilege);

  const uint16_t control_word = state.x87.control;
  if (requested & kComponentX87) {
    if (present & kComponentX87) {
      unpack_x87(state, b != 0, area);
    } else {
      set_initial_x87(state);
    }
  }
  if (loads_mxcsr) frame->mxcsr = mxcsr;
  if (requested & kComponentSse) {
    if (!(present & kComponentSse)) std::memset(area + kVectorOffset, 0, 256);
    unpack_vectors(state, area);
  }
  if (requested & kComponentAvx) {
    for (unsigned i = 0; i < vector_count(state); ++i)
      std::memcpy(frame->vector[i] + 16, upper + i * 16, 16);
  }
  return x87_mode_changed(state, control_word);
}

uint64_t helper_ldmxcsr(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (a & ~uint64_t{kMxcsrMask}) raise_gp(state, 0);
  frame->mxcsr = static_cast<uint32_t>(a);
  return 0;
}

uint64_t helper_stmxcsr(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) { return frame->mxcsr; }

}  // namespace vireo::i386
