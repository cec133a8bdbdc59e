#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "util/byte_order.h"

namespace vireo::tcg::x86_64 {

/// A host register by its encoding. For byte operands 4..7 mean SPL..DIL; AH..BH are kAh..kBh,
/// whose low bits are what stands for them, too. Vector registers are numbered 0..15 in the same
/// type where a vector operand is expected.
enum Reg : uint8_t {
  kRax,
  kRcx,
  kRdx,
  kRbx,
  kRsp,
  kRbp,
  kRsi,
  kRdi,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15,
  kAh = 0x14,
  kCh,
  kDh,
  kBh,
  kNoReg = 0xf7,  ///< Bit 3, which prefixes take, is clear.
};

/// A memory operand [base + (index << scale) + disp]; base or index may be absent.
struct Mem {
  Reg base = kNoReg;
  Reg index = kNoReg;
  uint8_t scale = 0;
  int32_t disp = 0;
  bool gs = false;  ///< In the segment of set_segment_base().
};

/// A register or memory operand (ModRM.rm).
struct Rm {
  Reg reg = kNoReg;
  Mem mem;
  Rm(Reg r) : reg(r) {}         // NOLINT: operands convert
  Rm(const Mem& m) : mem(m) {}  // NOLINT
  bool is_register() const { return reg != kNoReg; }
};

/// Conditions of Jcc, SETcc and CMOVcc (SDM volume 1, appendix B); the lowest bit negates.
enum ConditionCode : uint8_t {
  kBelow = 2,
  kAboveOrEqual,
  kEqual,
  kNotEqual,
  kAbove = 7,
};

/// Opcode maps: one byte, 0F, 0F 38, 0F 3A.
enum Map : uint8_t { kMapOne, kMap0f, kMap0f38, kMap0f3a };

/// An opcode with its mandatory prefix.
struct Code {
  Map map;
  uint8_t byte;
  uint8_t prefix = 0;
};

/// Two-operand arithmetic by the encoding's digit (SDM volume 2, opcode group 1).
enum class Alu : uint8_t { kAdd, kOr, kAdc, kSbb, kAnd, kSub, kXor, kCmp };
/// Shifts and rotates by the encoding's digit (group 2).
enum class Shift : uint8_t { kRol, kRor, kRcl, kRcr, kShl, kShr, kUnused, kSar };
/// Group 3 by digit.
enum class Group3 : uint8_t { kTest, kUnused, kNot, kNeg, kMul, kImul, kDiv, kIdiv };

/// Writes x86-64 machine code into a buffer that is executed at another address. Sizes are in
/// bytes: 1, 2, 4 or 8. Running out of room sets `full()`: what was written means nothing then.
class Encoder {
 public:
  using Label = uint32_t;

  /// The bytes in [begin, end) will run at begin + `executable_offset`.
  Encoder(uint8_t* begin, uint8_t* end, ptrdiff_t executable_offset)
      : begin_(begin), cursor_(begin), end_(end), executable_offset_(executable_offset) {}

  /// Begins anew in other memory, with no labels.
  void restart(uint8_t* begin, uint8_t* end) {
    begin_ = cursor_ = begin;
    end_ = end;
    full_ = false;
    labels_.clear();
    fixups_.clear();
  }

  size_t size() const { return static_cast<size_t>(cursor_ - begin_); }
  bool full() const { return full_; }
  const uint8_t* executable(size_t offset) const { return begin_ + offset + executable_offset_; }

  // Labels.
  Label new_label() {
    labels_.push_back(-1);
    return static_cast<Label>(labels_.size() - 1);
  }
  void bind(Label label) { labels_[label] = static_cast<int64_t>(size()); }
  size_t offset_of(Label label) const { return static_cast<size_t>(labels_[label]); }
  /// Fills in all jumps to labels; every label used is bound.
  void resolve();

