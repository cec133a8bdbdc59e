// Float32 and Float64 against the host's SSE unit: results and MXCSR flags.

#if defined(__x86_64__)

#include <gtest/gtest.h>
#include <signal.h>
#include <ucontext.h>

#include <cstring>
#include <string>

#include "util/softfloat/softfloat.h"
#include "util/softfloat/test_values.h"

namespace vireo::util::softfloat {
namespace {

constexpr uint32_t kDefaultMxcsr = 0x1f80;
constexpr int kCases = 12'000;

uint32_t mxcsr_of(const Environment& environment) {
  return static_cast<uint32_t>(environment.rounding) << 13 | uint32_t{environment.masks} << 7 |
         (environment.denormals_are_zero ? 0x40 : 0) | (environment.flush_to_zero ? 0x8000 : 0);
}

/// Flags of the instruction that trapped, or -1.
volatile int trapped_flags;

/// Notes the flags and lets the instruction run again with everything masked.
void note_trap(int, siginfo_t*, void* context) {
  auto* registers = static_cast<ucontext_t*>(context)->uc_mcontext.fpregs;
  trapped_flags = registers->mxcsr & kAllExceptions;
  registers->mxcsr |= kDefaultMxcsr;
}

class HostSse : public testing::Test {
 protected:
  void SetUp() override {
    struct sigaction action = {};
    action.sa_sigaction = note_trap;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGFPE, &action, &previous_);
  }
  void TearDown() override { sigaction(SIGFPE, &previous_, nullptr); }

 private:
  struct sigaction previous_;
};

template <class Value>
struct Outcome {
  Value value;
  int flags;
};

/// Runs `instruction` (which sets the MXCSR given, and returns the one after it) on the host.
template <class Value, class Instruction>
Outcome<Value> on_host(const Environment& environment, Instruction instruction) {
  trapped_flags = -1;
  uint32_t mxcsr = mxcsr_of(environment);
  const Value value = instruction(mxcsr);
  return {value, trapped_flags >= 0 ? static_cast<int>(trapped_flags)
                                    : static_cast<int>(mxcsr & kAllExceptions)};
}

std::string hexadecimal(uint64_t x) {
  char text[20];
  snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(x));
  return text;
}

template <class Float>
std::string hexadecimal(Float x) {
  return hexadecimal(static_cast<uint64_t>(x.bits));
}

std::string hexadecimal(int32_t x) { return hexadecimal(static_cast<uint64_t>(x)); }
std::string hexadecimal(int64_t x) { return hexadecimal(static_cast<uint64_t>(x)); }

/// True if ours agrees; a result counts only where the hardware writes one.
template <class Value>
bool agrees(const Outcome<Value>& host, const Environment& environment, Value ours) {
  const bool stopped = (host.flags & ~environment.masks) != 0;
  return host.flags == environment.flags && (stopped || host.value == ours);
}

template <class Value, class... Operands>
testing::AssertionResult report(const char* name, const Outcome<Value>& host,
                                const Environment& environment, Value ours, Operands... operands) {
  std::string text = std::string(name) + " of";
  ((text += ' ' + hexadecimal(operands)), ...);
  return testing::AssertionFailure()
         << text << " mxcsr " << hexadecimal(uint64_t{mxcsr_of(environment)}) << ": host "
         << hexadecimal(host.value) << " flags " << host.flags << ", ours " << hexadecimal(ours)
         << " flags " << int{environment.flags};
}

/// Compares `ours(environment)` with `instruction(mxcsr)`.
template <class Value, class Ours, class Instruction, class... Operands>
testing::AssertionResult check(const char* name, Environment environment, Ours ours,
                               Instruction instruction, Operands... operands) {
  const Outcome<Value> host = on_host<Value>(environment, instruction);
  const Value value = ours(environment);
  if (agrees(host, environment, value)) return testing::AssertionSuccess();
  return report(name, host, environment, value, operands...);
}

#define AROUND(text) "ldmxcsr %[csr]\n\t" text "\n\tstmxcsr %[csr]\n\tldmxcsr %[standard]"
#define STANDARD [standard] "m"(kDefaultMxcsr)

