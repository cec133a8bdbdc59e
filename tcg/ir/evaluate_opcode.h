#pragma once

// One integer opcode on operands of one width: the case analysis behind evaluate_integer() and the
// interpreter's handlers, which instantiate it for each opcode so that nothing is decided at run
// time but what must be.

#include "tcg/ir/evaluate_integer.h"
#include "tcg/ir/instruction.h"

namespace vireo::tcg {

/// What the pure integer opcodes need besides their operands.
struct IntegerInput {
  uint64_t a, b, c;
  uint32_t flags;
  uint16_t aux;
  uint64_t imm;
};

template <class T>
using Integer = IntegerResult<T>;

template <Opcode Op, class T>
constexpr Integer<T> evaluate_arithmetic(T a, T b, uint32_t flags) {
  const bool carry = flags & kFlagC;
  if constexpr (Op == Opcode::kAdd) return evaluate_add<T>(a, b, false);
  if constexpr (Op == Opcode::kAdc) return evaluate_add<T>(a, b, carry);
  if constexpr (Op == Opcode::kAdox) return evaluate_adox<T>(a, b, flags);
  if constexpr (Op == Opcode::kSub) return evaluate_sub<T>(a, b, false);
  if constexpr (Op == Opcode::kSbb) return evaluate_sub<T>(a, b, carry);
  if constexpr (Op == Opcode::kAnd) return evaluate_logic<T>(static_cast<T>(a & b));
  if constexpr (Op == Opcode::kOr) return evaluate_logic<T>(static_cast<T>(a | b));
  if constexpr (Op == Opcode::kXor) return evaluate_logic<T>(static_cast<T>(a ^ b));
  if constexpr (Op == Opcode::kNeg) return evaluate_sub<T>(0, a, false);
  if constexpr (Op == Opcode::kNot) return {static_cast<T>(~a), flags};
  if constexpr (Op == Opcode::kMul) return evaluate_mul_signed<T>(a, b, flags);
  if constexpr (Op == Opcode::kMulWideU) return evaluate_mul_unsigned<T>(a, b, flags);
  if constexpr (Op == Opcode::kMulWideS) return evaluate_mul_signed<T>(a, b, flags);
  return {};
}

template <Opcode Op, class T>
constexpr Integer<T> evaluate_shift(T a, uint8_t count, uint32_t flags) {
  if constexpr (Op == Opcode::kShl) return evaluate_shl<T>(a, count, flags);
  if constexpr (Op == Opcode::kShr) return evaluate_shr<T>(a, count, flags);
  if constexpr (Op == Opcode::kSar) return evaluate_sar<T>(a, count, flags);
  if constexpr (Op == Opcode::kRol) return evaluate_rol<T>(a, count, flags);
  if constexpr (Op == Opcode::kRor) return evaluate_ror<T>(a, count, flags);
  if constexpr (Op == Opcode::kRcl) return evaluate_rcl<T>(a, count, flags);
  if constexpr (Op == Opcode::kRcr) return evaluate_rcr<T>(a, count, flags);
  return {};
}

template <Opcode Op, class T>
constexpr Integer<T> evaluate_bits(T a, T b, uint32_t flags) {
  const T mask = bit_mask(b);
  const uint32_t tested = bit_test_flags(a, b, flags);
  if constexpr (Op == Opcode::kBt) return {a, tested};
  if constexpr (Op == Opcode::kBts) return {static_cast<T>(a | mask), tested};
  if constexpr (Op == Opcode::kBtr) return {static_cast<T>(a & ~mask), tested};
  if constexpr (Op == Opcode::kBtc) return {static_cast<T>(a ^ mask), tested};
  if constexpr (Op == Opcode::kBsf) return evaluate_bsf<T>(a, b, flags);
  if constexpr (Op == Opcode::kBsr) return evaluate_bsr<T>(a, b, flags);
  if constexpr (Op == Opcode::kTzcnt) {
    return evaluate_zero_count<T>(static_cast<unsigned>(std::countr_zero(a)), flags);
  }
  if constexpr (Op == Opcode::kLzcnt) {
    return evaluate_zero_count<T>(static_cast<unsigned>(std::countl_zero(a)), flags);
  }
  if constexpr (Op == Opcode::kPopcnt) return evaluate_popcnt<T>(a);
  return {};
}

constexpr bool is_arithmetic(Opcode op) {
  return (op >= Opcode::kAdd && op <= Opcode::kNot) ||
         (op >= Opcode::kMul && op <= Opcode::kMulWideS);
}
constexpr bool is_shift(Opcode op) { return op >= Opcode::kShl && op <= Opcode::kRcr; }
constexpr bool is_bit_operation(Opcode op) { return op >= Opcode::kBt && op <= Opcode::kPopcnt; }

/// `Op` on type T, for the opcodes of VIREO_PURE_INTEGER_OPCODES. Flags: all of them after.
template <Opcode Op, class T>
constexpr Integer<T> evaluate_opcode(IntegerInput in) {
  const T a = static_cast<T>(in.a), b = static_cast<T>(in.b);
  const Condition condition = static_cast<Condition>(in.aux & 15);
  if constexpr (is_arithmetic(Op)) {
    return evaluate_arithmetic<Op, T>(a, b, in.flags);
  } else if constexpr (is_shift(Op)) {
    return evaluate_shift<Op, T>(a, static_cast<uint8_t>(in.b), in.flags);
  } else if constexpr (is_bit_operation(Op)) {
    return evaluate_bits<Op, T>(a, b, in.flags);
  } else if constexpr (Op == Opcode::kShld) {
    return evaluate_shld<T>(a, b, static_cast<uint8_t>(in.c), in.flags);
  } else if constexpr (Op == Opcode::kShrd) {
    return evaluate_shrd<T>(a, b, static_cast<uint8_t>(in.c), in.flags);
  } else if constexpr (Op == Opcode::kByteSwap) {
    return {evaluate_byte_swap<T>(a), in.flags};
  } else if constexpr (Op == Opcode::kPdep) {
    return {evaluate_pdep<T>(a, b), in.flags};
  } else if constexpr (Op == Opcode::kPext) {
    return {evaluate_pext<T>(a, b), in.flags};
  } else if constexpr (Op == Opcode::kCrc32C) {
    return {static_cast<T>(evaluate_crc32c(static_cast<uint32_t>(in.a), in.b, in.aux)), in.flags};
  } else if constexpr (Op == Opcode::kAddress) {
    return {static_cast<T>(in.a + (in.b << in.aux) + in.imm), in.flags};
  } else if constexpr (Op == Opcode::kSetcc) {
    return {static_cast<T>(holds(condition, in.flags)), in.flags};
  } else if constexpr (Op == Opcode::kSelect) {
    return {holds(condition, in.flags) ? a : b, in.flags};
  } else if constexpr (Op == Opcode::kSelectNonzero) {
    return {in.c ? a : b, in.flags};
  } else if constexpr (Op == Opcode::kConstant) {
    return {static_cast<T>(in.imm), in.flags};
  } else if constexpr (Op == Opcode::kGetFlags) {
    return {static_cast<T>(in.flags & kAllFlags), in.flags};
  } else {
    static_assert(Op == Opcode::kTruncate || Op == Opcode::kZeroExtend);
    return {a, in.flags};
  }
}

// clang-format off
/// X(Name) for each opcode that evaluate_opcode() knows.
#define VIREO_PURE_INTEGER_OPCODES(X)                                                      \
  X(Constant) X(GetFlags) X(Add) X(Adc) X(Adox) X(Sub) X(Sbb) X(And) X(Or) X(Xor) X(Neg)   \
  X(Not) X(Shl) X(Shr) X(Sar) X(Rol) X(Ror) X(Rcl) X(Rcr) X(Shld) X(Shrd)                  \
  X(Mul) X(MulWideU) X(MulWideS) X(ZeroExtend) X(Truncate) X(ByteSwap) X(Address)          \
  X(Bt) X(Bts) X(Btr) X(Btc) X(Bsf) X(Bsr) X(Tzcnt) X(Lzcnt) X(Popcnt) X(Pdep) X(Pext)     \
  X(Crc32C) X(Setcc) X(Select) X(SelectNonzero)
// clang-format on

}  // namespace vireo::tcg
