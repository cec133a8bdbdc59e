// x87 instructions on registers, D8 to DF with a register operand (SDM volume 2, tables A-8 to
// A-22), and MMX's use of the same registers.

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/x87_unit.h"

namespace vireo::i386 {

namespace sf = util::softfloat;

namespace {

// ST(destination) = ST(destination) op ST(source) for ADD to DIVR, in the operand order of D8.
void arithmetic(X87Unit& unit, unsigned operation, unsigned destination, unsigned source,
                bool pops) {
  if (!unit.need_two(destination, source, destination, pops)) return;
  const sf::Float80 result = x87_compute(unit, operation, unit.get(destination), unit.get(source));
  if (!unit.finish()) return;
  unit.set(destination, result);
  if (pops) unit.pop();
}

void compare(X87Unit& unit, unsigned i, bool quiet, unsigned pops) {
  if (!unit.need_two(0, i, 8, pops)) {
    unit.set_condition(kX87C0 | kX87C2 | kX87C3, true);
    return;
  }
  x87_compare(unit, unit.get(0), unit.get(i), quiet);
  if (unit.environment().unmasked()) return;
  for (unsigned n = 0; n < pops; ++n) unit.pop();
}

// FCOMI, FUCOMI: the result goes to ZF, PF, CF; OF, SF and AF become 0.
void compare_into_eflags(X87Unit& unit, unsigned i, bool quiet, bool pops) {
  constexpr uint32_t kUnordered = tcg::kFlagZ | tcg::kFlagP | tcg::kFlagC;
  if (!unit.need_two(0, i, 8, pops)) return set_arithmetic_flags(unit.state(), kUnordered);
  auto& environment = unit.environment();
  const sf::Ordering order = quiet ? sf::compare_quiet(unit.get(0), unit.get(i), environment)
                                   : sf::compare_signaling(unit.get(0), unit.get(i), environment);
  if (!unit.finish()) return;
  constexpr uint32_t kFlags[] = {tcg::kFlagC, tcg::kFlagZ, 0, kUnordered};
  set_arithmetic_flags(unit.state(), kFlags[static_cast<unsigned>(order)]);
  if (pops) unit.pop();
}

void load_register(X87Unit& unit, unsigned i) {
  if (unit.is_empty(i)) {
    if (unit.stack_fault(false)) unit.push(sf::kDefaultNan80);
    return;
  }
  if (!unit.need_room()) return;
  unit.push(unit.get(i));
  unit.set_condition(kX87C1, false);
}

void store_register(X87Unit& unit, unsigned i, bool pops) {
  if (!unit.need(0, i, pops)) return;
  unit.set(i, unit.get(0));
  unit.set_condition(kX87C1, false);
  if (pops) unit.pop();
}

// D9 D8+i, which knows no underflow: nothing is copied then.
void store_and_pop_silently(X87Unit& unit, unsigned i) {
  if (!unit.is_empty(0)) return store_register(unit, i, true);
  unit.set_condition(kX87C1, false);
  unit.pop();
}

void exchange(X87Unit& unit, unsigned i) {
  if (unit.is_empty(0) || unit.is_empty(i)) {
    if (!unit.stack_fault(false)) return;
    if (unit.is_empty(0)) unit.set(0, sf::kDefaultNan80);
    if (unit.is_empty(i)) unit.set(i, sf::kDefaultNan80);
  }
  const sf::Float80 value = unit.get(0);
  unit.set(0, unit.get(i));
  unit.set(i, value);
  unit.set_condition(kX87C1, false);
}

// FCMOVcc: 0 to 3 are B, E, BE, U; `negated` the forms of DB.
void move_if(X87Unit& unit, unsigned condition, bool negated, unsigned i) {
  const uint32_t flags = arithmetic_flags(unit.state());
  constexpr uint32_t kFlags[] = {tcg::kFlagC, tcg::kFlagZ, tcg::kFlagC | tcg::kFlagZ, tcg::kFlagP};
  if (!unit.need_two(0, i, 0)) return;
  if (((flags & kFlags[condition]) != 0) != negated) unit.set(0, unit.get(i));
}

void clear_exceptions(X87Unit& unit) {
  unit.x87().status &= static_cast<uint16_t>(~(kX87Busy | 0xffu));
}

[[noreturn]] void undefined(X87Unit& unit) { raise_exception(unit.state(), kUd); }

void group_d8(X87Unit& unit, unsigned group, unsigned i) {
  if (group == 2 || group == 3) return compare(unit, i, false, group - 2);
  arithmetic(unit, group, 0, i, false);
}

void group_d9(X87Unit& unit, unsigned modrm, unsigned group, unsigned i) {
  switch (group) {
    case 0:
      return load_register(unit, i);
    case 1:
      return exchange(unit, i);
    case 2:
      if (i != 0) undefined(unit);
      return;  // FNOP
    case 3:
      return store_and_pop_silently(unit, i);
    default:
      return x87_unary(unit, modrm);
  }
}

void group_da(X87Unit& unit, unsigned modrm, unsigned group, unsigned i) {
  if (group < 4) return move_if(unit, group, false, i);
  if (modrm != 0xe9) undefined(unit);
  compare(unit, 1, true, 2);
}

void group_db(X87Unit& unit, unsigned modrm, unsigned group, unsigned i) {
  if (group < 4) return move_if(unit, group, true, i);
  if (group == 5 || group == 6) return compare_into_eflags(unit, i, group == 5, false);
  switch (modrm) {
    case 0xe0:  // FNENI, FNDISI and FNSETPM of the 8087 and 80287 do nothing.
    case 0xe1:
    case 0xe4:
      return;
    case 0xe2:
      return clear_exceptions(unit);
    case 0xe3:
      return initialise_x87(unit.x87());
    default:
      undefined(unit);
  }
}

// DC and DE store into ST(i); their SUB and DIV are the reverse ones of D8's encoding.
void group_dc_de(X87Unit& unit, unsigned modrm, unsigned group, unsigned i, bool pops) {
  if (group == 2) return compare(unit, i, false, pops);
  if (group == 3) {
    if (!pops) return compare(unit, i, false, 1);
    if (modrm != 0xd9) undefined(unit);
    return compare(unit, 1, false, 2);
  }
  const unsigned operation = group < 4 ? group : group ^ 1;
  arithmetic(unit, operation, i, 0, pops);
}

void group_dd(X87Unit& unit, unsigned group, unsigned i) {
  switch (group) {
    case 0:
      unit.set_condition(kX87C1, false);
      return unit.mark_empty(i);
    case 1:
      return exchange(unit, i);
    case 2:
    case 3:
      return store_register(unit, i, group == 3);
    case 4:
    case 5:
      return compare(unit, i, true, group - 4);
    default:
      undefined(unit);
  }
}

void group_df(X87Unit& unit, unsigned modrm, unsigned group, unsigned i) {
  switch (group) {
    case 0:
      unit.set_condition(kX87C1, false);
      unit.mark_empty(i);
      return unit.pop();
    case 1:
      return exchange(unit, i);
    case 2:
    case 3:
      return store_register(unit, i, true);
    case 5:
    case 6:
      return compare_into_eflags(unit, i, group == 5, true);
    default:
      break;
  }
  if (modrm != 0xe0) undefined(unit);
  uint64_t& rax = unit.state().frame.general[kRax];
  const unsigned status = unit.x87().status | unit.x87().top << 11;
  rax = (rax & ~uint64_t{0xffff}) | status;
}

constexpr unsigned kWait = 0x9b;

// FWAIT heeds TS only together with MP, and EM not at all.
void wait(CpuState& state) {
  constexpr uint64_t kWatched = kCr0Mp | kCr0Ts;
  if ((state.cr0 & kWatched) == kWatched) raise_exception(state, kNm);
  report_pending_x87(state);
}

void record_instruction(CpuState& state, unsigned opcode, unsigned modrm) {
  state.x87.opcode = static_cast<uint16_t>((opcode & 7) << 8 | modrm);
  state.x87.instruction_pointer = state.frame.guest_ip;
  state.x87.instruction_selector = state.segments[kCs].selector;
}

}  // namespace

void x87_register_form(X87Unit& unit, unsigned opcode, unsigned modrm) {
  const unsigned group = modrm >> 3 & 7;
  const unsigned i = modrm & 7;
  switch (opcode) {
    case 0xd8:
      return group_d8(unit, group, i);
    case 0xd9:
      return group_d9(unit, modrm, group, i);
    case 0xda:
      return group_da(unit, modrm, group, i);
    case 0xdb:
      return group_db(unit, modrm, group, i);
    case 0xdc:
    case 0xde:
      return group_dc_de(unit, modrm, group, i, opcode == 0xde);
    case 0xdd:
      return group_dd(unit, group, i);
    default:
      return group_df(unit, modrm, group, i);
  }
}

uint64_t helper_x87(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  const unsigned opcode = a >> 8 & 0xff;
  const unsigned modrm = a & 0xff;
  if (opcode == kWait) {
    wait(state);
    return 0;
  }
  const bool control = is_x87_control(opcode, modrm);
  const uint16_t control_word = state.x87.control;
  check_x87(state, !control);  // those without a memory operand do not wait either
  X87Unit unit(state);
  if (!control) record_instruction(state, opcode, modrm);
  x87_register_form(unit, opcode, modrm);
  return x87_mode_changed(state, control_word);
}

}  // namespace vireo::i386
