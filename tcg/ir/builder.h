#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "tcg/ir/block.h"
#include "tcg/ir/vector_info.h"

namespace vireo::tcg {

/// An operand or result while a block is being built: an SSA value and its type. A default one is
/// absent (for optional operands).
struct Value {
  ValueId id = kNoValue;
  Type type = Type::kVoid;
  explicit operator bool() const { return id != kNoValue; }
};

/// Both results of a widening multiplication or a division.
struct ValuePair {
  Value first;   ///< Low half, or quotient.
  Value second;  ///< High half, or remainder.
};

/// Appends instructions to a Block: one method an opcode, named as in opcodes.inc, whose rows say
/// what they mean. Operand types are asserted here and checked by verify(). A block holds fewer
/// than kNoValue instructions; who builds it ends it in time (see size()).
class Builder {
 public:
  explicit Builder(Block* block) : block_(block) {}

  Block& block() { return *block_; }
  size_t size() const { return block_->insts.size(); }

  // Guest state.
  Value constant(Type type, uint64_t imm) {
    return make({.op = Opcode::kConstant, .type = type, .imm = imm});
  }
  Value get_reg(Type type, unsigned reg) { return make(state(Opcode::kGetReg, type, reg)); }
  void set_reg(unsigned reg, Value a) { put(state(Opcode::kSetReg, a.type, reg, a)); }
  Value get_reg_high8(unsigned reg) { return make(state(Opcode::kGetRegHigh8, Type::kI8, reg)); }
  void set_reg_high8(unsigned reg, Value a) {
    assert(a.type == Type::kI8);
    put(state(Opcode::kSetRegHigh8, a.type, reg, a));
  }
  void zero_upper(unsigned count) {
    put({.op = Opcode::kZeroUpper, .aux = static_cast<uint16_t>(count)});
  }
  /// `offset` is in bytes from the Frame's start.
  Value load_state(Type type, uint64_t offset) {
    return make({.op = Opcode::kLoadState, .type = type, .imm = offset});
  }
  /// Of what others may change at any time: never taken to be what it was before.
  Value load_changing_state(Type type, uint64_t offset) {
    return make({.op = Opcode::kLoadState, .type = type, .extra = 1, .imm = offset});
  }
  void store_state(uint64_t offset, Value a) {
    put({.op = Opcode::kStoreState, .type = a.type, .a = a.id, .imm = offset});
  }
  Value get_flags() { return make({.op = Opcode::kGetFlags, .type = Type::kI32}); }
  Value get_mxcsr() { return make({.op = Opcode::kGetMxcsr, .type = Type::kI32}); }
  void set_flags(Value a, FlagMask flags = kAllFlags) {
    assert(a.type == Type::kI32);
    put({.op = Opcode::kSetFlags, .type = a.type, .flags = flags, .a = a.id});
  }

  // Integer arithmetic. Both operands have the result's type.
  Value add(Value a, Value b, FlagMask flags = kNoFlags) { return same(Opcode::kAdd, a, b, flags); }
  Value adc(Value a, Value b, FlagMask flags = kNoFlags) { return same(Opcode::kAdc, a, b, flags); }
  Value adox(Value a, Value b, FlagMask flags = kFlagO) { return same(Opcode::kAdox, a, b, flags); }
  Value sub(Value a, Value b, FlagMask flags = kNoFlags) { return same(Opcode::kSub, a, b, flags); }
  Value sbb(Value a, Value b, FlagMask flags = kNoFlags) { return same(Opcode::kSbb, a, b, flags); }
  Value and_(Value a, Value b, FlagMask flags = kNoFlags) {
    return same(Opcode::kAnd, a, b, flags);
  }
  Value or_(Value a, Value b, FlagMask flags = kNoFlags) { return same(Opcode::kOr, a, b, flags); }
  Value xor_(Value a, Value b, FlagMask flags = kNoFlags) {
    return same(Opcode::kXor, a, b, flags);
  }
  Value neg(Value a, FlagMask flags = kNoFlags) { return unary(Opcode::kNeg, a, flags); }
  Value not_(Value a) { return unary(Opcode::kNot, a); }

