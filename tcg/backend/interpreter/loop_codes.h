#pragma once

// What the loop does itself, without calling a handler.

#include "tcg/backend/interpreter/program.h"

// clang-format off
/// X(Name) for opcodes with two operands, of which the second may be an immediate.
#define VIREO_LOOP_BINARY(X)                                                                   \
  X(Add) X(Adc) X(Sub) X(Sbb) X(And) X(Or) X(Xor) X(Mul) X(MulWideU) X(MulWideS)               \
  X(Shl) X(Shr) X(Sar) X(Rol) X(Ror) X(Rcl) X(Rcr) X(Bt) X(Bts) X(Btr) X(Btc)
/// Other pure opcodes. ZeroExtend has the width of its operand.
#define VIREO_LOOP_PLAIN(X)                                                                    \
  X(Constant) X(GetFlags) X(Neg) X(Not) X(Shld) X(Shrd) X(ZeroExtend) X(ByteSwap)              \
  X(Bsf) X(Bsr) X(Tzcnt) X(Lzcnt) X(Popcnt) X(Pdep) X(Pext) X(Adox) X(Select)                  \
  X(SelectNonzero) X(Crc32C)
// clang-format on

namespace vireo::tcg::interpreter {

constexpr bool is_binary(Opcode op) {
  switch (op) {
#define X(name) case Opcode::k##name:
    VIREO_LOOP_BINARY(X)
#undef X
    return true;
    default:
      return false;
  }
}

constexpr bool is_plain(Opcode op) {
  switch (op) {
#define X(name) case Opcode::k##name:
    VIREO_LOOP_PLAIN(X)
#undef X
    return true;
    default:
      return false;
  }
}

}  // namespace vireo::tcg::interpreter
