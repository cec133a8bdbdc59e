// Arithmetic, comparisons, constants and functions of the x87 unit (SDM volume 1, 8.3).

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/x87_unit.h"

namespace vireo::i386 {

namespace sf = util::softfloat;
using sf::Float80;
using sf::Operand80;

namespace {

// SDM volume 2, FLD1...: rounded by RC when the constant is inexact.
struct Constant {
  uint16_t exponent;
  uint64_t down;  ///< Significand cut to 64 bits.
  bool inexact;
  bool nearest_is_up;
};
constexpr Constant kConstants[] = {
    {0x3fff, 0x8000000000000000, false, false},  // 1
    {0x4000, 0xd49a784bcd1b8afe, true, false},   // log2(10)
    {0x3fff, 0xb8aa3b295c17f0bb, true, true},    // log2(e)
    {0x4000, 0xc90fdaa22168c234, true, true},    // pi
    {0x3ffd, 0x9a209a84fbcff798, true, true},    // log10(2)
    {0x3ffe, 0xb17217f7d1cf79ab, true, true},    // ln(2)
    {0x0000, 0x0000000000000000, false, false},  // 0
};

void load_constant(X87Unit& unit, unsigned index) {
  if (!unit.need_room()) return;
  const Constant& constant = kConstants[index];
  const sf::Rounding rounding = unit.environment().rounding;
  const bool up =
      constant.inexact && (rounding == sf::Rounding::kUp ||
                           (rounding == sf::Rounding::kNearestEven && constant.nearest_is_up));
  unit.push({constant.down + up, constant.exponent});
  unit.set_condition(kX87C1, false);
}

void examine(X87Unit& unit) {
  const Float80 value = unit.get(0);
  const unsigned kind = unit.is_empty(0) ? 5 : static_cast<unsigned>(sf::classify(value));
  uint16_t bits = 0;
  if (kind & 1) bits |= kX87C0;
  if (kind & 2) bits |= kX87C2;
  if (kind & 4) bits |= kX87C3;
  if (value.sign_exponent & 0x8000) bits |= kX87C1;
  unit.set_conditions(bits);
}

// ST(0) = function(ST(0)).
template <class Function>
void replace(X87Unit& unit, Function function) {
  if (!unit.need(0, 0)) return;
  const Float80 result = function(unit.get(0), unit.environment());
  if (unit.finish()) unit.set(0, result);
}

// ST(1) = function(ST(0), ST(1)), then pop.
template <class Function>
void replace_and_pop(X87Unit& unit, Function function) {
  if (!unit.need_two(0, 1, 1, 1)) return;
  const Float80 result = function(unit.get(0), unit.get(1), unit.environment());
  if (!unit.finish()) return;
  unit.set(1, result);
  unit.pop();
}

void partial_remainder(X87Unit& unit, bool nearest) {
  if (!unit.need_two(0, 1, 0)) return unit.set_condition(kX87C2, false);
  auto& environment = unit.environment();
  const auto result = nearest
                          ? sf::partial_remainder_nearest(unit.get(0), unit.get(1), environment)
                          : sf::partial_remainder_truncate(unit.get(0), unit.get(1), environment);
  if (!unit.finish()) return;
  if (sf::classify(result.value) == sf::Class80::kNan) {  // C0 and C3 tell nothing
    unit.set_condition(kX87C2, false);
    return unit.set(0, result.value);
  }
  uint16_t bits = 0;
  if (result.quotient & 1) bits |= kX87C1;
  if (result.quotient & 2) bits |= kX87C3;
  if (result.quotient & 4) bits |= kX87C0;
  if (result.incomplete) bits |= kX87C2;
  unit.set_conditions(bits);
  unit.set(0, result.value);
}

// FXTRACT and FSINCOS replace ST(0) and push: both an operand and room are needed.
bool need_operand_and_room(X87Unit& unit) {
  if (!unit.is_empty(0) && unit.is_empty(7)) return true;
  if (unit.stack_fault(!unit.is_empty(0))) {
    unit.set(0, sf::kDefaultNan80);
    unit.push(sf::kDefaultNan80);
  }
  return false;
}

void extract(X87Unit& unit) {
  if (!need_operand_and_room(unit)) return;
  const auto result = sf::extract(unit.get(0), unit.environment());
  if (!unit.finish()) return;
  unit.set(0, result.exponent);
  unit.push(result.significand);
}

void sine_or_cosine(X87Unit& unit, bool cosine) {
  if (!unit.need(0, 0)) return unit.set_condition(kX87C2, false);
  const auto result = cosine ? sf::fcos(unit.get(0), unit.environment())
                             : sf::fsin(unit.get(0), unit.environment());
  unit.set_condition(kX87C2, result.out_of_range);
  if (unit.finish() && !result.out_of_range) unit.set(0, result.value);
}

void sine_and_cosine(X87Unit& unit) {
  if (!need_operand_and_room(unit)) return unit.set_condition(kX87C2, false);
  const auto result = sf::fsincos(unit.get(0), unit.environment());
  unit.set_condition(kX87C2, result.out_of_range);
  if (!unit.finish() || result.out_of_range) return;
  unit.set(0, result.sine);
  unit.push(result.cosine);
}

void tangent(X87Unit& unit) {
  if (!need_operand_and_room(unit)) return unit.set_condition(kX87C2, false);
  const auto result = sf::fptan(unit.get(0), unit.environment());
  unit.set_condition(kX87C2, result.out_of_range);
  if (!unit.finish() || result.out_of_range) return;
  const sf::Class80 kind = sf::classify(result.value);
  unit.set(0, result.value);
  unit.push(kind == sf::Class80::kNan ? result.value : Float80{uint64_t{1} << 63, 0x3fff});
}

void change_sign(X87Unit& unit, bool to_positive) {
  if (!unit.need(0, 0)) return;
  Float80 value = unit.get(0);
  value.sign_exponent = to_positive ? value.sign_exponent & 0x7fff : value.sign_exponent ^ 0x8000;
  unit.set(0, value);
  unit.set_condition(kX87C1, false);
}

void test(X87Unit& unit) {
  if (!unit.need(0, 8)) {
    unit.set_condition(kX87C0 | kX87C2 | kX87C3, true);
    return;
  }
  x87_compare(unit, unit.get(0), Float80{}, false);
}

}  // namespace

Float80 x87_compute(X87Unit& unit, unsigned operation, Operand80 a, Operand80 b) {
  auto& environment = unit.environment();
  switch (operation) {
    case 0:
      return sf::add(a, b, environment);
    case 1:
      return sf::mul(a, b, environment);
    case 4:
      return sf::sub(a, b, environment);
    case 5:
      return sf::sub(b, a, environment);
    case 6:
      return sf::div(a, b, environment);
    default:
      return sf::div(b, a, environment);
  }
}

void x87_compare(X87Unit& unit, Operand80 a, Operand80 b, bool quiet) {
  auto& environment = unit.environment();
  const sf::Ordering order = quiet ? sf::compare_quiet(a.value, b.value, environment)
                                   : sf::compare_signaling(a, b, environment);
  if (!unit.finish()) return;
  constexpr uint16_t kBits[] = {kX87C0, kX87C3, 0, kX87C0 | kX87C2 | kX87C3};
  unit.set_conditions(kBits[static_cast<unsigned>(order)]);
}

void x87_unary(X87Unit& unit, unsigned modrm) {
  X87State& x87 = unit.x87();
  switch (modrm) {
    case 0xe0:
    case 0xe1:
      return change_sign(unit, modrm == 0xe1);
    case 0xe4:
      return test(unit);
    case 0xe5:
      return examine(unit);
    case 0xf0:
      return replace(unit, [](Float80 a, auto& env) { return sf::f2xm1(a, env); });
    case 0xf1:
      return replace_and_pop(unit, [](auto a, auto b, auto& env) { return sf::fyl2x(a, b, env); });
    case 0xf2:
      return tangent(unit);
    case 0xf3:
      return replace_and_pop(unit, [](auto a, auto b, auto& env) { return sf::fpatan(a, b, env); });
    case 0xf4:
      return extract(unit);
    case 0xf5:
    case 0xf8:
      return partial_remainder(unit, modrm == 0xf5);
    case 0xf6:
    case 0xf7:
      x87.top = (x87.top + (modrm == 0xf6 ? 7 : 1)) & 7;
      return unit.set_condition(kX87C1, false);
    case 0xf9:
      return replace_and_pop(unit,
                             [](auto a, auto b, auto& env) { return sf::fyl2xp1(a, b, env); });
    case 0xfa:
      return replace(unit, [](Float80 a, auto& env) { return sf::sqrt(a, env); });
    case 0xfb:
      return sine_and_cosine(unit);
    case 0xfc:
      return replace(unit, [](Float80 a, auto& env) { return sf::round_to_integral(a, env); });
    case 0xfd:
      if (!unit.need_two(0, 1, 0)) return;
      return replace(unit, [&](Float80 a, auto& env) { return sf::scale(a, unit.get(1), env); });
    case 0xfe:
    case 0xff:
      return sine_or_cosine(unit, modrm == 0xff);
    default:
      if (modrm >= 0xe8 && modrm <= 0xee) return load_constant(unit, modrm - 0xe8);
      raise_exception(unit.state(), kUd);
  }
}

}  // namespace vireo::i386
