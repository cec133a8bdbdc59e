// REP MOVS and REP STOS as the host's own, for short operands that lie in one page each which the
// TLB has: no state has to be spilled, and what overlapping operands show is what the host does
// with them. Everything else is left to the helper.

#include <iterator>

#include "tcg/backend/x86_64/layout.h"
#include "tcg/backend/x86_64/thunks.h"
#include "tcg/ir/instruction.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr uint8_t kAbove = 7;
/// From there on the C library is faster, calls and all.
constexpr unsigned kMostBytes = 2048;

class StringThunk {
 public:
  StringThunk(Encoder& encoder, unsigned flags)
      : e_(encoder),
        scale_(static_cast<uint8_t>(flags & kStringScale)),
        stores_(flags & kStringStores),
        user_((flags & kStringUser) != 0),
        end_(encoder.new_label()) {}

  const uint8_t* make() {
    while (e_.size() % 16 != 0) e_.byte(0xcc);
    const uint8_t* start = e_.executable(e_.size());
    e_.push(kBytes);
    e_.push(kRoom);
    e_.lea(8, kBytes, {kRcx, kNoReg, 0, -1});
    e_.alu_imm(Alu::kCmp, 8, kBytes, static_cast<int32_t>((kMostBytes >> scale_) - 1));
    e_.jump_if(kAbove, end_);
    e_.mov(4, kBytes, kRcx);
    if (scale_ != 0) e_.shift_imm(Shift::kShl, 4, kBytes, scale_);
    e_.mov_imm(4, kRoom, kPageSize);
    e_.alu(Alu::kSub, 4, kRoom, kBytes);
    find(kRdi, true);
    if (stores_) {
      store();
    } else {
      move();
    }
    e_.alu(Alu::kXor, 4, kTlbReg, kTlbReg);  // Z: done
    e_.bind(end_);
    e_.pop(kRoom);
    e_.pop(kBytes);
    e_.ret();
    return start;
  }

 private:
  static constexpr Reg kBytes = kRdx, kRoom = kRbx;

  /// The host address of the guest's in `pointer` into kAddressReg; fails with Z clear.
  void find(Reg pointer, bool write) {
    e_.mov(8, kAddressReg, pointer);
    const TlbOperand entry = emit_tlb_lookup(e_, /*bmi2=*/false, user_, write);
    e_.alu(Alu::kCmp, 8, kAddressReg, kRoom);
    e_.jump_if(kAbove, end_);
    e_.alu(Alu::kAdd, 8, kAddressReg, entry.host);
  }

  void store() {
    e_.alu(Alu::kAdd, 8, kBytes, kRdi);
    e_.mov(8, kRdi, kAddressReg);
    repeat(0xaa);
    e_.mov(8, kRdi, kBytes);
  }

  void move() {
    e_.mov_to(8, frame_at(scratch_offset(0)), kAddressReg);
    find(kRsi, false);
    e_.alu(Alu::kAdd, 8, kRdi, kBytes);
    e_.alu(Alu::kAdd, 8, kBytes, kRsi);
    e_.mov(8, kTlbReg, kRdi);
    e_.mov(8, kRsi, kAddressReg);
    e_.mov(8, kRdi, frame_at(scratch_offset(0)));
    repeat(0xa4);
    e_.mov(8, kRdi, kTlbReg);
    e_.mov(8, kRsi, kBytes);
  }

  /// The instruction of bytes with this opcode, in the width wanted. RCX is 0 behind it.
  void repeat(uint8_t opcode) {
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
