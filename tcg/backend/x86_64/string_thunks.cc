// REP MOVS and REP STOS as the host's own, page by page, as long as the TLB has the pages and
// elements do not cross them: no state has to be spilled, and what overlapping operands show is
// what the host does with them. What is left then, the helper does.

#include <iterator>

#include "tcg/backend/x86_64/layout.h"
#include "tcg/backend/x86_64/thunks.h"
#include "tcg/ir/instruction.h"

namespace vireo::tcg::x86_64 {
namespace {

/// From there on nobody notices a call, and others wait for polls.
constexpr unsigned kMostBytes = 64 << 10;

class StringThunk {
 public:
  StringThunk(Encoder& encoder, unsigned flags)
      : e_(encoder),
        scale_(static_cast<uint8_t>(flags & kStringScale)),
        stores_(flags & kStringStores),
        user_((flags & kCallUser) != 0),
        end_(encoder.new_label()) {}

  const uint8_t* make() {
    while (e_.size() % 16 != 0) e_.byte(0xcc);
    const uint8_t* start = e_.executable(e_.size());
    const Encoder::Label next_page = e_.new_label(), crossing = e_.new_label();
    e_.push(kBytes);
    e_.push(kCount);
    e_.lea(8, kBytes, {kRcx, kNoReg, 0, -1});
    e_.alu_imm(Alu::kCmp, 8, kBytes, static_cast<int32_t>((kMostBytes >> scale_) - 1));
    e_.jump_if(kAbove, end_);
    e_.bind(next_page);
    count_elements();
    e_.jump_if(kEqual, crossing);
    find(kRdi, true);
    if (!stores_) {
      e_.mov_to(8, frame_at(scratch_offset(0)), kAddressReg);
      find(kRsi, false);
    }
    repeat();
    e_.test(4, kRcx, kRcx);
    e_.jump_if(kNotEqual, next_page);
    e_.bind(end_);  // Z: done
    e_.pop(kCount);
    e_.pop(kBytes);
    e_.ret();
    e_.bind(crossing);
    e_.test(4, kRcx, kRcx);
    e_.jump(end_);
    return start;
  }

 private:
  static constexpr Reg kBytes = kRdx, kCount = kRbx;

  /// The room of the page behind `pointer`, in bytes.
  void find_room(Reg to, Reg pointer) {
    e_.mov(4, to, pointer);
    e_.alu_imm(Alu::kOr, 4, to, -static_cast<int32_t>(kPageSize));
    e_.group3(Group3::kNeg, 4, to);
  }

  /// Those that the pages have room for into kCount, and their size into kBytes; Z if there are
  /// none.
  void count_elements() {
    find_room(kCount, kRdi);
    if (!stores_) {
      find_room(kBytes, kRsi);
      e_.alu(Alu::kCmp, 4, kCount, kBytes);
      e_.cmov(kAbove, 4, kCount, kBytes);
    }
    if (scale_ != 0) e_.shift_imm(Shift::kShr, 4, kCount, scale_);
    e_.alu(Alu::kCmp, 4, kCount, kRcx);
    e_.cmov(kAbove, 4, kCount, kRcx);
    e_.mov(4, kBytes, kCount);
    if (scale_ != 0) e_.shift_imm(Shift::kShl, 4, kBytes, scale_);
    e_.test(4, kCount, kCount);
  }

  /// The host address of the guest's in `pointer` into kAddressReg; fails with Z clear.
  void find(Reg pointer, bool write) {
    e_.mov(8, kAddressReg, pointer);
    const TlbOperand entry = emit_tlb_lookup(e_, /*bmi2=*/false, user_, write);
    e_.alu_imm(Alu::kCmp, 8, kAddressReg, kPageSize - 1);
    e_.jump_if(kAbove, end_);
    e_.alu(Alu::kAdd, 8, kAddressReg, entry.host);
  }

  /// kCount elements, which RCX has less behind it.
  void repeat() {
    e_.lea(8, kTlbReg, {kRdi, kBytes});
    e_.alu(Alu::kSub, 4, kRcx, kCount);
    e_.push(kRcx);
    e_.mov(4, kRcx, kCount);
    if (stores_) {
      e_.mov(8, kRdi, kAddressReg);
      put_repeated(0xaa);
    } else {
      e_.alu(Alu::kAdd, 8, kBytes, kRsi);
      e_.mov(8, kRsi, kAddressReg);
      e_.mov(8, kRdi, frame_at(scratch_offset(0)));
      put_repeated(0xa4);
      e_.mov(8, kRsi, kBytes);
    }
    e_.mov(8, kRdi, kTlbReg);
    e_.pop(kRcx);
  }

  /// The instruction of bytes with this opcode, in the width wanted.
  void put_repeated(uint8_t opcode) {
    if (scale_ == 1) e_.byte(0x66);
    e_.byte(0xf3);
    if (scale_ == 3) e_.byte(0x48);
    e_.byte(scale_ == 0 ? opcode : opcode + 1);
  }

  Encoder& e_;
  const uint8_t scale_;
  const bool stores_;
  const bool user_;
  Encoder::Label end_;
};

}  // namespace

void make_string_thunks(Encoder& encoder, Thunks& thunks) {
  for (unsigned flags = 0; flags < std::size(thunks.strings); ++flags) {
    thunks.strings[flags] = StringThunk(encoder, flags).make();
  }
}

}  // namespace vireo::tcg::x86_64
