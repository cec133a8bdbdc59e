// Operands in registers and memory: effective and linear addresses, loads, stores, EFLAGS beside
// the arithmetic flags.

#include <algorithm>
#include <bit>

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/page_walk.h"
#include "target/i386/translate/translator.h"
#include "util/bits.h"

namespace vireo::i386 {

Translator::Value Translator::code_base() {
  return ir_.load_state(Type::kI64, VIREO_CPU_OFFSET(frame) + offsetof(tcg::Frame, code_base));
}

Translator::Value Translator::ip_value(uint64_t ip) {
  if (!is_relocatable()) return number(ip);
  const auto distance = static_cast<int64_t>(ip);
  if (is_64()) return ir_.address(Type::kI64, code_base(), {}, 0, distance);
  const Value base = ir_.truncate(Type::kI32, code_base());
  return ir_.zero_extend(Type::kI64, ir_.address(Type::kI32, base, {}, 0, distance));
}

Translator::Value Translator::effective_address(const Insn& in, int64_t stack_adjustment) {
  const MemoryOperand& memory = in.memory;
  const Type type = integer_type(in.address_size);
  int64_t displacement = memory.displacement;
  Value base, index;
  if (memory.base == kRipBase) {
    displacement += static_cast<int64_t>(in.ip + in.length);
    if (is_relocatable()) base = ir_.truncate(type, code_base());
  } else if (memory.base != kNoRegister) {
    base = ir_.get_reg(type, memory.base);
    if (memory.base == kRsp) displacement += stack_adjustment;
  }
  if (memory.index != kNoRegister) index = ir_.get_reg(type, memory.index);
  if (!base && !index) {
    return constant(type, static_cast<uint64_t>(displacement) & util::low_mask(bits_of(type)));
  }
  return ir_.address(type, base, index, memory.scale, displacement);
}

bool Translator::needs_limit_check(unsigned segment, Type offset_type) const {
  if (mode_ >> (kModeCheckShift + segment) & 1) return true;
  return offset_type == Type::kI32 && (mode_ >> (kModeLimitedShift + segment) & 1);
}

Translator::Value Translator::linear(unsigned segment, Value offset, unsigned size, bool is_write) {
  const Value address = linear_unwatched(segment, offset, size, is_write);
  // Operands of 6 and 10 bytes are aligned like 4 and 8.
  const unsigned alignment = std::min(std::bit_floor(size), checked_alignment_);
  if (alignment > 1) call_helper(HelperId::check_alignment, address, number(alignment));
  if (in_mode(kModeBreakpoints)) {
    const uint64_t access = size | (is_write ? 0x10000 : 0);
    call_helper(HelperId::watch_access, address, number(access));
  }
  return address;
}

Translator::Value Translator::linear_unwatched(unsigned segment, Value offset, unsigned size,
                                               bool is_write) {
  const uint64_t base_offset =
      VIREO_CPU_OFFSET(segments) + segment * sizeof(Segment) + offsetof(Segment, base);
  if (is_64()) {
    const Value wide = ir_.zero_extend(Type::kI64, offset);
    if (segment != kFs && segment != kGs) return wide;
    return ir_.add(wide, ir_.load_state(Type::kI64, base_offset));
  }
  if (needs_limit_check(segment, offset.type)) {
    call_helper(HelperId::check_limit, number(segment), ir_.zero_extend(Type::kI64, offset),
                number(size | (is_write ? 0x100 : 0)));
  }
  if (in_mode(kModeFlatData) && segment <= kDs) return ir_.zero_extend(Type::kI64, offset);
  const Value base = ir_.truncate(Type::kI32, ir_.load_state(Type::kI64, base_offset));
  const Value address =
      ir_.zero_extend(Type::kI64, ir_.add(ir_.zero_extend(Type::kI32, offset), base));
  const bool may_run_over = offset.type == Type::kI16 && size > 1 &&
                            (mode_ >> (kModeLimitedShift + segment) & 1) &&
                            !needs_limit_check(segment, offset.type);
  return may_run_over ? ir_.or_(address, beyond_64k(offset, size)) : address;
}

/// kBeyondSegment if an operand at a 16-bit offset ends beyond 64 KiB, else 0.
Translator::Value Translator::beyond_64k(Value offset, unsigned size) {
  const Value last = ir_.add(ir_.zero_extend(Type::kI64, offset), number(size - 1));
  constexpr unsigned kShift = std::countr_zero(kBeyondSegment) - 16;
  return ir_.shl(ir_.and_(last, number(0x10000)), constant(Type::kI8, kShift));
}

Translator::Value Translator::read(const Insn& in, unsigned index) {
  const Operand& operand = in.operands[index];
  const Type type = integer_type(operand.size);
  switch (operand.kind) {
    case Operand::Kind::kGeneral:
      return ir_.get_reg(type, operand.reg);
    case Operand::Kind::kHigh8:
      return ir_.get_reg_high8(operand.reg);
    case Operand::Kind::kMemory:
      return ir_.load(type, memory_address(in, operand.size, false), 0, memory_flags());
    default:
      return constant(type, in.immediate & util::low_mask(bits_of(type)));
  }
}

void Translator::write(const Insn& in, unsigned index, Value value) {
  const Operand& operand = in.operands[index];
  if (operand.is_memory()) {
    ir_.store(memory_address(in, operand.size, true), 0, value, memory_flags());
  } else if (operand.kind == Operand::Kind::kHigh8) {
    ir_.set_reg_high8(operand.reg, value);
  } else {
    ir_.set_reg(operand.reg, value);
  }
}

Translator::Value Translator::load_eflags() {
  return ir_.load_state(Type::kI32, VIREO_CPU_OFFSET(eflags));
}

void Translator::store_eflags(Value value) { ir_.store_state(VIREO_CPU_OFFSET(eflags), value); }

Translator::Value Translator::flags_image() {
  const Value system = ir_.and_(load_eflags(), constant(Type::kI32, ~uint32_t{kVm | kRf}));
  const Value all = ir_.or_(system, ir_.get_flags());
  return ir_.or_(all, constant(Type::kI32, kEflagsFixed));
}

void Translator::set_system_flag(uint32_t bit, bool value) {
  const Value before = load_eflags();
  store_eflags(value ? ir_.or_(before, constant(Type::kI32, bit))
                     : ir_.and_(before, constant(Type::kI32, ~bit)));
}

Translator::Type Translator::stack_type() const {
  return is_64() ? Type::kI64 : in_mode(kModeStack32) ? Type::kI32 : Type::kI16;
}

Translator::Value Translator::stack_address(int64_t displacement, unsigned size, bool is_write) {
  Value offset = ir_.get_reg(stack_type(), kRsp);
  if (displacement) offset = ir_.address(stack_type(), offset, {}, 0, displacement);
  return linear(kSs, offset, size, is_write);
}

void Translator::adjust_stack(int64_t by) {
  const Value before = ir_.get_reg(stack_type(), kRsp);
  ir_.set_reg(kRsp, ir_.address(stack_type(), before, {}, 0, by));
}

void Translator::push_value(Value value) {
  const int size = static_cast<int>(size_of(value.type));
  ir_.store(stack_address(-size, size, true), 0, value, memory_flags() | tcg::kMemoryStack);
  adjust_stack(-size);
}

Translator::Value Translator::load_stack(Type type, int64_t displacement) {
  return ir_.load(type, stack_address(displacement, size_of(type), false), 0,
                  memory_flags() | tcg::kMemoryStack);
}

}  // namespace vireo::i386