// A test case of the two-operand instruction `op`, for one of the formats.
#define CHECK_BINARY(Float, Register, op, function)                              \
  TEST_F(HostSse, op) {                                                          \
    OperandSource source(1);                                                     \
    for (int i = 0; i < kCases; ++i) {                                           \
      const auto a = source.operand<Float>(), b = source.operand<Float>();       \
      ASSERT_TRUE(check<Float>(                                                  \
          #op, source.sse_environment(),                                         \
          [&](Environment& environment) { return function(a, b, environment); }, \
          [&](uint32_t& csr) {                                                   \
            Register result = std::bit_cast<Register>(a);                        \
            asm volatile(AROUND(#op " %[b], %[a]")                               \
                         : [a] "+x"(result), [csr] "+m"(csr)                     \
                         : [b] "x"(std::bit_cast<Register>(b)), STANDARD);       \
            return std::bit_cast<Float>(result);                                 \
          },                                                                     \
          a, b));                                                                \
    }                                                                            \
  }

CHECK_BINARY(Float32, float, addss, add)
CHECK_BINARY(Float64, double, addsd, add)
CHECK_BINARY(Float32, float, subss, sub)
CHECK_BINARY(Float64, double, subsd, sub)
CHECK_BINARY(Float32, float, mulss, mul)
CHECK_BINARY(Float64, double, mulsd, mul)
CHECK_BINARY(Float32, float, divss, div)
CHECK_BINARY(Float64, double, divsd, div)
CHECK_BINARY(Float32, float, minss, min)
CHECK_BINARY(Float64, double, minsd, min)
CHECK_BINARY(Float32, float, maxss, max)
CHECK_BINARY(Float64, double, maxsd, max)

// An instruction from one operand to a register of another class or type.
#define CHECK_UNARY(From, FromRegister, To, ToRegister, constraint, op, function) \
  TEST_F(HostSse, op##_##To##_##From) {                                           \
    OperandSource source(2);                                                      \
    for (int i = 0; i < kCases; ++i) {                                            \
      const auto a = source.operand<From>();                                      \
      ASSERT_TRUE(check<To>(                                                      \
          #op, source.sse_environment(),                                          \
          [&](Environment& environment) { return function(a, environment); },     \
          [&](uint32_t& csr) {                                                    \
            ToRegister result{};                                                  \
            asm volatile(AROUND(#op " %[a], %[result]")                           \
                         : [result] "+" constraint(result), [csr] "+m"(csr)       \
                         : [a] "x"(std::bit_cast<FromRegister>(a)), STANDARD);    \
            return std::bit_cast<To>(result);                                     \
          },                                                                      \
          a));                                                                    \
    }                                                                             \
  }

CHECK_UNARY(Float32, float, Float32, float, "x", sqrtss, sqrt)
CHECK_UNARY(Float64, double, Float64, double, "x", sqrtsd, sqrt)
CHECK_UNARY(Float32, float, Float64, double, "x", cvtss2sd, to_float64)
CHECK_UNARY(Float64, double, Float32, float, "x", cvtsd2ss, to_float32)
CHECK_UNARY(Float32, float, int32_t, int32_t, "r", cvtss2si, to_int32)
CHECK_UNARY(Float32, float, int64_t, int64_t, "r", cvtss2si, to_int64)
CHECK_UNARY(Float64, double, int32_t, int32_t, "r", cvtsd2si, to_int32)
CHECK_UNARY(Float64, double, int64_t, int64_t, "r", cvtsd2si, to_int64)
CHECK_UNARY(Float32, float, int32_t, int32_t, "r", cvttss2si, to_int32_truncate)
CHECK_UNARY(Float32, float, int64_t, int64_t, "r", cvttss2si, to_int64_truncate)
CHECK_UNARY(Float64, double, int32_t, int32_t, "r", cvttsd2si, to_int32_truncate)
CHECK_UNARY(Float64, double, int64_t, int64_t, "r", cvttsd2si, to_int64_truncate)

#define CHECK_FROM_INTEGER(Integer, To, ToRegister, op, function)              \
  TEST_F(HostSse, op) {                                                        \
    OperandSource source(3);                                                   \
    for (int i = 0; i < kCases / 4; ++i) {                                     \
      const auto a = static_cast<Integer>(source.bits() >> source.below(64));  \
      ASSERT_TRUE(check<To>(                                                   \
          #op, source.sse_environment(),                                       \
          [&]([[maybe_unused]] Environment& environment) { return function; }, \
          [&](uint32_t& csr) {                                                 \
            ToRegister result{};                                               \
            asm volatile(AROUND(#op " %[a], %[result]")                        \
                         : [result] "+x"(result), [csr] "+m"(csr)              \
                         : [a] "r"(a), STANDARD);                              \
            return std::bit_cast<To>(result);                                  \
          },                                                                   \
          a));                                                                 \
    }                                                                          \
  }

CHECK_FROM_INTEGER(int32_t, Float32, float, cvtsi2ssl, float32_from_int32(a, environment))
CHECK_FROM_INTEGER(int64_t, Float32, float, cvtsi2ssq, float32_from_int64(a, environment))
CHECK_FROM_INTEGER(int32_t, Float64, double, cvtsi2sdl, float64_from_int32(a))
CHECK_FROM_INTEGER(int64_t, Float64, double, cvtsi2sdq, float64_from_int64(a, environment))

/// EFLAGS' ZF, PF and CF as COMISS leaves them.
uint64_t comparison_flags(Ordering ordering) {
  switch (ordering) {
    case Ordering::kLess:
      return 0x01;
    case Ordering::kGreater:
      return 0x00;
    case Ordering::kEqual:
      return 0x40;
    case Ordering::kUnordered:
      break;
  }
  return 0x45;
}

#define CHECK_COMPARISON(Float, Register, op, function)                                            \
  TEST_F(HostSse, op) {                                                                            \
    OperandSource source(4);                                                                       \
    for (int i = 0; i < kCases; ++i) {                                                             \
      const auto a = source.operand<Float>();                                                      \
      const auto b = source.below(4) == 0 ? a : source.operand<Float>();                           \
      ASSERT_TRUE(check<uint64_t>(                                                                 \
          #op, source.sse_environment(),                                                           \
          [&](Environment& environment) { return comparison_flags(function(a, b, environment)); }, \
          [&](uint32_t& csr) {                                                                     \
            uint64_t result;                                                                       \
            asm volatile(                                                                          \
                AROUND(#op " %[b], %[a]\n\tpushfq\n\tpopq %[result]")                              \
                : [result] "=r"(result), [csr] "+m"(csr)                                           \
                : [a] "x"(std::bit_cast<Register>(a)), [b] "x"(std::bit_cast<Register>(b)),        \
                  STANDARD                                                                         \
                : "cc");                                                                           \
            return result & 0x45;                                                                  \
          },                                                                                       \
          a, b));                                                                                  \
    }                                                                                              \
  }

CHECK_COMPARISON(Float32, float, comiss, compare_signaling)
CHECK_COMPARISON(Float64, double, comisd, compare_signaling)
CHECK_COMPARISON(Float32, float, ucomiss, compare_quiet)
CHECK_COMPARISON(Float64, double, ucomisd, compare_quiet)

#define CHECK_ROUND(Float, Register, op)                                               \
  TEST_F(HostSse, op) {                                                                \
    if (!__builtin_cpu_supports("sse4.1")) GTEST_SKIP() << "the host lacks SSE4.1";    \
    OperandSource source(5);                                                           \
    for (int i = 0; i < kCases; ++i) {                                                 \
      const auto a = source.operand<Float>();                                          \
      ASSERT_TRUE(check<Float>(                                                        \
          #op, source.sse_environment(),                                               \
          [&](Environment& environment) { return round_to_integral(a, environment); }, \
          [&](uint32_t& csr) {                                                         \
            Register result{};                                                         \
            asm volatile(AROUND(#op " $4, %[a], %[result]")                            \
                         : [result] "+x"(result), [csr] "+m"(csr)                      \
                         : [a] "x"(std::bit_cast<Register>(a)), STANDARD);             \
            return std::bit_cast<Float>(result);                                       \
          },                                                                           \
          a));                                                                         \
    }                                                                                  \
  }

CHECK_ROUND(Float32, float, roundss)
CHECK_ROUND(Float64, double, roundsd)

// `function` names its operands in the order of the instruction's formula in the SDM, where `a` is
// the destination and `b` and `c` are the second and third operands.
#define CHECK_FUSED(Float, Register, op, function)                                          \
  TEST_F(HostSse, op) {                                                                     \
    if (!__builtin_cpu_supports("fma")) GTEST_SKIP() << "the host lacks FMA";               \
    OperandSource source(6);                                                                \
    for (int i = 0; i < kCases; ++i) {                                                      \
      const auto a = source.operand<Float>(), b = source.operand<Float>();                  \
      const auto c = source.operand<Float>();                                               \
      ASSERT_TRUE(check<Float>(                                                             \
          #op, source.sse_environment(),                                                    \
          [&]([[maybe_unused]] Environment& environment) { return function; },              \
          [&](uint32_t& csr) {                                                              \
            Register result = std::bit_cast<Register>(a);                                   \
            asm volatile(                                                                   \
                AROUND(#op " %[c], %[b], %[a]")                                             \
                : [a] "+x"(result), [csr] "+m"(csr)                                         \
                : [b] "x"(std::bit_cast<Register>(b)), [c] "x"(std::bit_cast<Register>(c)), \
                  STANDARD);                                                                \
            return std::bit_cast<Float>(result);                                            \
          },                                                                                \
          a, b, c));                                                                        \
    }                                                                                       \
  }

constexpr FusedForm kMultiplyAdd;
constexpr FusedForm kMultiplySub{false, true};
constexpr FusedForm kNegativeMultiplyAdd{true, false};
constexpr FusedForm kNegativeMultiplySub{true, true};

CHECK_FUSED(Float32, float, vfmadd132ss, fused_multiply_add(a, c, b, kMultiplyAdd, environment))
CHECK_FUSED(Float32, float, vfmadd213ss, fused_multiply_add(b, a, c, kMultiplyAdd, environment))
CHECK_FUSED(Float32, float, vfmadd231ss, fused_multiply_add(b, c, a, kMultiplyAdd, environment))
CHECK_FUSED(Float64, double, vfmadd132sd, fused_multiply_add(a, c, b, kMultiplyAdd, environment))
CHECK_FUSED(Float64, double, vfmadd213sd, fused_multiply_add(b, a, c, kMultiplyAdd, environment))
CHECK_FUSED(Float64, double, vfmsub213sd, fused_multiply_add(b, a, c, kMultiplySub, environment))
CHECK_FUSED(Float64, double, vfnmadd213sd,
            fused_multiply_add(b, a, c, kNegativeMultiplyAdd, environment))
CHECK_FUSED(Float32, float, vfnmsub213ss,
            fused_multiply_add(b, a, c, kNegativeMultiplySub, environment))

}  // namespace
}  // namespace vireo::util::softfloat

#endif  // defined(__x86_64__)
