// String instructions (SDM volume 1, 7.3.9): single ones in IR, repeated ones a chunk at a time by
// helpers.

#include <bit>

#include "target/i386/translate/translator.h"

namespace vireo::i386 {

Translator::Value Translator::string_address(const Insn& in, const Operand& operand,
                                             bool is_write) {
  const bool is_source = operand.kind == Operand::Kind::kSource;
  const Value offset = ir_.get_reg(integer_type(in.address_size), is_source ? kRsi : kRdi);
  return linear(is_source ? in.memory.segment : unsigned{kEs}, offset, operand.size, is_write);
}

/// Moves RSI and RDI, as far as they are operands, forth or (DF) back.
void Translator::step_strings(const Insn& in) {
  const Type type = integer_type(in.address_size);
  Value step;
  for (const Operand& operand : in.operands) {
    const bool is_source = operand.kind == Operand::Kind::kSource;
    if (!is_source && operand.kind != Operand::Kind::kTarget) continue;
    if (!step) {
      const uint64_t mask = ~uint64_t{0} >> (64 - bits_of(type));
      step = ir_.select_nonzero(constant(type, (0 - uint64_t{operand.size}) & mask),
                                constant(type, operand.size), backwards());
    }
    const unsigned reg = is_source ? kRsi : kRdi;
    ir_.set_reg(reg, ir_.add(ir_.get_reg(type, reg), step));
  }
}

Translator::Value Translator::backwards() {
  return ir_.and_(load_eflags(), constant(Type::kI32, kDf));
}

/// Inst::extra of a call that a backend may do itself (`instead`: its CallKind and flags), if
/// nothing but memory's own checks stands in the way.
uint8_t Translator::unless_watched(unsigned instead, const Insn& in, unsigned segment) const {
  const bool has_base = segment == kFs || segment == kGs;
  if (!is_64() || in.address_size != 8 || has_base || accesses_are_watched()) {
    return tcg::kPlainCall;
  }
  return static_cast<uint8_t>(instead | (cpl() == 3 ? tcg::kCallUser : 0));
}

/// Of REP MOVS and REP STOS, which stores to ES whatever the prefixes say.
uint8_t Translator::string_flags(const Insn& in, HelperId id, unsigned width) const {
  const bool moves = id == HelperId::rep_movs;
  const auto scale = static_cast<unsigned>(std::countr_zero(width));
  return unless_watched(tcg::kStringCall | scale | (moves ? 0 : tcg::kStringStores), in,
                        moves ? unsigned{in.memory.segment} : unsigned{kEs});
}

/// MOVS and STOS.
void Translator::repeat_copy(const Insn& in, HelperId id) {
  const unsigned width = in.operands[0].size;
  ir_.call(static_cast<unsigned>(id), Type::kVoid, number(width | unsigned{in.address_size} << 16),
           number(in.memory.segment), backwards(), string_flags(in, id, width));
  go_if_nonzero(ir_.get_reg(integer_type(in.address_size), kRcx), in.ip, next_ip(in));
}

/// The helper does at least one iteration unless RCX is 0, and RCX and Z then tell whether to go
/// on.
void Translator::repeat(const Insn& in, HelperId id, bool compares) {
  unsigned width = 0;
  for (const Operand& operand : in.operands) {
    if (operand.kind != Operand::Kind::kNone) width = operand.size;
  }
  call_helper(id, number(width | unsigned{in.address_size} << 16), number(in.memory.segment),
              number(in.repeat));
  Value more = ir_.get_reg(integer_type(in.address_size), kRcx);
  if (compares) {
    const auto condition = in.repeat == 0xf3 ? tcg::Condition::kE : tcg::Condition::kNe;
    more = ir_.select(condition, more, constant(more.type, 0));
  }
  go_if_nonzero(more, in.ip, next_ip(in));
}

void Translator::move_string(const Insn& in) {
  if (in.repeat) return repeat_copy(in, HelperId::rep_movs);
  const Type type = integer_type(in.operands[0].size);
  const Value value = ir_.load(type, string_address(in, in.operands[1], false), 0, memory_flags());
  ir_.store(string_address(in, in.operands[0], true), 0, value, memory_flags());
  step_strings(in);
}

void Translator::compare_string(const Insn& in) {
  if (in.repeat) return repeat(in, HelperId::rep_cmps, true);
  const Type type = integer_type(in.operands[0].size);
  const Value a = ir_.load(type, string_address(in, in.operands[0], false), 0, memory_flags());
  const Value b = ir_.load(type, string_address(in, in.operands[1], false), 0, memory_flags());
  ir_.sub(a, b, tcg::kAllFlags);
  step_strings(in);
}

void Translator::store_string(const Insn& in) {
  if (in.repeat) return repeat_copy(in, HelperId::rep_stos);
  const Value value = read(in, 1);
  ir_.store(string_address(in, in.operands[0], true), 0, value, memory_flags());
  step_strings(in);
}

void Translator::load_string(const Insn& in) {
  if (in.repeat) return repeat(in, HelperId::rep_lods, false);
  const Type type = integer_type(in.operands[0].size);
  const Value value = ir_.load(type, string_address(in, in.operands[1], false), 0, memory_flags());
  write(in, 0, value);
  step_strings(in);
}

void Translator::scan_string(const Insn& in) {
  if (in.repeat) return repeat(in, HelperId::rep_scas, true);
  const Type type = integer_type(in.operands[0].size);
  const Value value = ir_.load(type, string_address(in, in.operands[1], false), 0, memory_flags());
  ir_.sub(read(in, 0), value, tcg::kAllFlags);
  step_strings(in);
}

void Translator::string_io(const Insn& in, HelperId id) {
  const unsigned width = in.operands[id == HelperId::string_in ? 0 : 1].size;
  const uint64_t how = width | (in.repeat ? 0x100 : 0) | unsigned{in.address_size} << 16;
  call_helper(id, number(how), ip_value(next_ip(in)), number(in.memory.segment));
  if (!in.repeat) return;
  go_if_nonzero(ir_.get_reg(integer_type(in.address_size), kRcx), in.ip, next_ip(in));
}

void Translator::string_input(const Insn& in) { string_io(in, HelperId::string_in); }
void Translator::string_output(const Insn& in) { string_io(in, HelperId::string_out); }

void Translator::set_direction(const Insn& in) { set_system_flag(kDf, in.row->variant); }

}  // namespace vireo::i386
