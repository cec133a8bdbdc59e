// Loads, stores and moves of MMX and SSE (SDM volume 1,
// chapters 8 to 11).

#include <algorithm>
#include <bit>

#include "target/i386/translate/helper_id.h"
#include "target/i386/translate/translator.h"

namespace vireo::i386 {

using tcg::VectorOpcode;

void Translator::move_vector(const Insn& in) { write_vector(in, 0, read_vector(in, 1)); }

void Translator::load_scalar(const Insn& in) {
  const Value value = read_vector(in, 1);
  write_vector(in, 0, in.vex ? value : ir_.zero_extend(Type::kV128, value));
}

void Translator::move_low_quadword(const Insn& in) {
  const Value value = read_vector(in, 1);
  const bool as_it_is = in.vex || in.operands[0].is_memory();
  write_vector(in, 0, as_it_is ? value : ir_.zero_extend(Type::kV128, value));
}

void Translator::load_high(const Insn& in) {
  const Value high = read_vector(in, 1);
  write_vector(in, 0, ir_.vector(VectorOpcode::kMovlhps, Type::kV128, read_vector(in, 0), high));
}

void Translator::store_high(const Insn& in) {
  const Value value = read_vector(in, 1);
  const Value high = ir_.vector(VectorOpcode::kMovhlps, Type::kV128, value, value);
  write_vector(in, 0, ir_.truncate(Type::kV64, high));
}

void Translator::move_integer_to_vector(const Insn& in) {
  const Type type = in.operands[0].kind == Operand::Kind::kMmx ? Type::kV64 : Type::kV128;
  write_vector(in, 0, ir_.vector(VectorOpcode::kMovFromInteger, type, {}, read(in, 1)));
}

void Translator::move_vector_to_integer(const Insn& in) {
  const Operand& source = in.operands[1];
  const Value value = source.kind == Operand::Kind::kMmx
                          ? ir_.load_state(Type::kV64, mmx_offset(source.reg))
                          : ir_.get_reg(Type::kV128, source.reg);
  write(in, 0,
        ir_.vector(VectorOpcode::kMovToInteger, integer_type(in.operands[0].size), {}, value));
}

/// MASKMOVQ and MASKMOVDQU: bytes whose mask has its top bit set go to DS:rDI.
void Translator::masked_move(const Insn& in) {
  const Value value = read_vector(in, 0), control = read_vector(in, 1);
  const Value offset = ir_.get_reg(integer_type(in.address_size), kRdi);
  const unsigned segment = segment_or(in, kDs);
  const Value address = linear(segment, offset, in.operands[0].size, true);
  ir_.probe(value.type, address, 0, memory_flags());
  const Value before = ir_.load(value.type, address, 0, memory_flags());
  const Value zero = ir_.vector(VectorOpcode::kPxor, value.type, control, control);
  const Value mask = ir_.vector(VectorOpcode::kPcmpgtb, value.type, zero, control);
  ir_.store(address, 0, select_by_mask(mask, value, before), memory_flags());
}

void Translator::narrow_to_halves(const Insn& in) {
  const auto imm = static_cast<uint8_t>(in.immediate);
  if (in.operands[0].is_memory()) access_before_effects(in, true);
  const Value value = read_vector(in, 1);
  const Value halves = ir_.vector(VectorOpcode::kVcvtps2ph, Type::kV128, {}, value, imm);
  write_vector(in, 0, halves);
}

/// Elements that are masked out must not fault, so that a helper looks at each.
void Translator::masked_vector_move(const Insn& in, unsigned data, bool stores) {
  const Value offset = ir_.zero_extend(Type::kI64, effective_address(in));
  const tcg::MaskedMove move{.data = in.operands[data].reg,
                             .mask = in.operands[1].reg,
                             .element = static_cast<uint8_t>(in.row->variant),
                             .bytes = static_cast<uint8_t>(in.operands[0].size)};
  const unsigned instead = tcg::kMaskedCall | (stores ? tcg::kMaskedStore : 0);
  ir_.call(static_cast<unsigned>(stores ? HelperId::masked_store : HelperId::masked_load),
           Type::kVoid, offset, number(std::bit_cast<uint32_t>(move)), number(in.memory.segment),
           unless_watched(instead, in, in.memory.segment));
}

void Translator::masked_vector_load(const Insn& in) { masked_vector_move(in, 0, false); }
void Translator::masked_vector_store(const Insn& in) { masked_vector_move(in, 2, true); }

void Translator::gather(const Insn& in) {
  const Value offset = ir_.zero_extend(Type::kI64, effective_address(in));
  const uint8_t element = in.vex_w ? 8 : 4, index = in.opcode & 1 ? 8 : 4;
  const tcg::Gather what{
      .target = in.operands[0].reg,
      .mask = in.operands[2].reg,
      .indexes = in.vector_index,
      .element = element,
      .index = index,
      .count = static_cast<uint8_t>((in.vex_l ? 32 : 16) / std::max(element, index)),
      .scale = in.memory.scale};
  ir_.call(static_cast<unsigned>(HelperId::gather), Type::kVoid, offset,
           number(std::bit_cast<uint64_t>(what)),
           number(in.address_size | uint64_t{in.memory.segment} << 8),
           unless_watched(tcg::kGatherCall, in, in.memory.segment));
}

void Translator::zero_upper(const Insn&) { ir_.zero_upper(is_64() ? 16 : 8); }

void Translator::zero_all(const Insn&) {
  const Value any = ir_.get_reg(Type::kV128, 0);
  const Value zero = ir_.vector(VectorOpcode::kPxor, Type::kV128, any, any);
  const Value wide = ir_.zero_extend(Type::kV256, zero);
  const unsigned count = is_64() ? 16 : 8;
  for (unsigned i = 0; i < count; ++i) ir_.set_reg(i, wide);
}

void Translator::broadcast_lane(const Insn& in) {
  const Value lane = read_vector(in, 1);
  write_vector(in, 0, ir_.vector(VectorOpcode::kVbroadcastf128, Type::kV256, {}, lane));
}

/// VEXTRACTF128.
void Translator::extract_half(const Insn& in) {
  const Value value = read_vector(in, 1);
  if (in.immediate & 1) {
    const Value upper = ir_.vector(VectorOpcode::kVextractf128, Type::kV128, {}, value, 1);
    return write_vector(in, 0, upper);
  }
  write_vector(in, 0, ir_.truncate(Type::kV128, value));
}

// MMX instructions make all registers valid, EMMS makes them empty; TOP is 0 after both (SDM volume
// 1, 9.5).
void Translator::set_mmx_tags(uint8_t empty) {
  ir_.store_state(VIREO_CPU_OFFSET(x87.top), constant(Type::kI8, 0));
  ir_.store_state(VIREO_CPU_OFFSET(x87.empty), constant(Type::kI8, empty));
}

void Translator::empty_mmx(const Insn&) {
  mmx_entered_ = false;
  if (in_mode(kModeX87MayRaise)) call_helper(HelperId::x87, number(kWaitCode));
  set_mmx_tags(0xff);
}

void Translator::load_mxcsr(const Insn& in) {
  ir_.call(static_cast<unsigned>(HelperId::ldmxcsr), Type::kVoid, read(in, 0), {}, {},
           tcg::kMxcsrCall);
}

void Translator::store_mxcsr(const Insn& in) { write(in, 0, ir_.get_mxcsr()); }

}  // namespace vireo::i386
