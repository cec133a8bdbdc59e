#pragma once

#include <cstddef>
#include <cstdint>

#include "tcg/backend/x86_64/encoder.h"
#include "tcg/runtime/frame.h"

namespace vireo::tcg::x86_64 {

// Where guest state lives while translated code runs: see "x86-64 JIT ABI" in
// docs/design/translator.md.

constexpr Reg kFrameReg = kR13;
constexpr Reg kAddressReg = kR12;
constexpr Reg kTlbReg = kR14;
/// kFrameReg points this far behind the Frame's beginning. So its low bits say what BEXTR is to
/// take from an address as the index of a TLB entry: length and first bit; and the hot part of the
/// Frame is within 8-bit displacements.
constexpr int32_t kFrameBias = kTlbBits << 8 | kPageBits;
static_assert(kFrameBias < static_cast<int32_t>(kFrameAlignment));
static_assert(kFrameBias - static_cast<int32_t>(offsetof(Frame, flag_overflow)) == 128);

/// The host register of each guest general register; kNoReg: it lives in the Frame.
constexpr Reg kHostOfGuest[16] = {kRax, kRcx,   kRdx,   kRbx,   kR15, kRbp, kRsi, kRdi,
                                  kR8,  kNoReg, kNoReg, kNoReg, kR9,  kR10, kR11, kNoReg};

constexpr Mem frame_at(size_t offset) {
  return {kFrameReg, kNoReg, 0, static_cast<int32_t>(offset) - kFrameBias};
}
constexpr size_t general_offset(unsigned guest) {
  return offsetof(Frame, general) + guest * sizeof(uint64_t);
}
constexpr size_t vector_offset(unsigned guest) {
  return offsetof(Frame, vector) + guest * sizeof(Frame::vector[0]);
}
constexpr size_t spill_offset(unsigned slot) { return offsetof(Frame, spill) + slot * 32; }
/// Of the slot at this offset, in a set of slots.
constexpr uint64_t spill_bit(int32_t frame) {
  return uint64_t{1} << ((static_cast<size_t>(frame) - spill_offset(0)) /
                         (spill_offset(1) - spill_offset(0)));
}
constexpr size_t scratch_offset(unsigned index) { return offsetof(Frame, scratch) + index * 8; }

/// Of the pointer to the TLB of user or supervisor accesses.
constexpr size_t tlb_offset(bool user) {
  return offsetof(Frame, tlb) + context_of(user) * sizeof(Tlb*);
}
/// Of a slot of Frame::code_pages, as code_page_mapping_of() has it.
constexpr int32_t code_page_displacement(unsigned slot, bool in_segment) {
  const size_t table = in_segment ? offsetof(UserTables, code_pages) : 0;
  return static_cast<int32_t>(table + slot * sizeof(uint64_t));
}
/// Where the page of code with this number is mapped. Links of relocatable code, which is user
/// code, find that in the GS segment; others have Frame::code_pages in kTlbReg for it. (So has what
/// runs without links: there the segment may be but a TLB.)
constexpr Mem code_page_mapping_of(uint32_t number, bool in_segment) {
  const int32_t place = code_page_displacement(code_page_slot(number), in_segment);
  return {in_segment ? kNoReg : kTlbReg, kNoReg, 0, place, in_segment};
}

/// Scales an index to the 8-byte words that Tlb and UserTables consist of, as a power of two.
constexpr uint8_t kWordScale = 3;

/// The parts of the TLB entry that emit_tlb_lookup() has found. User code has its index in kTlbReg,
/// and the TLB at the beginning of the GS segment; supervisor code has the entry's place in the TLB
/// in kTlbReg.
struct TlbOperand {
  Mem tag, host;
};
constexpr TlbOperand tlb_operand(bool user, bool write) {
  const auto tags = static_cast<int32_t>(offsetof(Tlb, tags) + write * sizeof(Tlb::tags[0]));
  const auto hosts = static_cast<int32_t>(offsetof(Tlb, hosts) + write * sizeof(Tlb::hosts[0]));
  if (!user) return {{kTlbReg, kNoReg, 0, tags}, {kTlbReg, kNoReg, 0, hosts}};
  return {{kNoReg, kTlbReg, kWordScale, tags, true}, {kNoReg, kTlbReg, kWordScale, hosts, true}};
}

/// A field of the context's StackPage.
constexpr Mem stack_page_field(bool user, size_t offset) {
  return frame_at(offsetof(Frame, stack_pages) + context_of(user) * sizeof(StackPage) + offset);
}

/// The host address of an operand after a check.
constexpr Mem kChecked{kTlbReg, kAddressReg, 0, 0};
/// Frame::x87_place.
constexpr Mem kX87Place = frame_at(offsetof(Frame, x87_place));

constexpr size_t kFlagsOffset = offsetof(Frame, flag_overflow);
/// Spill slots that keep guest vector registers while an operation borrows these.
constexpr unsigned kBorrowSlots = 3;
constexpr unsigned kFreeSpillSlots = kSpillSlots - kBorrowSlots;

}  // namespace vireo::tcg::x86_64
