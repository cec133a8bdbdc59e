// Operations of vector_opcodes.inc, as the instructions that they name.

#include "tcg/backend/x86_64/codegen.h"

namespace vireo::tcg::x86_64 {
namespace {

Code code_of(const VectorOpcodeInfo& row) {
  const uint8_t high = static_cast<uint8_t>(row.opcode >> 8);
  const auto low = static_cast<uint8_t>(row.opcode);
  if (row.shape == VectorShape::kShiftImm) return {kMap0f, high, row.prefix};
  return {high == 0x38 ? kMap0f38 : high == 0x3a ? kMap0f3a : kMap0f, low, row.prefix};
}

const VectorOpcodeInfo& row_of(const Inst& inst) {
  return info(static_cast<VectorOpcode>(inst.aux));
}

/// Whether the legacy encoding cannot say it.
bool needs_vex(const VectorOpcodeInfo& row, const Inst& vector) {
  constexpr uint8_t kComparePredicate = 0xc2;
  return (row.forms & kVexOnly) || (row.opcode == kComparePredicate && vector.imm > 7);
}

/// The type of the operand that may be in memory.
Type memory_operand(const VectorOpcodeInfo& row, bool wide) {
  if (!wide || (row.forms & kWideShared)) return row.operand;
  if (row.forms & kWidens) return row.operand == Type::kV32 ? Type::kV64 : Type::kV128;
  return row.forms & (kWide | kNarrows) ? Type::kV256 : row.operand;
}

/// Whether the 128-bit form does not do for an operation on MMX registers.
bool needs_mmx(const VectorOpcodeInfo& row, bool on_mmx) {
  return (row.forms & kMmxOperand) || (on_mmx && (row.forms & kMmxOwn));
}

}  // namespace

// In its legacy encoding.
bool CodeGenerator::vector_supported(const Inst& vector) const {
  const VectorOpcodeInfo& row = row_of(vector);
  const unsigned map = row.opcode >> 8, low = row.opcode & 0xff;
  if (is_wide(vector) || needs_vex(row, vector)) return false;
  if (row.shape == VectorShape::kShiftImm) return true;
  switch (crypto_extension(row)) {
    case CryptoExtension::kAes:
      return cpu_.aes;
    case CryptoExtension::kPclmulqdq:
      return cpu_.pclmulqdq;
    case CryptoExtension::kSha:
      return cpu_.sha;
    default:
      break;
  }
  if (map == 0x38 && (low <= 0x0b || (low >= 0x1c && low <= 0x1e))) return cpu_.ssse3;
  if (map == 0x38) return low == 0x37 ? cpu_.sse42 : cpu_.sse41;
  if (compares_text(row.shape)) return cpu_.sse42;
  if (map == 0x3a) return low == 0x0f ? cpu_.ssse3 : cpu_.sse41;
  const bool duplicates = (low == 0x12 || low == 0x16) && row.prefix >= 0xf2;
  if (duplicates || low == 0xd0 || low == 0x7c || low == 0x7d) return cpu_.sse3;
  return true;
}

bool CodeGenerator::is_wide(const Inst& vector) const {
  return vector.type == Type::kV256 || (vector.b != kNoValue && inst(vector.b).type == Type::kV256);
}

// Whether nothing is lost if the register that it writes has zeros above. A borrowed one would lose
// what is there.
bool CodeGenerator::may_use_vex(ValueId id) const {
  return !is_vector(inst(id).type) ||
         (live_.target(id) != Liveness::kNoTarget && live_.target_whole(id));
}

bool CodeGenerator::uses_vex(ValueId id) const {
  const Inst& vector = inst(id);
  const VectorOpcodeInfo& row = row_of(vector);
  const bool mmx =
      vector.type == Type::kV64 ||
      (vector.b != kNoValue && inst(vector.b).type == Type::kV64 && (row.forms & kMmxForms)) ||
      (row.forms & kMmxOperand);
  if (!wide_ || mmx || (row.forms & kLegacyOnly)) return false;
  const bool needed = is_wide(vector) || needs_vex(row, vector);
  if (!needed && !may_use_vex(id)) return false;
  switch (vex_extension(row, is_wide(vector))) {
    case VexExtension::kFma:
      return cpu_.fma;
    case VexExtension::kF16c:
      return cpu_.f16c;
    case VexExtension::kAvx2:
      return cpu_.avx2;
    case VexExtension::kAes:
      return cpu_.aes;
    case VexExtension::kVaes:
      return cpu_.vaes;
    case VexExtension::kPclmulqdq:
      return cpu_.pclmulqdq;
    case VexExtension::kVpclmulqdq:
      return cpu_.vpclmulqdq;
    default:
      return true;
  }
}

// Whether XMM0 is c when the instruction begins, and still is when a is in the result's register;
// or whether the result goes there.
bool CodeGenerator::implicit_operand_fits() const {
  constexpr auto kXmm0 = Reg{0};
  const VectorShape shape = row_of(inst()).shape;
  if (shape == VectorShape::kTextMask) return target_register() == kXmm0;
  if (shape != VectorShape::kWithXmm0) return true;
  const bool kept = target_register() != kXmm0 || places_[inst().a].host == kXmm0;
  return places_[inst().c].host == kXmm0 && kept;
}

void CodeGenerator::emit_vector() { emit_vector_op(nullptr); }

// With `memory`: b is there, after a check.
void CodeGenerator::emit_vector_op(const Mem* memory) {
  const VectorOpcodeInfo& row = row_of(inst());
  const bool vex = uses_vex(static_cast<ValueId>(at_));
  if ((!vex && !vector_supported(inst())) || !implicit_operand_fits()) return emit_evaluate();
  if (emit_vector_to_slot(row)) return;
  const Type operand = inst().b == kNoValue ? inst().type : inst(inst().b).type;
  const bool on_mmx =
      inst().type == Type::kV64 || (inst().b != kNoValue && gives_integer(row.shape) &&
                                    operand == Type::kV64 && (row.forms & kMmxForms));
  if (needs_mmx(row, on_mmx)) {
    emit_mmx(row);
  } else if (compares_text(row.shape)) {
    emit_text(row, memory);
  } else if (gives_integer(row.shape)) {
    emit_vector_to_integer(row, memory);
  } else if (row.shape == VectorShape::kCompareFlags) {
    emit_vector_compare(row, memory);
  } else if (vex && row.shape == VectorShape::kFused) {
    emit_vex_fused(row, memory);
  } else if (vex) {
    emit_vex(row, memory);
  } else {
    emit_vector_result(row, memory);
  }
}

// Halves that are stored have no register to go to: to memory without borrowing one.
bool CodeGenerator::emit_vector_to_slot(const VectorOpcodeInfo& row) {
  constexpr Code kMovhps{kMap0f, 0x17};
  const Reg from = inst().b == kNoValue ? kNoReg : place(inst().b).host;
  if (target_register() != kNoReg || from == kNoReg) return false;
  const bool moves_down = static_cast<VectorOpcode>(inst().aux) == VectorOpcode::kMovhlps;
  const bool extracts = row.shape == VectorShape::kExtractImm && is_wide(inst());
  if (!extracts && !(moves_down && inst().a == inst().b)) return false;
  const int32_t slot = new_spill_slot();
  if (extracts) {
    emit_vector_instruction(row, 4, from, frame_at(slot));
  } else {
    e_.sse(kMovhps, from, frame_at(slot));
    e_.sse(kMovhps, from, frame_at(slot + 8));
  }
  define_in_frame(slot);
  return true;
}

void CodeGenerator::emit_vector_instruction(const VectorOpcodeInfo& row, unsigned bytes, Reg reg,
                                            const Rm& rm, Reg vvvv) {
  if (row.effects & kMayFault) {
    add_row();
    for (const Borrowed& borrowed : borrowed_) {
      tables_.fixups.push_back({static_cast<uint16_t>(e_.size()),
                                static_cast<uint16_t>(spill_offset(borrowed.slot)), borrowed.host,
                                true});
    }
  }
  if (uses_vex(static_cast<ValueId>(at_))) {
    const unsigned w = row.forms & kVexW1 ? 8 : bytes;
    e_.vex(code_of(row), w, reg, vvvv, rm, is_wide(inst()) ? 32 : 16);
  } else {
    e_.rm(code_of(row), bytes, reg, rm);
  }
  if (has_immediate(row.shape)) e_.byte(static_cast<uint8_t>(inst().imm));
}

void CodeGenerator::emit_vector_result(const VectorOpcodeInfo& row, const Mem* memory) {
  const ValueId a = has_first_operand(row.shape) ? inst().a : kNoValue;
  const ValueId b = row.shape == VectorShape::kShiftImm ? kNoValue : inst().b;
  const bool from_integer = takes_integer(row.shape);
  uint32_t avoid = vector_operands_mask();
  const Reg target = target_register();
  const Rm integer = from_integer ? operand(b) : Rm(kRax);
  // The guest's register keeps its value if the operation raises an exception.
  const bool keeps_target = (row.effects & kMayFault) && a != kNoValue && place(a).host != target;
  const Reg to = target != kNoReg && !keeps_target ? target : borrow(avoid);
  if (b != kNoValue && !memory && !from_integer && b != a && place(b).host == to && a != kNoValue &&
      !leave_register(place(b), to)) {
    to_memory(b);
  }
  const Rm second = b == kNoValue  ? Rm(to)
                    : memory       ? Rm(*memory)
                    : from_integer ? integer
                    : b == a && a != kNoValue
                        ? Rm(to)
                        : vector_operand(b, size_of(row.operand), row.forms & kRegisterOnly, avoid);
  const bool a_in_place =
      a != kNoValue && place(a).host == to && (inst().type != Type::kV64 || place(a).zero_extended);
  clobber_vector(to, a != kNoValue && !live_after(a) ? a : kNoValue);
  if (a != kNoValue && !a_in_place) load_vector(to, inst(a).type, a);
  const unsigned bytes = from_integer && inst(b).type == Type::kI64 ? 8 : 4;
  if (row.shape == VectorShape::kShiftImm) {
    emit_vector_instruction(row, 4, static_cast<Reg>(row.opcode & 0xff), to);
  } else {
    emit_vector_instruction(row, bytes, to, second);
  }
  if (inst().type == Type::kV64 && (row.forms & kMmxLow)) e_.movq(to, to);
  finish_vector(to, true);
}

void CodeGenerator::emit_vector_to_integer(const VectorOpcodeInfo& row, const Mem* memory) {
  const bool into_rm =
      row.shape == VectorShape::kToIntegerRm || row.shape == VectorShape::kToIntegerRmImm;
  uint32_t avoid = vector_operands_mask();
  const bool register_only = into_rm || (row.forms & kRegisterOnly);
  const Rm b =
      memory ? Rm(*memory) : vector_operand(inst().b, size_of(row.operand), register_only, avoid);
  Reg to = target_register();
  if (to == kNoReg || size() < 4) to = allocate_temporary();
  clobber(to);
  const unsigned bytes = size() == 8 ? 8 : 4;
  if (into_rm) {
    emit_vector_instruction(row, bytes, b.reg, to);
  } else {
    emit_vector_instruction(row, bytes, to, b);
  }
  give_back();
  define(to, true);
}

void CodeGenerator::emit_vector_compare(const VectorOpcodeInfo& row, const Mem* memory) {
  uint32_t avoid = vector_operands_mask();
  const Reg a = vector_in_register(inst().a, avoid);
  const Rm b =
      memory ? Rm(*memory)
             : vector_operand(inst().b, size_of(row.operand), row.forms & kRegisterOnly, avoid);
  begin_flags(kAllFlags);
  emit_vector_instruction(row, 4, a, b);
  end_flags();
  give_back();
}

// Operations that only MMX registers have go through the host's, which are nobody's: the guest's
// x87 state is in memory.
void CodeGenerator::emit_mmx(const VectorOpcodeInfo& row) {
  constexpr uint32_t kEmms = 0x770f;
  need_memory_x87();
  const Reg mm0 = kRax;
  const ValueId a = has_first_operand(row.shape) ? inst().a : kNoValue;
  const ValueId b = inst().b;
  if (inst().type == Type::kV128) {  // CVTPI2PS, CVTPI2PD
    if (place(b).host != kNoReg) to_memory(b);
    const Rm from = frame_mem(place(b));
    uint32_t avoid = vector_operands_mask();
    const Reg target = target_register();
    const Reg to = target != kNoReg ? target : borrow(avoid);
    const bool in_place = a != kNoValue && place(a).host == to;
    clobber_vector(to, a != kNoValue && !live_after(a) ? a : kNoValue);
    if (a != kNoValue && !in_place) load_vector(to, Type::kV128, a);
    emit_vector_instruction(row, 4, to, from);
    e_.imm(kEmms, 2);
    return finish_vector(to, true);
  }
  VectorOpcodeInfo form = row;
  uint32_t avoid = vector_operands_mask();
  Rm second = mm0;
  if (row.forms & kMmxOperand) {  // from a vector register
    second = vector_operand(b, size_of(row.operand), false, avoid);
  } else {
    form.prefix = 0;
    if (a != kNoValue && place(a).host != kNoReg) to_memory(a);
    if (place(b).host != kNoReg) to_memory(b);
    second = frame_mem(place(b));
    if (a != kNoValue) e_.rm({kMap0f, 0x6f}, 4, mm0, frame_mem(place(a)));  // movq mm0, a
  }
  emit_vector_instruction(form, 4, mm0, second);
  const int32_t slot = new_spill_slot();
  e_.rm({kMap0f, 0x7f}, 4, mm0, frame_at(slot));  // movq [slot], mm0
  e_.mov_to_imm(8, frame_at(slot + 8), 0);
  e_.imm(kEmms, 2);
  give_back();
  define_in_frame(slot);
}

bool CodeGenerator::vector_folds(const Inst& op, const Inst& load) const {
  const VectorOpcodeInfo& row = row_of(op);
  const auto user = static_cast<ValueId>(live_.last_use(static_cast<ValueId>(at_)));
  const bool vex = uses_vex(user);
  if (!vex && !vector_supported(op)) return false;
  const bool compares = row.shape == VectorShape::kCompareFlags;
  const bool fused = row.shape == VectorShape::kFused;
  const bool has_b = row.shape != VectorShape::kShiftImm && row.shape != VectorShape::kWithXmm0 &&
                     row.shape != VectorShape::kExtractImm && !takes_integer(row.shape) &&
                     (!gives_integer(row.shape) || compares_text(row.shape));
  const ValueId last = fused ? op.c : op.b;
  if (!has_b || last != at_ || op.a == at_ || (fused ? op.b : op.c) == at_) return false;
  if (memory_operand(row, is_wide(op)) != load.type) return false;
  if ((row.forms & (kRegisterOnly | kMmxOperand)) || op.type == Type::kV64) return false;
  const bool any_place = vex || compares_text(row.shape);
  if (!any_place && size_of(load.type) == 16 && !(load.extra & kMemoryAligned)) return false;
  if (has_first_operand(row.shape) && !will_be_pinned(op.a)) return false;
  if (fused && !will_be_pinned(op.b)) return false;
  if (row.shape == VectorShape::kWithFourth && !will_be_pinned(op.c)) return false;
  if (compares_text(row.shape)) return text_folds(row);
  return compares || live_.target(user) != Liveness::kNoTarget;
}

void CodeGenerator::emit_folded_vector(const Inst& load) {
  SlowStub stub = begin_check(load);
  emit_check(stub, false);
  e_.bind(stub.done);
  keep_stub(stub);
  emit_vector_op(&stub.operand);
}

}  // namespace vireo::tcg::x86_64
