// x87 instructions as themselves. The guest's x87 unit is in the host's from the first of them on
// until translated code is left; see "x87" in docs/design/translator.md.

#include "tcg/backend/x86_64/codegen.h"
#include "tcg/ir/flag_use.h"

namespace vireo::tcg::x86_64 {
namespace {

uint8_t opcode_of(const Inst& inst) { return static_cast<uint8_t>(inst.aux >> 8); }
uint8_t modrm_of(const Inst& inst) { return static_cast<uint8_t>(inst.aux); }
uint8_t group_of(const Inst& inst) { return modrm_of(inst) >> 3 & 7; }

/// FLDCW, and what reads the control or the status word.
bool takes_control_word(const Inst& inst) { return inst.a != kNoValue; }

/// `code`: Inst::aux of an x87 store.
bool is_fisttp(uint16_t code) { return (code >> 3 & 7) == 1; }

}  // namespace

void CodeGenerator::need_host_x87() {
  if (x87_place_ != X87Place::kHost) clobber_frame(x87_offset_, sizeof(X87State));
  need_x87(X87Place::kHost, 1, thunks_.x87_to_host);
}

void CodeGenerator::need_memory_x87() { need_x87(X87Place::kMemory, 0, thunks_.x87_to_memory); }

// `value`: Frame::x87_place when nothing has to be moved; else the thunk moves it.
void CodeGenerator::need_x87(X87Place place, uint8_t value, const uint8_t* thunk) {
  if (x87_place_ == place) return;
  before_clobbering_flags();
  const Encoder::Label there = e_.new_label();
  e_.alu_imm(Alu::kCmp, 1, kX87Place, value);
  e_.jump_if(kEqual, there);
  e_.call_to(thunk);
  e_.bind(there);
  x87_place_ = place;
}

// Before an access to the vCPU state. The pointers are always there.
void CodeGenerator::need_memory_x87(size_t offset, size_t bytes) {
  const size_t end = x87_offset_ + offsetof(X87State, opcode);
  if (x87_offset_ != 0 && offset < end && offset + bytes > x87_offset_) need_memory_x87();
}

void CodeGenerator::emit_x87_instruction(const Mem& operand) {
  e_.rm({kMapOne, opcode_of(inst())}, 4, group_of(inst()), operand);
}

// Without SSE3, FISTTP is FISTP while the control word says to truncate.
void CodeGenerator::emit_x87_store_instruction(uint16_t code, const Mem& operand) {
  const auto opcode = static_cast<uint8_t>(code >> 8);
  if (!is_fisttp(code) || cpu_.sse3) return e_.rm({kMapOne, opcode}, 4, code >> 3 & 7, operand);
  constexpr Code kControlWord{kMapOne, 0xd9};
  constexpr unsigned kLoad = 5, kStore = 7, kTruncate = 0xc00;
  const Mem before = frame_at(scratch_offset(2)), truncating = frame_at(scratch_offset(3));
  e_.rm(kControlWord, 4, kStore, before);
  e_.rm(kControlWord, 4, kStore, truncating);
  e_.alu_imm(Alu::kOr, 2, truncating, kTruncate);
  e_.rm(kControlWord, 4, kLoad, truncating);
  const bool is_quad = opcode == 0xdd;
  e_.rm({kMapOne, is_quad ? uint8_t{0xdf} : opcode}, 4, is_quad ? 7 : 3, operand);
  e_.rm(kControlWord, 4, kLoad, before);
}

void CodeGenerator::emit_x87() {
  const bool uses_flags = flags_used(inst()) != 0;
  if (uses_flags && x87_place_ != X87Place::kHost) need_memory_flags();
  need_host_x87();
  const Mem word = frame_at(scratch_offset(1));
  if (takes_control_word(inst())) {
    store_to_frame(scratch_offset(1), 2, inst().a);
    return emit_x87_instruction(word);
  }
  if (inst().type != Type::kVoid) {
    const Reg to = destination();
    clobber(to);
    emit_x87_instruction(word);
    emit_load_to(to, 2, word);
    return define(to, to == kAddressReg || to == kTlbReg);
  }
  if (uses_flags) need_host_flags();
  if (inst().flags != 0) begin_flags(kAllFlags);
  e_.byte(opcode_of(inst()));
  e_.byte(modrm_of(inst()));
  if (inst().flags != 0) end_flags();
}

void CodeGenerator::emit_x87_load() {
  need_host_x87();
  SlowStub stub = begin_check(inst());
  stub.operation.op = Opcode::kLoad;
  emit_check(stub, false);
  e_.bind(stub.done);
  emit_x87_instruction(kChecked);
  keep_stub(stub);
}

void CodeGenerator::emit_x87_store() {
  need_host_x87();
  SlowStub stub = begin_check(inst());
  stub.operation.op = Opcode::kProbe;
  stub.x87_store = inst().aux;
  emit_check(stub, true);
  emit_x87_store_instruction(stub.x87_store, kChecked);
  e_.bind(stub.done);
  keep_stub(stub);
}

// What the TLB does not take is probed, so that a fault comes before the unit changes; then the
// hook stores what the instruction leaves in the Frame.
void CodeGenerator::emit_x87_store_stub(const SlowStub& stub) {
  begin_slow_stub(stub);
  const Mem tag = tlb_operand(is_user(stub), true).tag;
  e_.alu(Alu::kAdd, 8, kAddressReg, tag);
  e_.mov_to(8, frame_at(scratch_offset(1)), kAddressReg);
  e_.alu(Alu::kSub, 8, kAddressReg, tag);
  e_.call_to(thunks_.accesses[is_user(stub)][true]);
  e_.imm(pack(stub.operation), 4);
  e_.jump(stub.retry);
  emit_x87_store_instruction(stub.x87_store, frame_at(offsetof(Frame, helper_arguments)));
  e_.mov(8, kAddressReg, frame_at(scratch_offset(1)));
  MemoryOperation store = stub.operation;
  store.op = Opcode::kStore;
  e_.call_to(thunks_.access_full);
  e_.imm(pack(store), 4);
  e_.jump(stub.done);
  e_.jump(stub.done);
}

}  // namespace vireo::tcg::x86_64