  // Any instruction with a ModRM byte. `reg` is a register or an opcode digit.
  void rm(Code code, unsigned size, uint8_t reg, const Rm& rm);
  void imm(uint64_t value, unsigned bytes) {
    if (static_cast<size_t>(end_ - cursor_) >= sizeof value) {
      util::store_little<uint64_t>(cursor_, value);  // what comes next overwrites the rest
      cursor_ += bytes;
    } else {
      for (unsigned i = 0; i < bytes; ++i) byte(static_cast<uint8_t>(value >> (8 * i)));
    }
  }
  /// `size` bytes of at most kMostAppended; as many may be read.
  void append(const uint8_t* code, size_t size) {
    if (static_cast<size_t>(end_ - cursor_) < kMostAppended) {
      full_ = true;
    } else {
      std::memcpy(cursor_, code, kMostAppended);
      cursor_ += size;
    }
  }
  static constexpr size_t kMostAppended = 32;
  void byte(uint8_t value) {
    if (cursor_ == end_) {
      full_ = true;
    } else {
      *cursor_++ = value;
    }
  }

  // Moves.
  void mov(unsigned size, Reg to, const Rm& from) { rm(sized(0x8a, size), size, to, from); }
  void mov_to(unsigned size, const Mem& to, Reg from) { rm(sized(0x88, size), size, from, to); }
  /// Stores a sign-extended 32-bit immediate.
  void mov_to_imm(unsigned size, const Mem& to, int32_t value);
  /// Loads any constant by the shortest form that leaves flags alone; sizes 1 and 2 keep the rest.
  void mov_imm(unsigned size, Reg to, uint64_t value);
  void movzx(Reg to, unsigned from_size, const Rm& from);
  void movsx(unsigned size, Reg to, unsigned from_size, const Rm& from);
  void lea(unsigned size, Reg to, const Mem& from) { rm({kMapOne, 0x8d}, size, to, from); }
  /// to = address of `label`.
  void lea_label(Reg to, Label label);

  // Arithmetic.
  void alu(Alu op, unsigned size, Reg to, const Rm& from);
  void alu_to(Alu op, unsigned size, const Mem& to, Reg from);
  void alu_imm(Alu op, unsigned size, const Rm& to, int32_t value);
  void test(unsigned size, const Rm& a, Reg b) { rm(sized(0x84, size), size, b, a); }
  void test_imm(unsigned size, const Rm& a, int32_t value);
  void shift_imm(Shift op, unsigned size, const Rm& to, uint8_t count);
  void shift_cl(Shift op, unsigned size, const Rm& to);
  void group3(Group3 op, unsigned size, const Rm& operand);
  void inc(unsigned size, const Rm& to) { rm(sized(0xfe, size), size, 0, to); }
  void dec(unsigned size, const Rm& to) { rm(sized(0xfe, size), size, 1, to); }
  void imul(unsigned size, Reg to, const Rm& from) { rm({kMap0f, 0xaf}, size, to, from); }
  void imul_imm(unsigned size, Reg to, const Rm& from, int32_t value);
  void setcc(uint8_t condition, const Rm& to) {
    rm({kMap0f, static_cast<uint8_t>(0x90 | condition)}, 1, 0, to);
  }
  void cmov(uint8_t condition, unsigned size, Reg to, const Rm& from) {
    rm({kMap0f, static_cast<uint8_t>(0x40 | condition)}, size, to, from);
  }
  void bswap(unsigned size, Reg reg);
  // BMI2; the host must have it. Sizes 4 and 8.
  void rorx(unsigned size, Reg to, const Rm& from, uint8_t count);
  /// Bits of `from`: the first is in bits 7 to 0 of `which`, how many in bits 15 to 8.
  void bextr(unsigned size, Reg to, const Rm& from, Reg which);
  /// SHLX, SHRX or SARX.
  void shift_x(Shift op, unsigned size, Reg to, const Rm& from, Reg count);
  /// RDX times `by`.
  void mulx(unsigned size, Reg high, Reg low, const Rm& by);

  // Stack and control.
  void push(Reg reg);
  void pop(Reg reg);
  void ret() { byte(0xc3); }
  void jump(Label label);
  void jump_if(uint8_t condition, Label label);
  void call(Label label);
  /// To an executable address within 2 GiB.
  void jump_to(const void* target);
  void call_to(const void* target);
  void jump_indirect(const Rm& target) { rm({kMapOne, 0xff}, 4, 4, target); }
  void call_indirect(const Rm& target) { rm({kMapOne, 0xff}, 4, 2, target); }
  /// Pads with a NOP so that a 32-bit field `ahead` bytes from here lies in an aligned quadword.
  /// Then it can be changed while the code is run (AMD's manual, volume 2, 7.3.2).
  void align_field(unsigned ahead);
  /// JMP, CALL or Jcc (condition 0..15) with such a displacement, to `label` for now, padded with
  /// prefixes that mean nothing: unlike a NOP they take no slot, and a comparison before a Jcc
  /// still becomes one operation with it. Returns the displacement's offset.
  size_t patchable_jump(Label label);
  size_t patchable_call(Label label);
  size_t patchable_jump_if(uint8_t condition, Label label);

