#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"
#include "util/softfloat/softfloat.h"

namespace vireo::i386 {

/// Bits of the x87 status word (SDM volume 1, 8.1.3).
enum X87StatusBit : uint16_t {
  kX87Invalid = 1u << 0,
  kX87StackFault = 1u << 6,
  kX87ErrorSummary = 1u << 7,
  kX87C0 = 1u << 8,
  kX87C1 = 1u << 9,
  kX87C2 = 1u << 10,
  kX87C3 = 1u << 14,
  kX87Busy = 1u << 15,
};
constexpr uint16_t kX87Conditions = kX87C0 | kX87C1 | kX87C2 | kX87C3;

/// The register stack and exception rules of the x87 unit, for one instruction: operands are
/// checked and results stored through it, and finish() posts what the computation raised.
class X87Unit {
 public:
  using Float80 = util::softfloat::Float80;

  explicit X87Unit(CpuState& state);

  util::softfloat::Environment& environment() { return environment_; }
  X87State& x87() { return x87_; }
  CpuState& state() { return state_; }

  unsigned physical(unsigned i) const { return (x87_.top + i) & 7; }
  bool is_empty(unsigned i) const { return x87_.empty >> physical(i) & 1; }
  Float80 get(unsigned i) const {
    const X87Register& reg = x87_.registers[physical(i)];
    return {reg.significand, reg.sign_exponent};
  }
  void set(unsigned i, Float80 value);
  void mark_empty(unsigned i) { x87_.empty |= static_cast<uint8_t>(1u << physical(i)); }
  void pop();
  /// Decrements TOP; the new ST(0) is `value`.
  void push(Float80 value);

  /// False after a stack underflow at ST(i): if it is masked, `destination` (none: 8) holds the
  /// indefinite; `pops` registers go then too.
  bool need(unsigned i, unsigned destination, unsigned pops = 0);
  bool need_two(unsigned i, unsigned j, unsigned destination, unsigned pops = 0);
  /// False after a stack overflow: ST(7) is not empty. If masked, the indefinite was pushed.
  bool need_room();
  /// Records a stack fault; true if it is masked.
  bool stack_fault(bool overflow);

  /// Merges raised flags into the status word; C1 tells the rounding. True if the result may be
  /// stored: no unmasked exception that was found before the computation.
  bool finish();
  /// The same for a result in memory, which any unmasked exception but inexact keeps from there.
  bool finish_store();

  void set_conditions(uint16_t bits) {
    x87_.status = static_cast<uint16_t>((x87_.status & ~kX87Conditions) | bits);
  }
  void set_condition(uint16_t bit, bool on) {
    x87_.status = static_cast<uint16_t>(on ? x87_.status | bit : x87_.status & ~bit);
  }
  /// ES and B follow the flags and masks.
  void update_summary();

 private:
  void post(uint8_t flags);

  CpuState& state_;
  X87State& x87_;
  util::softfloat::Environment environment_;
};

/// #NM or a pending #MF before an x87 instruction; `waits`: it looks for pending exceptions.
void check_x87(CpuState& state, bool waits);
/// #MF, or the FERR signal without CR0.NE, if an unmasked exception waits.
void report_pending_x87(CpuState& state);
/// Control instructions leave the pointers to the last instruction alone: FNENI to FNSETPM, FNCLEX,
/// FNINIT, FNSTSW, FLDENV, FLDCW, FNSTENV, FNSTCW, FRSTOR, FNSAVE.
bool is_x87_control(unsigned opcode, unsigned modrm);
/// Of a memory form, whether pending exceptions come first: not of FNSTENV, FNSTCW, FNSAVE and
/// FNSTSW.
bool x87_load_or_store_waits(unsigned opcode, unsigned digit);
/// Follows a change of the control word; whether translations for another mode are needed now.
bool x87_mode_changed(CpuState& state, uint16_t control_before);
/// Completes an FLDCW of translated code that unmasks exceptions.
void unmask_x87(CpuState& state);
/// FNINIT.
void initialise_x87(X87State& x87);
/// The full tag word (SDM volume 1, 8.1.7).
uint16_t full_tags(const X87State& x87);

/// The arithmetic of D8, DA, DC and DE: ADD, MUL, COM, COMP, SUB, SUBR, DIV, DIVR (0 to 7).
/// Computes a op b for 0, 1, 4 to 7.
util::softfloat::Float80 x87_compute(X87Unit& unit, unsigned operation,
                                     util::softfloat::Operand80 a, util::softfloat::Operand80 b);
/// Compares and sets C3, C2, C0.
void x87_compare(X87Unit& unit, util::softfloat::Operand80 a, util::softfloat::Operand80 b,
                 bool quiet);
/// Any instruction without a memory operand.
void x87_register_form(X87Unit& unit, unsigned opcode, unsigned modrm);
/// The instructions of D9 E0 to FF.
void x87_unary(X87Unit& unit, unsigned modrm);

}  // namespace vireo::i386