  // Shifts and rotates: the count is i8.
  Value shl(Value a, Value n, FlagMask flags = kNoFlags) {
    return shift(Opcode::kShl, a, n, flags);
  }
  Value shr(Value a, Value n, FlagMask flags = kNoFlags) {
    return shift(Opcode::kShr, a, n, flags);
  }
  Value sar(Value a, Value n, FlagMask flags = kNoFlags) {
    return shift(Opcode::kSar, a, n, flags);
  }
  Value rol(Value a, Value n, FlagMask flags = kNoFlags) {
    return shift(Opcode::kRol, a, n, flags);
  }
  Value ror(Value a, Value n, FlagMask flags = kNoFlags) {
    return shift(Opcode::kRor, a, n, flags);
  }
  Value rcl(Value a, Value n, FlagMask flags = kNoFlags) {
    return shift(Opcode::kRcl, a, n, flags);
  }
  Value rcr(Value a, Value n, FlagMask flags = kNoFlags) {
    return shift(Opcode::kRcr, a, n, flags);
  }
  Value shift(Opcode op, Value a, Value count, FlagMask flags = kNoFlags) {
    assert(count.type == Type::kI8);
    return make({.op = op, .type = a.type, .flags = flags, .a = a.id, .b = count.id});
  }
  Value shld(Value a, Value b, Value count, FlagMask flags = kNoFlags) {
    return double_shift(Opcode::kShld, a, b, count, flags);
  }
  Value shrd(Value a, Value b, Value count, FlagMask flags = kNoFlags) {
    return double_shift(Opcode::kShrd, a, b, count, flags);
  }

  Value mul(Value a, Value b, FlagMask flags = kNoFlags) { return same(Opcode::kMul, a, b, flags); }
  ValuePair mul_wide_u(Value a, Value b, FlagMask flags = kNoFlags) {
    return with_second(same(Opcode::kMulWideU, a, b, flags));
  }
  ValuePair mul_wide_s(Value a, Value b, FlagMask flags = kNoFlags) {
    return with_second(same(Opcode::kMulWideS, a, b, flags));
  }
  /// Quotient and remainder of high:low / divisor.
  ValuePair div_u(Value low, Value high, Value divisor) {
    return divide(Opcode::kDivU, low, high, divisor);
  }
  ValuePair div_s(Value low, Value high, Value divisor) {
    return divide(Opcode::kDivS, low, high, divisor);
  }

  /// To `type`, by whichever of zext, trunc or nothing is needed. zero_extend and truncate take
  /// vectors too.
  Value zero_extend(Type type, Value a) { return convert(Opcode::kZeroExtend, type, a); }
  Value sign_extend(Type type, Value a) { return convert(Opcode::kSignExtend, type, a); }
  Value truncate(Type type, Value a) { return convert(Opcode::kTruncate, type, a); }
  Value byte_swap(Value a) { return unary(Opcode::kByteSwap, a); }
  /// base + (index << scale) + displacement, of `type` (the address size), as are the parts.
  Value address(Type type, Value base, Value index, unsigned scale, int64_t displacement) {
    assert(!base || base.type == type);
    assert(!index || index.type == type);
    return make({.op = Opcode::kAddress,
                 .type = type,
                 .aux = static_cast<uint16_t>(scale),
                 .a = base.id,
                 .b = index.id,
                 .imm = static_cast<uint64_t>(displacement)});
  }

  // Bits. The bit index has a's type.
  void bt(Value a, Value b, FlagMask flags = kFlagC) { same(Opcode::kBt, a, b, flags); }
  Value bts(Value a, Value b, FlagMask flags = kNoFlags) { return same(Opcode::kBts, a, b, flags); }
  Value btr(Value a, Value b, FlagMask flags = kNoFlags) { return same(Opcode::kBtr, a, b, flags); }
  Value btc(Value a, Value b, FlagMask flags = kNoFlags) { return same(Opcode::kBtc, a, b, flags); }
  Value bsf(Value a, Value if_zero, FlagMask flags = kNoFlags) {
    return same(Opcode::kBsf, a, if_zero, flags);
  }
  Value bsr(Value a, Value if_zero, FlagMask flags = kNoFlags) {
    return same(Opcode::kBsr, a, if_zero, flags);
  }
  Value tzcnt(Value a, FlagMask flags = kNoFlags) { return unary(Opcode::kTzcnt, a, flags); }
  Value lzcnt(Value a, FlagMask flags = kNoFlags) { return unary(Opcode::kLzcnt, a, flags); }
  Value popcnt(Value a, FlagMask flags = kNoFlags) { return unary(Opcode::kPopcnt, a, flags); }

  Value pdep(Value a, Value mask) { return same(Opcode::kPdep, a, mask, kNoFlags); }
  Value pext(Value a, Value mask) { return same(Opcode::kPext, a, mask, kNoFlags); }

  /// `crc` and `data` are i64; of `data` the low `bytes` (1, 2, 4 or 8).
  Value crc32c(Value crc, Value data, unsigned bytes) {
    return make({.op = Opcode::kCrc32C,
                 .type = Type::kI64,
                 .aux = static_cast<uint16_t>(bytes),
                 .a = crc.id,
                 .b = data.id});
  }

