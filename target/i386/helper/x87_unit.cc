// The x87 register stack and its exceptions (SDM volume 1, 8.1 and 8.4 to 8.6).

#include "target/i386/helper/x87_unit.h"

#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/helper/raise.h"

namespace vireo::i386 {

using util::softfloat::Environment;
using util::softfloat::kAllExceptions;
using util::softfloat::kDefaultNan80;
using util::softfloat::kInexact;
using util::softfloat::kPreComputation;

X87Unit::X87Unit(CpuState& state) : state_(state), x87_(state.x87) {
  environment_.rounding = static_cast<util::softfloat::Rounding>(x87_.control >> 10 & 3);
  const unsigned precision = x87_.control >> 8 & 3;
  environment_.precision = static_cast<util::softfloat::Precision>(precision == 1 ? 3 : precision);
  environment_.masks = x87_.control & kAllExceptions;
}

void X87Unit::set(unsigned i, Float80 value) {
  x87_.registers[physical(i)] = {value.significand, value.sign_exponent};
  x87_.empty &= static_cast<uint8_t>(~(1u << physical(i)));
}

void X87Unit::pop() {
  mark_empty(0);
  x87_.top = (x87_.top + 1) & 7;
}

void X87Unit::push(Float80 value) {
  x87_.top = (x87_.top - 1) & 7;
  set(0, value);
}

bool X87Unit::stack_fault(bool overflow) {
  post(kX87Invalid);
  x87_.status |= kX87StackFault;
  set_condition(kX87C1, overflow);
  return x87_.control & kX87Invalid;
}

bool X87Unit::need(unsigned i, unsigned destination, unsigned pops) {
  if (!is_empty(i)) return true;
  if (stack_fault(false)) {
    if (destination < 8) set(destination, kDefaultNan80);
    for (unsigned n = 0; n < pops; ++n) pop();
  }
  return false;
}

bool X87Unit::need_two(unsigned i, unsigned j, unsigned destination, unsigned pops) {
  return need(is_empty(j) ? j : i, destination, pops);
}

bool X87Unit::need_room() {
  if (is_empty(7)) return true;
  if (stack_fault(true)) push(kDefaultNan80);
  return false;
}

void X87Unit::post(uint8_t flags) {
  x87_.status |= flags;
  update_summary();
}

void X87Unit::update_summary() {
  constexpr uint16_t kSummary = kX87ErrorSummary | kX87Busy;
  const bool pending = x87_.status & ~x87_.control & kAllExceptions;
  set_condition(kSummary, pending);
}

bool X87Unit::finish() {
  post(environment_.flags);
  set_condition(kX87C1, environment_.rounded_up && (environment_.flags & kInexact));
  return !(environment_.unmasked() & kPreComputation);
}

bool X87Unit::finish_store() {
  finish();
  return !(environment_.unmasked() & ~kInexact);
}

void unmask_x87(CpuState& state) {
  if ((state.x87_loaded_control & tcg::kX87Masks) == tcg::kX87Masks) return;
  state.x87.control = state.x87_loaded_control;
  state.x87_loaded_control |= tcg::kX87Masks;
  X87Unit(state).update_summary();
  update_mode(state);
}

bool is_x87_control(unsigned opcode, unsigned modrm) {
  if (modrm >= 0xc0) {
    return (opcode == 0xdb && modrm >= 0xe0 && modrm <= 0xe4) || (opcode == 0xdf && modrm == 0xe0);
  }
  const unsigned digit = modrm >> 3 & 7;
  return (opcode == 0xd9 && digit >= 4) || (opcode == 0xdd && (digit == 4 || digit >= 6));
}

bool x87_load_or_store_waits(unsigned opcode, unsigned digit) {
  return !((opcode == 0xd9 && digit >= 6) || (opcode == 0xdd && digit >= 6));
}

bool x87_mode_changed(CpuState& state, uint16_t control_before) {
  if (state.x87.control == control_before) return false;
  const uint64_t mode_before = state.mode;
  update_mode(state);
  return state.mode != mode_before;
}

void check_x87(CpuState& state, bool waits) {
  if (state.cr0 & (kCr0Em | kCr0Ts)) raise_exception(state, kNm);
  if (waits) report_pending_x87(state);
}

void report_pending_x87(CpuState& state) {
  if (!(state.x87.status & kX87ErrorSummary)) return;
  if (state.cr0 & kCr0Ne) raise_exception(state, kMf);
  state.machine->signal_fpu_error();
}

void initialise_x87(X87State& x87) {
  x87.control = 0x37f;
  x87.status = 0;
  x87.top = 0;
  x87.empty = 0xff;
  x87.opcode = 0;
  x87.instruction_pointer = x87.data_pointer = 0;
  x87.instruction_selector = x87.data_selector = 0;
}

uint16_t full_tags(const X87State& x87) {
  uint16_t tags = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const X87Register& reg = x87.registers[i];
    const unsigned exponent = reg.sign_exponent & 0x7fff;
    unsigned tag = 2;  // special
    if (x87.empty >> i & 1) {
      tag = 3;
    } else if (exponent == 0 && reg.significand == 0) {
      tag = 1;
    } else if (exponent != 0 && exponent != 0x7fff && reg.significand >> 63) {
      tag = 0;
    }
    tags |= static_cast<uint16_t>(tag << (i * 2));
  }
  return tags;
}

}  // namespace vireo::i386
