// x87 instructions with a memory operand: loads, stores, arithmetic, and the environment and save
// formats (SDM volume 1, figures 8-9 to 8-12).

#include <cstring>

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/x87_unit.h"

namespace vireo::i386 {

namespace sf = util::softfloat;
using sf::Float80;

namespace {

/// The memory operand of one instruction: in guest memory, or in `bytes`.
struct Operand {
  CpuState& state;
  uint64_t linear;
  unsigned operand_size;
  uint8_t* bytes = nullptr;

  template <class T>
  T load(unsigned offset = 0) const {
    if (bytes == nullptr) return read<T>(state, linear + offset, data_privilege(state));
    T value;
    std::memcpy(&value, bytes + offset, sizeof value);
    return value;
  }
  template <class T>
  void store(T value, unsigned offset = 0) const {
    if (bytes == nullptr) return write<T>(state, linear + offset, value, data_privilege(state));
    std::memcpy(bytes + offset, &value, sizeof value);
  }
  void probe(unsigned size) const {
    if (bytes == nullptr) probe_write(state, linear, size, data_privilege(state));
  }
};

sf::Operand80 load_source(const Operand& operand, unsigned opcode) {
  switch (opcode) {
    case 0xd8:
      return sf::Float32{operand.load<uint32_t>()};
    case 0xdc:
      return sf::Float64{operand.load<uint64_t>()};
    case 0xda:
      return sf::float80_from_int64(static_cast<int32_t>(operand.load<uint32_t>()));
    default:
      return sf::float80_from_int64(static_cast<int16_t>(operand.load<uint16_t>()));
  }
}

// D8, DA, DC, DE.
void arithmetic(X87Unit& unit, const Operand& operand, unsigned opcode, unsigned group) {
  const sf::Operand80 source = load_source(operand, opcode);
  const bool compares = group == 2 || group == 3;
  if (!unit.need(0, compares ? 8 : 0, group == 3)) {
    if (compares) unit.set_condition(kX87C0 | kX87C2 | kX87C3, true);
    return;
  }
  if (compares) {
    x87_compare(unit, unit.get(0), source, false);
    if (group == 3 && !unit.environment().unmasked()) unit.pop();
    return;
  }
  const Float80 result = x87_compute(unit, group, unit.get(0), source);
  if (unit.finish()) unit.set(0, result);
}

// A stack overflow is found before what the value raises.
void push_value(X87Unit& unit, Float80 value) {
  if (!unit.need_room()) return;
  if (unit.finish()) unit.push(value);
}

void load_float(X87Unit& unit, const Operand& operand, unsigned opcode) {
  auto& environment = unit.environment();
  push_value(unit, opcode == 0xd9
                       ? sf::to_float80(sf::Float32{operand.load<uint32_t>()}, environment)
                       : sf::to_float80(sf::Float64{operand.load<uint64_t>()}, environment));
}

template <class T>
void load_integer(X87Unit& unit, const Operand& operand) {
  using Unsigned = std::make_unsigned_t<T>;
  push_value(unit, sf::float80_from_int64(static_cast<T>(operand.load<Unsigned>())));
}

// Stores what `convert` makes of ST(0), or the indefinite after a masked stack underflow.
template <class T, class Convert>
void store_value(X87Unit& unit, const Operand& operand, bool pops, T indefinite, Convert convert) {
  // A fault must leave the unit as it was.
  operand.probe(sizeof(T));
  if (unit.is_empty(0)) {
    if (!unit.stack_fault(false)) return;
    operand.store<T>(indefinite);
  } else {
    const T value = convert(unit.get(0), unit.environment());
    if (!unit.finish_store()) return;
    operand.store<T>(value);
  }
  if (pops) unit.pop();
}

void store_float(X87Unit& unit, const Operand& operand, unsigned opcode, bool pops) {
  if (opcode == 0xd9) {
    store_value<uint32_t>(unit, operand, pops, sf::kDefaultNan32.bits,
                          [](Float80 a, auto& env) { return sf::to_float32(a, env).bits; });
  } else {
    store_value<uint64_t>(unit, operand, pops, sf::kDefaultNan64.bits,
                          [](Float80 a, auto& env) { return sf::to_float64(a, env).bits; });
  }
}

void store_int16(X87Unit& unit, const Operand& operand, bool pops, bool truncates) {
  store_value<uint16_t>(unit, operand, pops, 0x8000, [&](Float80 a, auto& env) {
    return static_cast<uint16_t>(truncates ? sf::to_int16_truncate(a, env) : sf::to_int16(a, env));
  });
}

void store_int32(X87Unit& unit, const Operand& operand, bool pops, bool truncates) {
  store_value<uint32_t>(unit, operand, pops, 0x80000000, [&](Float80 a, auto& env) {
    return static_cast<uint32_t>(truncates ? sf::to_int32_truncate(a, env) : sf::to_int32(a, env));
  });
}

void store_int64(X87Unit& unit, const Operand& operand, bool truncates) {
  store_value<uint64_t>(unit, operand, true, uint64_t{1} << 63, [&](Float80 a, auto& env) {
    return static_cast<uint64_t>(truncates ? sf::to_int64_truncate(a, env) : sf::to_int64(a, env));
  });
}

void load_extended(X87Unit& unit, const Operand& operand) {
  const Float80 value{operand.load<uint64_t>(), operand.load<uint16_t>(8)};
  if (!unit.need_room()) return;
  unit.push(value);
  unit.set_condition(kX87C1, false);
}

void store_extended(X87Unit& unit, const Operand& operand) {
  operand.probe(10);
  if (unit.is_empty(0) && !unit.stack_fault(false)) return;
  const Float80 value = unit.is_empty(0) ? sf::kDefaultNan80 : unit.get(0);
  operand.store<uint64_t>(value.significand);
  operand.store<uint16_t>(value.sign_exponent, 8);
  if (!unit.is_empty(0)) unit.set_condition(kX87C1, false);
  unit.pop();
}

void load_bcd(X87Unit& unit, const Operand& operand) {
  const sf::PackedBcd digits{operand.load<uint64_t>(), operand.load<uint16_t>(8)};
  push_value(unit, sf::from_packed_bcd(digits));
}

void store_bcd(X87Unit& unit, const Operand& operand) {
  operand.probe(10);
  sf::PackedBcd digits{0xc000000000000000, 0xffff};
  if (unit.is_empty(0)) {
    if (!unit.stack_fault(false)) return;
  } else {
    digits = sf::to_packed_bcd(unit.get(0), unit.environment());
    if (!unit.finish_store()) return;
  }
  operand.store<uint64_t>(digits.low);
  operand.store<uint16_t>(digits.high, 8);
  unit.pop();
}

// The environment as words of the operand size: control, status, tags, then the pointers.
struct Environment {
  uint32_t words[7];
};

bool is_protected_format(const CpuState& state) { return in_protected_mode(state); }

Environment pack_environment(const CpuState& state, unsigned size) {
  const X87State& x87 = state.x87;
  Environment result{
      {x87.control, static_cast<uint32_t>(x87.status | x87.top << 11), full_tags(x87)}};
  uint32_t* pointers = result.words + 3;
  const auto ip = static_cast<uint32_t>(x87.instruction_pointer);
  const auto dp = static_cast<uint32_t>(x87.data_pointer);
  if (is_protected_format(state)) {
    pointers[0] = ip;
    pointers[1] = x87.instruction_selector | (size == 4 ? uint32_t{x87.opcode} << 16 : 0);
    pointers[2] = dp;
    pointers[3] = x87.data_selector;
  } else {
    const uint32_t linear_ip = ip + x87.instruction_selector * 16u;
    const uint32_t linear_dp = dp + x87.data_selector * 16u;
    pointers[0] = linear_ip & 0xffff;
    pointers[1] = (linear_ip >> 16) << 12 | x87.opcode;
    pointers[2] = linear_dp & 0xffff;
    pointers[3] = (linear_dp >> 16) << 12;
  }
  return result;
}

void store_environment(const CpuState& state, const Operand& operand) {
  const Environment environment = pack_environment(state, operand.operand_size);
  for (unsigned i = 0; i < 7; ++i) {
    if (operand.operand_size == 2) {
      operand.store<uint16_t>(static_cast<uint16_t>(environment.words[i]), i * 2);
    } else {
      // The upper halves of the first three and the last doubleword are reserved, stored as ones.
      const bool reserved = i < 3 || i == 6;
      const uint32_t upper = reserved && is_protected_format(state) ? 0xffff0000 : 0;
      operand.store<uint32_t>(environment.words[i] | upper, i * 4);
    }
  }
}

void unpack_pointers(CpuState& state, const Environment& environment, unsigned size) {
  X87State& x87 = state.x87;
  const uint32_t* pointers = environment.words + 3;
  if (is_protected_format(state)) {
    x87.instruction_pointer = pointers[0];
    x87.instruction_selector = static_cast<uint16_t>(pointers[1]);
    if (size == 4) x87.opcode = pointers[1] >> 16 & 0x7ff;
    x87.data_pointer = pointers[2];
    x87.data_selector = static_cast<uint16_t>(pointers[3]);
  } else {
    x87.instruction_pointer = (pointers[0] & 0xffff) | (pointers[1] >> 12) << 16;
    x87.opcode = pointers[1] & 0x7ff;
    x87.data_pointer = (pointers[2] & 0xffff) | (pointers[3] >> 12) << 16;
    x87.instruction_selector = x87.data_selector = 0;
  }
}

void load_environment(X87Unit& unit, const Operand& operand) {
  Environment environment;
  for (unsigned i = 0; i < 7; ++i)
    environment.words[i] =
        operand.operand_size == 2 ? operand.load<uint16_t>(i * 2) : operand.load<uint32_t>(i * 4);
  X87State& x87 = unit.x87();
  x87.control = tcg::x87_control_word(environment.words[0]);
  x87.status = static_cast<uint16_t>(environment.words[1] & ~0x3800u);
  x87.top = environment.words[1] >> 11 & 7;
  x87.empty = 0;
  for (unsigned i = 0; i < 8; ++i)
    if ((environment.words[2] >> (i * 2) & 3) == 3) x87.empty |= static_cast<uint8_t>(1u << i);
  unpack_pointers(unit.state(), environment, operand.operand_size);
  unit.update_summary();
}

unsigned environment_size(const Operand& operand) { return operand.operand_size == 2 ? 14 : 28; }

void save(X87Unit& unit, const Operand& operand) {
  const unsigned base = environment_size(operand);
  operand.probe(base + 80);
  store_environment(unit.state(), operand);
  for (unsigned i = 0; i < 8; ++i) {
    const Float80 value = unit.get(i);
    operand.store<uint64_t>(value.significand, base + i * 10);
    operand.store<uint16_t>(value.sign_exponent, base + i * 10 + 8);
  }
  initialise_x87(unit.x87());
}

void restore(X87Unit& unit, const Operand& operand) {
  const unsigned base = environment_size(operand);
  uint8_t image[80];
  read_bytes(unit.state(), operand.linear + base, image, sizeof image,
             data_privilege(unit.state()));
  load_environment(unit, operand);
  for (unsigned i = 0; i < 8; ++i) {
    X87Register& reg = unit.x87().registers[unit.physical(i)];
    std::memcpy(&reg.significand, image + i * 10, 8);
    std::memcpy(&reg.sign_exponent, image + i * 10 + 8, 2);
  }
}

void group_d9(X87Unit& unit, const Operand& operand, unsigned group) {
  X87State& x87 = unit.x87();
  switch (group) {
    case 0:
      return load_float(unit, operand, 0xd9);
    case 2:
    case 3:
      return store_float(unit, operand, 0xd9, group == 3);
    case 4:
      return load_environment(unit, operand);
    case 5:
      x87.control = tcg::x87_control_word(operand.load<uint16_t>());
      return unit.update_summary();
    case 6:
      operand.probe(environment_size(operand));
      store_environment(unit.state(), operand);
      x87.control |= sf::kAllExceptions;
      return unit.update_summary();
    case 7:
      return operand.store<uint16_t>(x87.control);
    default:
      raise_exception(unit.state(), kUd);
  }
}

void group_db(X87Unit& unit, const Operand& operand, unsigned group) {
  switch (group) {
    case 0:
      return load_integer<int32_t>(unit, operand);
    case 1:
    case 2:
    case 3:
      return store_int32(unit, operand, group != 2, group == 1);
    case 5:
      return load_extended(unit, operand);
    case 7:
      return store_extended(unit, operand);
    default:
      raise_exception(unit.state(), kUd);
  }
}

void group_dd(X87Unit& unit, const Operand& operand, unsigned group) {
  X87State& x87 = unit.x87();
  switch (group) {
    case 0:
      return load_float(unit, operand, 0xdd);
    case 1:
      return store_int64(unit, operand, true);
    case 2:
    case 3:
      return store_float(unit, operand, 0xdd, group == 3);
    case 4:
      return restore(unit, operand);
    case 6:
      return save(unit, operand);
    case 7:
      return operand.store<uint16_t>(static_cast<uint16_t>(x87.status | x87.top << 11));
    default:
      raise_exception(unit.state(), kUd);
  }
}

void group_df(X87Unit& unit, const Operand& operand, unsigned group) {
  switch (group) {
    case 0:
      return load_integer<int16_t>(unit, operand);
    case 1:
    case 2:
    case 3:
      return store_int16(unit, operand, group != 2, group == 1);
    case 4:
      return load_bcd(unit, operand);
    case 5:
      return load_integer<int64_t>(unit, operand);
    case 6:
      return store_bcd(unit, operand);
    default:
      return store_int64(unit, operand, false);
  }
}

void record_instruction(CpuState& state, uint64_t code, uint64_t linear, unsigned segment) {
  X87State& x87 = state.x87;
  x87.opcode = static_cast<uint16_t>((code >> 8 & 7) << 8 | (code & 0xff));
  x87.instruction_pointer = state.frame.guest_ip;
  x87.instruction_selector = state.segments[kCs].selector;
  const Segment& data = state.segments[segment % kSegmentCount];
  x87.data_pointer = in_64bit_mode(state) ? linear : (linear - data.base) & 0xffffffff;
  x87.data_selector = data.selector;
}

void memory_form(X87Unit& unit, const Operand& operand, unsigned opcode, unsigned group) {
  switch (opcode) {
    case 0xd9:
      return group_d9(unit, operand, group);
    case 0xdb:
      return group_db(unit, operand, group);
    case 0xdd:
      return group_dd(unit, operand, group);
    case 0xdf:
      return group_df(unit, operand, group);
    default:
      return arithmetic(unit, operand, opcode, group);
  }
}

}  // namespace

uint64_t helper_x87_memory(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const unsigned opcode = a >> 8 & 0xff;
  const unsigned group = a >> 3 & 7;
  const uint16_t control_word = state.x87.control;
  check_x87(state, x87_load_or_store_waits(opcode, group));
  check_stack_address(state, b, (c & 0xff) == kSs);
  X87Unit unit(state);
  memory_form(unit, {state, b, static_cast<unsigned>(c >> 8 & 0xff)}, opcode, group);
  // Last, since a fault leaves the pointers alone.
  if (!is_x87_control(opcode, a & 0xff)) record_instruction(state, a, b, c & 0xff);
  return x87_mode_changed(state, control_word);
}

uint64_t plain_x87(tcg::Frame* frame, uint64_t code, uint64_t low, uint64_t high) {
  CpuState& state = cpu_state(frame);
  X87Unit unit(state);
  const unsigned opcode = code >> 8 & 0xff, modrm = code & 0xff;
  if (modrm >= 0xc0) {
    x87_register_form(unit, opcode, modrm);
    return 0;
  }
  uint64_t words[2] = {low, high};
  memory_form(unit, {state, 0, 4, reinterpret_cast<uint8_t*>(words)}, opcode, modrm >> 3);
  frame->helper_result = words[1];
  return words[0];
}

}  // namespace vireo::i386