  Value setcc(Condition condition) {
    return make({.op = Opcode::kSetcc, .type = Type::kI8, .aux = number(condition)});
  }
  Value select(Condition condition, Value if_true, Value if_false) {
    assert(if_true.type == if_false.type);
    return make({.op = Opcode::kSelect,
                 .type = if_true.type,
                 .aux = number(condition),
                 .a = if_true.id,
                 .b = if_false.id});
  }
  Value select_nonzero(Value if_nonzero, Value if_zero, Value control) {
    assert(if_nonzero.type == if_zero.type && is_integer(control.type));
    return make({.op = Opcode::kSelectNonzero,
                 .type = if_nonzero.type,
                 .a = if_nonzero.id,
                 .b = if_zero.id,
                 .c = control.id});
  }

  // Guest memory; `address` is i64. `memory_flags` are MemoryFlags.
  Value load(Type type, Value address, int64_t displacement, uint8_t memory_flags) {
    return make(memory(Opcode::kLoad, type, address, displacement, memory_flags));
  }
  void store(Value address, int64_t displacement, Value a, uint8_t memory_flags) {
    Inst inst = memory(Opcode::kStore, a.type, address, displacement, memory_flags);
    inst.b = a.id;
    put(inst);
  }
  Value rmw(RmwKind kind, Type type, Value address, int64_t displacement, Value operand,
            uint8_t memory_flags, FlagMask flags = kNoFlags) {
    Inst inst = memory(Opcode::kRmw, type, address, displacement, memory_flags);
    inst.aux = static_cast<uint16_t>(kind);
    inst.b = operand.id;
    inst.flags = flags;
    return make(inst);
  }
  /// Returns the value before.
  Value compare_exchange(Value address, int64_t displacement, Value expected, Value replacement,
                         uint8_t memory_flags, FlagMask flags = kNoFlags) {
    assert(expected.type == replacement.type);
    Inst inst =
        memory(Opcode::kCompareExchange, expected.type, address, displacement, memory_flags);
    inst.b = expected.id;
    inst.c = replacement.id;
    inst.flags = flags;
    return make(inst);
  }
  void probe(Type type, Value address, int64_t displacement, uint8_t memory_flags) {
    put(memory(Opcode::kProbe, type, address, displacement, memory_flags));
  }
  void prefetch(Value address, uint8_t memory_flags) {
    put({.op = Opcode::kPrefetch, .extra = memory_flags, .a = address.id});
  }
  void fence() { put({.op = Opcode::kFence}); }

  /// `code`: opcode byte << 8 | ModRM. `type`: of the result, or kVoid.
  Value x87(unsigned code, Type type = Type::kVoid, Value a = {}, FlagMask flags = kNoFlags) {
    return make({.op = Opcode::kX87,
                 .type = type,
                 .flags = flags,
                 .aux = static_cast<uint16_t>(code),
                 .a = a.id});
  }
  void x87_load(unsigned code, Type type, Value address, uint8_t memory_flags) {
    x87_access(Opcode::kX87Load, code, type, address, memory_flags);
  }
  void x87_store(unsigned code, Type type, Value address, uint8_t memory_flags) {
    x87_access(Opcode::kX87Store, code, type, address, memory_flags);
  }

  /// Calls helper `index`; kVoid if its result is not wanted. Arguments are i64, i32 or smaller and
  /// are zero-extended.
  /// `extra`: StringFlags or PairFlags.
  Value call(unsigned index, Type type, Value a = {}, Value b = {}, Value c = {},
             uint8_t extra = 0) {
    return make({.op = Opcode::kCallHelper,
                 .type = type,
                 .extra = extra,
                 .aux = static_cast<uint16_t>(index),
                 .a = a.id,
                 .b = b.id,
                 .c = c.id});
  }

  /// An operation of vector_opcodes.inc; `type` is the result's. Operands that its shape lacks are
  /// absent. Compares (kCompareFlags) have type kVoid and give `flags`.
  Value vector(VectorOpcode op, Type type, Value a, Value b, uint8_t imm = 0,
               FlagMask flags = kNoFlags) {
    return make({.op = Opcode::kVector,
                 .type = type,
                 .flags = flags,
                 .aux = static_cast<uint16_t>(op),
                 .a = a.id,
                 .b = b.id,
                 .imm = imm});
  }

  /// Of shape kFused, kWithXmm0 or kWithFourth; the result has the type of `a`.
  Value vector(VectorOpcode op, Value a, Value b, Value c) {
    return make({.op = Opcode::kVector,
                 .type = a.type,
                 .aux = static_cast<uint16_t>(op),
                 .a = a.id,
                 .b = b.id,
                 .c = c.id});
  }

  /// Of shape kTextMask or kTextIndex, with all flags.
  Value compare_text(VectorOpcode op, Value a, Value b, Value lengths, uint8_t imm) {
    return make({.op = Opcode::kVector,
                 .type = gives_integer(info(op).shape) ? Type::kI32 : Type::kV128,
                 .flags = kAllFlags,
                 .aux = static_cast<uint16_t>(op),
                 .a = a.id,
                 .b = b.id,
                 .c = lengths.id,
                 .imm = imm});
  }

