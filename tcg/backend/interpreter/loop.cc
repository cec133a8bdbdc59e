// The interpreter's loop: one switch over codes, each a copy of the function template that defines
// it.

#include "tcg/backend/interpreter/control.h"
#include "tcg/backend/interpreter/integer.h"
#include "tcg/backend/interpreter/loop_codes.h"
#include "tcg/backend/interpreter/memory.h"

namespace vireo::tcg::interpreter {

#define FOR_WIDTHS(X, ...)    \
  X(0, uint8_t, __VA_ARGS__)  \
  X(1, uint16_t, __VA_ARGS__) \
  X(2, uint32_t, __VA_ARGS__) \
  X(3, uint64_t, __VA_ARGS__)
#define FOR_CONDITIONS(X) \
  X(O) X(No) X(B) X(Ae) X(E) X(Ne) X(Be) X(A) X(S) X(Ns) X(P) X(Np) X(L) X(Ge) X(Le) X(G)

#define PURE_FORM(width, T, name, form)                     \
  case code_of(Opcode::k##name, width, form):               \
    o = pure<Opcode::k##name, T, form>(machine, values, o); \
    continue;
#define BINARY_WIDTH(width, T, name)    \
  PURE_FORM(width, T, name, 0)          \
  PURE_FORM(width, T, name, kFlagless)  \
  PURE_FORM(width, T, name, kImmediate) \
  PURE_FORM(width, T, name, kFlagless | kImmediate)
#define BINARY(name) FOR_WIDTHS(BINARY_WIDTH, name)
#define PLAIN(name) FOR_WIDTHS(PURE_FORM, name, 0)
#define DISPLACE(width, T, ...)                      \
  case code_of(Opcode::kAddress, width, kImmediate): \
    o = displace<T>(values, o);                      \
    continue;
#define MEMORY_FORM(width, T, form)          \
  case code_of(Opcode::kLoad, width, form):  \
    o = load<T, form>(machine, values, o);   \
    continue;                                \
  case code_of(Opcode::kStore, width, form): \
    o = store<T, form>(machine, values, o);  \
    continue;
#define CONDITIONAL(name)                                      \
  case code_of(Opcode::kBranchFlags, Condition::k##name):      \
    o = branch_flags<Condition::k##name>(machine, o);          \
    continue;                                                  \
  case code_of(Opcode::kSetcc, Condition::k##name):            \
    o = set_condition<Condition::k##name>(machine, values, o); \
    continue;

void interpret(Machine& machine, const Operation* o) {
  auto* const values = reinterpret_cast<uint64_t*>(machine.frame);
  while (o) {
    switch (o->code) {
      VIREO_LOOP_BINARY(BINARY)
      VIREO_LOOP_PLAIN(PLAIN)
      FOR_WIDTHS(PURE_FORM, Address, 0)
      FOR_WIDTHS(DISPLACE)
      FOR_WIDTHS(MEMORY_FORM, 0)
      FOR_WIDTHS(MEMORY_FORM, kIndexed)
      FOR_CONDITIONS(CONDITIONAL)
      case code_of(Opcode::kBranchNonzero, 0, 0):
        o = branch_nonzero(machine, values, o);
        continue;
      case code_of(Opcode::kExitDirect, 0, 0):
        o = go_direct(machine, o);
        continue;
      case code_of(Opcode::kExitIndirect, 0, 0):
        o = exit_indirect(machine, values, o);
        continue;
      case kByHandler:
        o = o->handler(machine, values, o);
        continue;
      default:
        __builtin_unreachable();  // The compiler makes no other codes.
    }
  }
}

}  // namespace vireo::tcg::interpreter
