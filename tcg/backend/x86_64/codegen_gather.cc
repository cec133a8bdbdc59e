// Vectors whose elements are in memory one by one. Gathers go element by element, from pages that
// the TLB has. What has been loaded stays beside the target until all is: if an element needs more,
// the helper does the instruction as a whole.

#include <bit>

#include "tcg/backend/x86_64/codegen.h"
#include "util/bits.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr Reg kLeft = kRax, kElement = kRcx, kLoaded = kRdx;
constexpr Reg kUsed[] = {kLeft, kElement, kLoaded};

/// Of the value in the Frame, element kElement.
Mem element_at(size_t offset, unsigned bytes) {
  Mem mem = frame_at(offset);
  mem.index = kElement;
  mem.scale = static_cast<uint8_t>(std::countr_zero(bytes));
  return mem;
}

}  // namespace

void CodeGenerator::emit_gather(Encoder::Label done) {
  if (!wide_) return;
  const auto gather = std::bit_cast<Gather>(inst(inst().b).imm);
  const size_t indexes = spill_offset(kFreeSpillSlots), result = spill_offset(kFreeSpillSlots + 1);
  const Encoder::Label next = e_.new_label(), loaded = e_.new_label(), call = e_.new_label();
  for (unsigned i = 0; i < 3; ++i) e_.mov_to(8, frame_at(scratch_offset(i)), kUsed[i]);
  e_.vmovups_to(32, frame_at(indexes), static_cast<Reg>(gather.indexes));
  e_.vmovups_to(32, frame_at(result), static_cast<Reg>(gather.target));
  const uint8_t prefix = gather.element == 8 ? 0x66 : 0;  // vmovmskpd, else vmovmskps
  e_.vex({kMap0f, 0x50, prefix}, 4, kLeft, kRax, static_cast<Reg>(gather.mask), 32);
  e_.alu_imm(Alu::kAnd, 4, kLeft, static_cast<int32_t>(util::low_mask(gather.count)));
  e_.bind(next);
  e_.rm({kMap0f, 0xbc}, 4, kElement, kLeft);  // bsf
  e_.jump_if(kEqual, loaded);
  emit_gather_element(gather, element_at(indexes, gather.index), call);
  e_.mov_to(gather.element, element_at(result, gather.element), kLoaded);
  e_.lea(4, kLoaded, {kLeft, kNoReg, 0, -1});
  e_.alu(Alu::kAnd, 4, kLeft, kLoaded);
  e_.jump(next);
  e_.bind(loaded);
  for (unsigned i = 0; i < 3; ++i) e_.mov(8, kUsed[i], frame_at(scratch_offset(i)));
  finish_gather(gather, result);
  e_.jump(done);
  e_.bind(call);
  for (unsigned i = 0; i < 3; ++i) e_.mov(8, kUsed[i], frame_at(scratch_offset(i)));
}

// What the element at this index is, into kLoaded.
void CodeGenerator::emit_gather_element(const Gather& gather, const Mem& index,
                                        Encoder::Label fails) {
  if (gather.index == 8) {
    e_.mov(8, kAddressReg, index);
  } else {
    e_.movsx(8, kAddressReg, gather.index, index);
  }
  if (gather.scale != 0) e_.shift_imm(Shift::kShl, 8, kAddressReg, gather.scale);
  e_.alu(Alu::kAdd, 8, kAddressReg, frame_at(offsetof(Frame, helper_arguments)));
  emit_call_check(false, gather.element, fails);
  e_.mov(gather.element, kLoaded, kChecked);
}

// In a page that the TLB has no element can fault, whatever the mask selects. These forms came with
// AVX, and move integers as well.
void CodeGenerator::emit_masked_move(Encoder::Label done) {
  if (!wide_) return;
  const auto move = std::bit_cast<MaskedMove>(static_cast<uint32_t>(inst(inst().b).imm));
  const bool stores = inst().extra & kMaskedStore;
  const Encoder::Label call = e_.new_label();
  e_.mov(8, kAddressReg, frame_at(offsetof(Frame, helper_arguments)));
  emit_call_check(stores, move.bytes, call);
  const auto opcode = static_cast<uint8_t>(0x2c + (move.element == 8) + 2 * stores);
  e_.vex({kMap0f38, opcode, 0x66}, 4, move.data, static_cast<Reg>(move.mask), kChecked, move.bytes);
  e_.jump(done);
  e_.bind(call);
}

// The target is zero above its elements, and the mask altogether.
void CodeGenerator::finish_gather(const Gather& gather, size_t result) {
  const auto target = static_cast<Reg>(gather.target), mask = static_cast<Reg>(gather.mask);
  const unsigned bytes = gather.count * gather.element;
  if (bytes == 8) {
    e_.vex({kMap0f, 0x7e, 0xf3}, 4, target, kRax, frame_at(result));  // vmovq
  } else {
    e_.vmovups(bytes, target, frame_at(result));
  }
  e_.vex({kMap0f, 0x57}, 4, mask, mask, mask);  // vxorps
}

}  // namespace vireo::tcg::x86_64