  // Control. Link slots are 0 and 1.
  void insn_start(uint64_t ip) { put({.op = Opcode::kInsnStart, .imm = ip}); }
  void branch_if(Condition condition, uint64_t target, unsigned slot) {
    put({.op = Opcode::kBranchFlags,
         .extra = static_cast<uint8_t>(slot),
         .aux = number(condition),
         .imm = target});
  }
  void branch_nonzero(Value a, uint64_t target, unsigned slot) {
    put({.op = Opcode::kBranchNonzero,
         .type = a.type,
         .extra = static_cast<uint8_t>(slot),
         .a = a.id,
         .imm = target});
  }
  void branch_runtime(Value a, ExitReason reason, uint64_t ip) {
    put({.op = Opcode::kBranchRuntime,
         .type = a.type,
         .aux = static_cast<uint16_t>(reason),
         .a = a.id,
         .imm = ip});
  }
  void exit_direct(uint64_t target, unsigned slot) {
    put({.op = Opcode::kExitDirect, .extra = static_cast<uint8_t>(slot), .imm = target});
  }
  void exit_indirect(Value target) { exit_to(Opcode::kExitIndirect, target); }
  void exit_return(Value target) { exit_to(Opcode::kExitReturn, target); }
  void push_return(uint64_t ip) { put({.op = Opcode::kPushReturn, .imm = ip}); }
  /// The guest IP becomes `ip`.
  void exit_runtime(ExitReason reason, uint64_t ip) {
    put({.op = Opcode::kExitRuntime, .aux = static_cast<uint16_t>(reason), .imm = ip});
  }
  /// The guest IP is in the state already.
  void exit_runtime(ExitReason reason) {
    put({.op = Opcode::kExitRuntime, .extra = 1, .aux = static_cast<uint16_t>(reason)});
  }

 private:
  static constexpr uint16_t number(Condition condition) { return static_cast<uint16_t>(condition); }

  void put(const Inst& inst) { block_->insts.push_back(inst); }
  Value make(const Inst& inst) {
    assert(block_->insts.size() < kNoValue);
    put(inst);
    return {static_cast<ValueId>(block_->insts.size() - 1), inst.type};
  }
  static Inst state(Opcode op, Type type, unsigned reg, Value a = {}) {
    return {.op = op, .type = type, .aux = static_cast<uint16_t>(reg), .a = a.id};
  }
  static Inst memory(Opcode op, Type type, Value address, int64_t displacement, uint8_t flags) {
    assert(address.type == Type::kI64);
    return {.op = op,
            .type = type,
            .extra = flags,
            .a = address.id,
            .imm = static_cast<uint64_t>(displacement)};
  }
  void x87_access(Opcode op, unsigned code, Type type, Value address, uint8_t memory_flags) {
    Inst inst = memory(op, type, address, 0, memory_flags);
    inst.aux = static_cast<uint16_t>(code);
    put(inst);
  }
  Value same(Opcode op, Value a, Value b, FlagMask flags) {
    assert(a.type == b.type && is_integer(a.type));
    return make({.op = op, .type = a.type, .flags = flags, .a = a.id, .b = b.id});
  }
  Value unary(Opcode op, Value a, FlagMask flags = kNoFlags) {
    assert(is_integer(a.type));
    return make({.op = op, .type = a.type, .flags = flags, .a = a.id});
  }
  Value double_shift(Opcode op, Value a, Value b, Value count, FlagMask flags) {
    assert(a.type == b.type && count.type == Type::kI8);
    return make({.op = op, .type = a.type, .flags = flags, .a = a.id, .b = b.id, .c = count.id});
  }
  ValuePair divide(Opcode op, Value low, Value high, Value divisor) {
    assert(low.type == high.type && low.type == divisor.type);
    return with_second(
        make({.op = op, .type = low.type, .a = low.id, .b = high.id, .c = divisor.id}));
  }
  ValuePair with_second(Value first) {
    return {first, make({.op = Opcode::kSecond, .type = first.type, .a = first.id})};
  }
  Value convert(Opcode widen, Type type, Value a) {
    if (type == a.type) return a;
    const Opcode op = type < a.type ? Opcode::kTruncate : widen;
    assert(is_vector(type) == is_vector(a.type));
    assert(op == Opcode::kTruncate || widen != Opcode::kTruncate);
    return make({.op = op, .type = type, .a = a.id});
  }
  void exit_to(Opcode op, Value target) {
    assert(target.type == Type::kI64);
    put({.op = op, .type = target.type, .a = target.id});
  }

  Block* block_;
};

}  // namespace vireo::tcg
