// The x87 transcendental instructions against the host: the tables of special operands exactly,
// other results to the accuracy that both sides promise.

#if defined(__x86_64__)

#include <gtest/gtest.h>

#include "util/softfloat/host_x87.h"
#include "util/softfloat/softfloat.h"
#include "util/softfloat/test_values.h"

namespace vireo::util::softfloat {
namespace {

constexpr int kCases = 6'000;
constexpr uint16_t kC2 = 0x0400;

/// Each side is within one unit in the last place.
constexpr int64_t kTolerance = 2;

/// Neighbouring numbers of one sign have neighbouring positions.
__int128 position(Float80 x) {
  const __int128 magnitude = static_cast<__int128>(x.sign_exponent & 0x7fff) << 63 |
                             (x.significand & ~(uint64_t{1} << 63));
  return x.sign_exponent >> 15 ? -magnitude : magnitude;
}

bool is_close(Float80 a, Float80 b) {
  if (a == b) return true;
  const Class80 kind = classify(a);
  if (kind == Class80::kNan || kind != classify(b)) return kind == Class80::kDenormal;
  const __int128 difference = position(a) - position(b);
  return difference >= -kTolerance && difference <= kTolerance;
}

/// Whether |a| < 2^power, or a is a NaN.
bool is_below(Float80 a, int power) {
  const int exponent = a.sign_exponent & 0x7fff;
  return exponent < 16383 + power || (exponent == 0x7fff && classify(a) != Class80::kInfinity);
}

/// Where the SDM defines the result.
bool any_operand(Float80) { return true; }
bool within_one(Float80 a) { return is_below(a, 0); }
bool within_a_quarter(Float80 a) { return is_below(a, -2); }

template <class Domain, class Instruction, class Ours>
void check(const char* name, Domain domain, Instruction instruction, Ours ours) {
  OperandSource source(21);
  int failures = 0;
  for (int i = 0; i < kCases && failures < 6; ++i) {
    const auto a = source.operand<Float80>(), b = source.operand<Float80>();
    if (!domain(a)) continue;
    Environment environment;
    environment.rounding = static_cast<Rounding>(source.below(4));
    const Outcome host = instruction(Memory80(a), Memory80(b), control_word(environment));
    Outcome mine{a, b};
    ours(a, b, environment, mine);
    mine.status |= environment.flags;
    const uint16_t compared = (kAllExceptions & ~kUnderflow) | kC2;
    const bool agrees = ((host.status ^ mine.status) & compared) == 0 &&
                        is_close(host.first, mine.first) && is_close(host.second, mine.second);
    failures += !agrees;
    EXPECT_TRUE(agrees) << describe(name, a, b) << "\n host " << hexadecimal(host.first) << ' '
                        << hexadecimal(host.second) << ' ' << hexadecimal(host.status) << "\n ours "
                        << hexadecimal(mine.first) << ' ' << hexadecimal(mine.second) << ' '
                        << hexadecimal(mine.status);
  }
}

TEST(HostTranscendental, F2xm1) {
  check("f2xm1", within_one, RUN_STACK("f2xm1"),
        [](auto a, auto, auto& environment, Outcome& result) {
          result.first = f2xm1(a, environment);
        });
}

// The popping instructions leave the result in what was ST(1).
#define CHECK_POPPING(name, instruction, domain, function)                \
  TEST(HostTranscendental, name) {                                        \
    check(instruction, domain, RUN_STACK(instruction "\n\tfldz\n\tfxch"), \
          [](auto a, auto b, auto& environment, Outcome& result) {        \
            result.first = function(a, b, environment);                   \
            result.second = {};                                           \
          });                                                             \
  }

CHECK_POPPING(Fyl2x, "fyl2x", any_operand, fyl2x)
CHECK_POPPING(Fyl2xp1, "fyl2xp1", within_a_quarter, fyl2xp1)
CHECK_POPPING(Fpatan, "fpatan", any_operand, fpatan)

// FSIN and FCOS do not pop; FPTAN and FSINCOS push unless the operand is out of range.
TEST(HostTranscendental, Fsin) {
  check("fsin", any_operand, RUN_STACK("fsin"),
        [](auto a, auto, auto& environment, Outcome& result) {
          const Trigonometric r = fsin(a, environment);
          result.first = r.value;
          result.status = r.out_of_range ? kC2 : 0;
        });
}

TEST(HostTranscendental, Fcos) {
  check("fcos", any_operand, RUN_STACK("fcos"),
        [](auto a, auto, auto& environment, Outcome& result) {
          const Trigonometric r = fcos(a, environment);
          result.first = r.value;
          result.status = r.out_of_range ? kC2 : 0;
        });
}

TEST(HostTranscendental, Fptan) {
  check("fptan", any_operand, RUN_STACK("fptan"),
        [](auto a, auto b, auto& environment, Outcome& result) {
          const Trigonometric r = fptan(a, environment);
          const bool is_nan = classify(r.value) == Class80::kNan;
          const Float80 pushed = is_nan ? r.value : float80_from_int64(1);
          result.first = r.out_of_range ? r.value : pushed;
          result.second = r.out_of_range ? b : r.value;
          result.status = r.out_of_range ? kC2 : 0;
        });
}

TEST(HostTranscendental, Fsincos) {
  check("fsincos", any_operand, RUN_STACK("fsincos"),
        [](auto a, auto b, auto& environment, Outcome& result) {
          const SineCosine r = fsincos(a, environment);
          result.first = r.out_of_range ? r.sine : r.cosine;
          result.second = r.out_of_range ? b : r.sine;
          result.status = r.out_of_range ? kC2 : 0;
        });
}

}  // namespace
}  // namespace vireo::util::softfloat

#endif  // defined(__x86_64__)