  /// A VEX encoding; Code::prefix is the legacy prefix that VEX.pp stands for. `size` 8 sets
  /// VEX.W. `vector_bytes` 32 sets VEX.L. No register as `vvvv`: kRax.
  void vex(Code code, unsigned size, uint8_t reg, Reg vvvv, const Rm& rm,
           unsigned vector_bytes = 16);

  // AVX; `bytes` is 16 or 32, and what is above becomes 0.
  void vmovups(unsigned bytes, Reg to, const Rm& from) {
    vex({kMap0f, 0x10}, 4, to, kRax, from, bytes);
  }
  void vmovups_to(unsigned bytes, const Mem& to, Reg from) {
    vex({kMap0f, 0x11}, 4, from, kRax, to, bytes);
  }
  void vzeroupper() { imm(0x77f8c5, 3); }

  // SSE: legacy encodings.
  void sse(Code code, uint8_t reg, const Rm& operand) { rm(code, 4, reg, operand); }
  void movaps(Reg to, const Rm& from) { sse({kMap0f, 0x28}, to, from); }
  void movups(Reg to, const Rm& from) { sse({kMap0f, 0x10}, to, from); }
  /// To an aligned place, of 16 or 32 bytes.
  void movntps(unsigned bytes, const Mem& to, Reg from) {
    if (bytes == 32) return vex({kMap0f, 0x2b}, 4, from, kRax, to, 32);
    sse({kMap0f, 0x2b}, from, to);
  }
  void movups_to(const Mem& to, Reg from) { sse({kMap0f, 0x11}, from, to); }
  void movq(Reg to, const Rm& from) { sse({kMap0f, 0x7e, 0xf3}, to, from); }
  void movq_to(const Mem& to, Reg from) { sse({kMap0f, 0xd6, 0x66}, from, to); }
  void ldmxcsr(const Mem& from) { sse({kMap0f, 0xae}, 2, from); }
  void stmxcsr(const Mem& to) { sse({kMap0f, 0xae}, 3, to); }
  void movss(Reg to, const Rm& from) { sse({kMap0f, 0x10, 0xf3}, to, from); }
  void movss_to(const Mem& to, Reg from) { sse({kMap0f, 0x11, 0xf3}, from, to); }

 private:
  static Code sized(uint8_t byte_form, unsigned size) {
    return {kMapOne, static_cast<uint8_t>(byte_form | (size > 1))};
  }
  /// Whether there is room for an instruction without its immediate; sets full() if not.
  bool ensure_room();
  void branch_field(Label label);
  unsigned padding_of_field(unsigned ahead) const;
  void pad_branch(unsigned ahead);
  void relative(const void* target);

  struct Fixup {
    uint32_t at;
    Label label;
  };
  uint8_t* begin_;
  uint8_t* cursor_;
  uint8_t* end_;
  ptrdiff_t executable_offset_;
  bool full_ = false;
  std::vector<int64_t> labels_;
  std::vector<Fixup> fixups_;
};

/// A few instructions that are the same each time, encoded once.
class Sequence {
 public:
  /// `emit` writes them to an Encoder; Encoder::kMostAppended bytes at most.
  template <class Emit>
  explicit Sequence(Emit&& emit) {
    Encoder encoder(bytes_, bytes_ + sizeof bytes_, 0);
    emit(encoder);
    size_ = encoder.size();
    assert(!encoder.full() && size_ <= Encoder::kMostAppended);
  }
  void append_to(Encoder& encoder) const { encoder.append(bytes_, size_); }

 private:
  uint8_t bytes_[2 * Encoder::kMostAppended] = {};
  size_t size_;
};

}  // namespace vireo::tcg::x86_64
