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
    if (holds(Condition::k##name, machine.flags)) goto leave;  \
    ++o;                                                       \
    continue;                                                  \
  case code_of(Opcode::kSetcc, Condition::k##name):            \
    o = set_condition<Condition::k##name>(machine, values, o); \
    continue;                                                  \
    FOR_WIDTHS(TEST_WIDTH, name)
#define TEST_FORM(width, T, op, form, condition)                                                   \
  case code_of_test(Opcode::k##op, width, form, Condition::k##condition):                          \
    ++o;                                                                                           \
    if (test<Opcode::k##op, T, form, Condition::k##condition>(machine, values, o - 1)) goto leave; \
    ++o;                                                                                           \
    continue;
#define TEST_WIDTH(width, T, condition)           \
  TEST_FORM(width, T, Sub, 0, condition)          \
  TEST_FORM(width, T, Sub, kImmediate, condition) \
  TEST_FORM(width, T, And, 0, condition)          \
  TEST_FORM(width, T, And, kImmediate, condition)

// Operations never change, and the words of a Frame belong to the thread that runs it: what the
// loop and its templates do with them themselves is hidden from ThreadSanitizer (so they are always
// inlined), or it would take many times as long. What threads share is in functions that are not
// inlined then: tag_of(), load_shared(), store_shared(), is_valid(), linked(), is_kicked().
__attribute__((no_sanitize("thread"))) void interpret(Machine& machine, const Operation* o) {
  auto* const values = reinterpret_cast<uint64_t*>(machine.frame);
  while (o) {
    switch (o->code) {
      VIREO_LOOP_BINARY(BINARY)
      VIREO_LOOP_PLAIN(PLAIN)
      FOR_WIDTHS(PURE_FORM, Address, 0)
      FOR_WIDTHS(DISPLACE)
      FOR_WIDTHS(MEMORY_FORM, 0)
      FOR_WIDTHS(MEMORY_FORM, kUser)
      FOR_WIDTHS(MEMORY_FORM, kIndexed)
      FOR_WIDTHS(MEMORY_FORM, kUser | kIndexed)
      FOR_CONDITIONS(CONDITIONAL)
      case code_of(Opcode::kBranchNonzero, 0, 0):
        if (values[o->a] != 0) goto leave;
        ++o;
        continue;
      case code_of(Opcode::kExitDirect, 0, 0):
      leave:
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
