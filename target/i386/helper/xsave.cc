// FXSAVE, FXRSTOR and MXCSR (SDM volume 1, 10.5).

#include "target/i386/helper/xsave.h"

#include <cstring>

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/x87_unit.h"

namespace vireo::i386 {
namespace {

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

void check_available(CpuState& state) {
  if (state.cr0 & kCr0Em) raise_exception(state, kUd);
  if (state.cr0 & kCr0Ts) raise_exception(state, kNm);
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
    std::memcpy(area + kXsaveVectorOffset + i * 16, state.frame.vector[i], 16);
}

void unpack_x87(CpuState& state, bool wide, const uint8_t* area) {
  X87State& x87 = state.x87;
  x87.control = tcg::x87_control_word(get<uint16_t>(area, 0));
  const auto status = get<uint16_t>(area, 2);
  x87.status = status & ~0x3800;
  x87.top = status >> 11 & 7;
  x87.empty = static_cast<uint8_t>(~area[4]);
  X87Unit(state).update_summary();
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
    std::memcpy(state.frame.vector[i], area + kXsaveVectorOffset + i * 16, 16);
}

uint64_t helper_fxsave(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  check_available(state);
  check_stack_address(state, a, b & 2);
  if (a & 15) raise_gp(state, 0);
  const size_t size = kXsaveVectorOffset + vector_count(state) * 16;
  uint8_t area[kXsaveLegacySize] = {};
  pack_legacy_area(state, b & 1, area);
  write_bytes(state, a, area, size, data_privilege(state));
  return 0;
}

uint64_t helper_fxrstor(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  check_available(state);
  check_stack_address(state, a, b & 2);
  if (a & 15) raise_gp(state, 0);
  uint8_t area[kXsaveLegacySize];
  read_bytes(state, a, area, sizeof area, data_privilege(state));
  const auto mxcsr = get<uint32_t>(area, 24);
  if (mxcsr & ~kMxcsrMask) raise_gp(state, 0);
  const uint16_t control_word = state.x87.control;
  unpack_x87(state, b & 1, area);
  frame->mxcsr = mxcsr;
  unpack_vectors(state, area);
  return x87_mode_changed(state, control_word);
}

uint64_t helper_ldmxcsr(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (a & ~uint64_t{kMxcsrMask}) raise_gp(state, 0);
  frame->mxcsr = static_cast<uint32_t>(a);
  return 0;
}

}  // namespace vireo::i386
