// Float80 against the host's x87 unit: results, status word flags and condition codes.

#if defined(__x86_64__)

#include <gtest/gtest.h>

#include <string>

#include "util/softfloat/host_x87.h"
#include "util/softfloat/softfloat.h"
#include "util/softfloat/test_values.h"

namespace vireo::util::softfloat {
namespace {

constexpr int kCases = 12'000;

testing::AssertionResult compare(const std::string& name, const Environment& environment,
                                 const Outcome& host, const Outcome& ours, uint16_t status_mask) {
  const int flags = host.status & kAllExceptions;
  const bool stopped = (flags & ~environment.masks & kPreComputation) != 0;
  const bool same_flags = flags == (ours.status & kAllExceptions);
  const bool same_codes = ((host.status ^ ours.status) & status_mask) == 0;
  const bool same_values =
      host.first == ours.first && host.second == ours.second && host.stored == ours.stored;
  if (same_flags && (stopped || (same_codes && same_values))) return testing::AssertionSuccess();
  const auto show = [](const Outcome& x) {
    return hexadecimal(x.first) + ' ' + hexadecimal(x.second) + ' ' +
           hexadecimal(static_cast<uint64_t>(x.stored >> 64)) +
           hexadecimal(static_cast<uint64_t>(x.stored)) + " status " +
           hexadecimal(x.status).substr(12);
  };
  return testing::AssertionFailure()
         << name << " control " << hexadecimal(control_word(environment)).substr(12) << "\n host "
         << show(host) << "\n ours " << show(ours);
}

/// `ours(a, b, environment, result)` fills in what the instruction changes of ST(0) and ST(1).
template <class Instruction, class Ours>
void check_stack(const char* name, Instruction instruction, Ours ours, uint16_t mask = kC1,
                 int cases = kCases) {
  OperandSource source(11);
  int failures = 0;
  for (int i = 0; i < cases && failures < 6; ++i) {
    const auto a = source.operand<Float80>(), b = source.operand<Float80>();
    Environment environment = source.x87_environment();
    const Outcome host = instruction(Memory80(a), Memory80(b), control_word(environment));
    Outcome mine{a, b};
    ours(a, b, environment, mine);
    mine.status |= status_of(environment);
    const auto outcome = compare(describe(name, a, b), environment, host, mine, mask);
    EXPECT_TRUE(outcome);
    failures += !outcome;
  }
}

#define CHECK_ARITHMETIC(name, text, function)                                                   \
  TEST(HostX87, name) {                                                                          \
    check_stack(#name, RUN_STACK(text), [](auto a, auto b, auto& environment, Outcome& result) { \
      result.first = function;                                                                   \
    });                                                                                          \
  }

CHECK_ARITHMETIC(fadd, "fadd %%st(1), %%st", add(a, b, environment))
CHECK_ARITHMETIC(fsub, "fsub %%st(1), %%st", sub(a, b, environment))
CHECK_ARITHMETIC(fsubr, "fsubr %%st(1), %%st", sub(b, a, environment))
CHECK_ARITHMETIC(fmul, "fmul %%st(1), %%st", mul(a, b, environment))
CHECK_ARITHMETIC(fdiv, "fdiv %%st(1), %%st", div(a, b, environment))
CHECK_ARITHMETIC(fsqrt, "fsqrt", (static_cast<void>(b), sqrt(a, environment)))
CHECK_ARITHMETIC(frndint, "frndint", (static_cast<void>(b), round_to_integral(a, environment)))
CHECK_ARITHMETIC(fscale, "fscale", scale(a, b, environment))

#define CHECK_REMAINDER(name, function)                                                  \
  TEST(HostX87, name) {                                                                  \
    check_stack(                                                                         \
        #name, RUN_STACK(#name),                                                         \
        [](auto a, auto b, auto& environment, Outcome& result) {                         \
          const PartialRemainder r = function(a, b, environment);                        \
          result.first = r.value;                                                        \
          result.status =                                                                \
              static_cast<uint16_t>((r.quotient & 4) << 6 | (r.quotient & 2) << 13 |     \
                                    (r.quotient & 1) << 9 | (r.incomplete ? 0x400 : 0)); \
        },                                                                               \
        kConditionCodes);                                                                \
  }

CHECK_REMAINDER(fprem, partial_remainder_truncate)
CHECK_REMAINDER(fprem1, partial_remainder_nearest)

TEST(HostX87, fxtract) {
  check_stack("fxtract", RUN_STACK("fxtract"),
              [](auto a, auto, auto& environment, Outcome& result) {
                const Extracted r = extract(a, environment);
                result.first = r.significand;
                result.second = r.exponent;
              });
}

TEST(HostX87, fxam) {
  check_stack(
      "fxam", RUN_STACK("fxam"),
      [](auto a, auto, auto&, Outcome& result) {
        const int code = static_cast<int>(classify(a));
        result.status = static_cast<uint16_t>((code & 4) << 12 | (code & 2) << 9 | (code & 1) << 8 |
                                              (a.sign_exponent >> 15) << 9);
      },
      kConditionCodes);
}

uint16_t comparison_codes(Ordering ordering) {
  switch (ordering) {
    case Ordering::kLess:
      return 0x0100;
    case Ordering::kGreater:
      return 0;
    case Ordering::kEqual:
      return 0x4000;
    case Ordering::kUnordered:
      break;
  }
  return 0x4500;
}

#define CHECK_COMPARISON(name, function)                                 \
  TEST(HostX87, name) {                                                  \
    check_stack(                                                         \
        #name, RUN_STACK(#name " %%st(1)"),                              \
        [](auto a, auto b, auto& environment, Outcome& result) {         \
          result.status = comparison_codes(function(a, b, environment)); \
        },                                                               \
        kConditionCodes);                                                \
  }

CHECK_COMPARISON(fcom, compare_signaling)
CHECK_COMPARISON(fucom, compare_quiet)

// Runs `text` on ST(0) = a and the operand `memory`.
#define RUN_MEMORY(text)                                                      \
  [](Memory80 a, auto memory, uint16_t control) {                             \
    Outcome result;                                                           \
    Memory80 first;                                                           \
    asm volatile("fninit\n\tfldcw %[control]\n\tfldt %[a]\n\t" text           \
                 "\n\tfnstsw %[status]\n\tfnclex\n\t"                         \
                 "fstpt %[first]\n\tfninit"                                   \
                 : [first] "=m"(first), [status] "=m"(result.status)          \
                 : [a] "m"(a), [memory] "m"(memory), [control] "m"(control)); \
    result.first = first.value();                                             \
    return result;                                                            \
  }

template <class Float, class Instruction, class Ours>
void check_memory(const char* name, Instruction instruction, Ours ours) {
  OperandSource source(12);
  int failures = 0;
  for (int i = 0; i < kCases && failures < 6; ++i) {
    const auto a = source.operand<Float80>();
    const auto b = source.operand<Float>();
    Environment environment = source.x87_environment();
    const Outcome host = instruction(Memory80(a), b.bits, control_word(environment));
    Outcome mine;
    mine.first = ours(a, b, environment);
    mine.status = status_of(environment);
    const std::string operands =
        std::string(name) + " st0 " + hexadecimal(a) + " memory " + hexadecimal(b.bits);
    const auto outcome = compare(operands, environment, host, mine, kC1);
    EXPECT_TRUE(outcome);
    failures += !outcome;
  }
}

#define CHECK_MEMORY(Float, name, function)                     \
  TEST(HostX87, name##_memory) {                                \
    check_memory<Float>(#name, RUN_MEMORY(#name " %[memory]"),  \
                        [](auto a, auto b, auto& environment) { \
                          static_cast<void>(a);                 \
                          return function;                      \
                        });                                     \
  }

CHECK_MEMORY(Float32, flds, to_float80(b, environment))
CHECK_MEMORY(Float64, fldl, to_float80(b, environment))
CHECK_MEMORY(Float32, fadds, add(a, b, environment))
CHECK_MEMORY(Float64, faddl, add(a, b, environment))
CHECK_MEMORY(Float32, fsubrs, sub(b, a, environment))
CHECK_MEMORY(Float64, fmull, mul(a, b, environment))
CHECK_MEMORY(Float32, fdivs, div(a, b, environment))
CHECK_MEMORY(Float64, fdivrl, div(b, a, environment))

// Stores ST(0) = a to memory with `text`.
#define RUN_STORE(Memory, text)                                        \
  [](Memory80 a, uint16_t control) {                                   \
    Outcome result;                                                    \
    Memory memory{};                                                   \
    asm volatile("fninit\n\tfldcw %[control]\n\tfldt %[a]\n\t" text    \
                 " %[memory]\n\tfnstsw %[status]\n\tfninit"            \
                 : [memory] "+m"(memory), [status] "=m"(result.status) \
                 : [a] "m"(a), [control] "m"(control));                \
    result.stored = memory;                                            \
    return result;                                                     \
  }

/// `ours` gives the stored bits. They count only if the hardware stores at all.
template <class Instruction, class Ours>
void check_store(const char* name, Instruction instruction, Ours ours) {
  OperandSource source(13);
  int failures = 0;
  for (int i = 0; i < kCases && failures < 6; ++i) {
    const auto a = source.operand<Float80>();
    Environment environment = source.x87_environment();
    Outcome host = instruction(Memory80(a), control_word(environment));
    Outcome mine;
    mine.stored = ours(a, environment);
    mine.status = status_of(environment);
    if (environment.unmasked() & ~kInexact) mine.stored = host.stored = 0;
    const auto outcome =
        compare(std::string(name) + ' ' + hexadecimal(a), environment, host, mine, kC1);
    EXPECT_TRUE(outcome);
    failures += !outcome;
  }
}

unsigned __int128 to_memory(PackedBcd digits) { return internal::make128(digits.high, digits.low); }

#define CHECK_STORE(Memory, name, function)                                               \
  TEST(HostX87, name##_store) {                                                           \
    check_store(#name, RUN_STORE(Memory, #name),                                          \
                [](auto a, auto& environment) { return static_cast<Memory>(function); }); \
  }

CHECK_STORE(uint32_t, fsts, to_float32(a, environment).bits)
CHECK_STORE(uint64_t, fstl, to_float64(a, environment).bits)
CHECK_STORE(uint16_t, fists, to_int16(a, environment))
CHECK_STORE(uint32_t, fistl, to_int32(a, environment))
CHECK_STORE(uint64_t, fistpll, to_int64(a, environment))
CHECK_STORE(uint16_t, fisttps, to_int16_truncate(a, environment))
CHECK_STORE(uint32_t, fisttpl, to_int32_truncate(a, environment))
CHECK_STORE(uint64_t, fisttpll, to_int64_truncate(a, environment))
CHECK_STORE(unsigned __int128, fbstp, to_memory(to_packed_bcd(a, environment)))

TEST(HostX87, fbld) {
  OperandSource source(14);
  for (int i = 0; i < kCases / 4; ++i) {
    Environment environment;
    const auto magnitude = static_cast<int64_t>(source.bits() >> (4 + source.below(56)));
    const PackedBcd digits = to_packed_bcd(float80_from_int64(magnitude), environment);
    const unsigned __int128 memory = to_memory(digits);
    Memory80 loaded;
    asm volatile("fbld %[memory]\n\tfstpt %[loaded]"
                 : [loaded] "=m"(loaded)
                 : [memory] "m"(memory));
    ASSERT_EQ(loaded.value(), from_packed_bcd(digits)) << magnitude;
  }
}

}  // namespace
}  // namespace vireo::util::softfloat

#endif  // defined(__x86_64__)
