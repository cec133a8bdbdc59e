// The way into a block from another page: is this page still mapped where the code expects it?

#include "tcg/backend/x86_64/checked_entry.h"

#include <algorithm>

#include "tcg/backend/x86_64/layout.h"

namespace vireo::tcg::x86_64 {
namespace {

/// Of a comparison with a slot of Frame::code_pages: REX, opcode and ModRM; in the GS segment, its
/// prefix and SIB as well.
constexpr unsigned kOpcodeBytes = 3, kRelocatableOpcodeBytes = 5;

}  // namespace

void emit_add(Encoder& encoder, Reg to, int64_t value) {
  constexpr int64_t kMost = INT32_MAX, kLeast = INT32_MIN;
  while (value != 0) {
    const int64_t part = std::clamp(value, kLeast, kMost);
    encoder.lea(8, to, {to, kNoReg, 0, static_cast<int32_t>(part)});
    value -= part;
  }
}

// The slot's displacement is aligned, so that invalidation is one store.
void emit_checked_entry(Encoder& e, const Thunks& thunks, BlockData& block,
                        const uint8_t* memory_entry) {
  const CodePage& page = *block.page;
  const Mem slot = code_page_mapping_of(page.number, page.relocatable);
  const auto tag = static_cast<int32_t>(code_page_tag(page.number));
  const Encoder::Label miss = e.new_label();
  const unsigned opcode_bytes = page.relocatable ? kRelocatableOpcodeBytes : kOpcodeBytes;
  if (page.relocatable) {
    emit_add(e, kAddressReg, tag - block.offset);
  } else {
    e.mov(8, kTlbReg, frame_at(offsetof(Frame, code_pages)));
  }
  e.align_field(opcode_bytes);
  block.checked_slot = static_cast<uint8_t>(e.size() + opcode_bytes);
  if (page.relocatable) {
    e.alu(Alu::kCmp, 8, kAddressReg, slot);
  } else {
    e.alu_imm(Alu::kCmp, 8, slot, tag);
  }
  e.jump_if(kNotEqual, miss);
  if (page.relocatable) {
    emit_add(e, kAddressReg, -tag);
    e.mov_to(8, frame_at(offsetof(Frame, code_base)), kAddressReg);
  }
  e.jump_to(memory_entry);
  e.bind(miss);
  if (page.relocatable) {
    emit_add(e, kAddressReg, block.offset - tag);
  } else {
    e.mov_imm(8, kAddressReg, block.guest_ip());
  }
  e.jump_to(thunks.lookup_again);
  e.resolve();
}

}  // namespace vireo::tcg::x86_64
