// What can be checked on any host: the rules of x86 on chosen operands, and the formats and
// operations against each other.

#include "util/softfloat/softfloat.h"

#include <gtest/gtest.h>

#include "util/softfloat/test_values.h"

namespace vireo::util::softfloat {
namespace {

constexpr Float32 kOne32{0x3f800000};
constexpr Float32 kQuiet32{0x7fc00001}, kSignaling32{0x7f800002};
constexpr Float80 kQuiet80{0xc000000000000001, 0x7fff}, kSignaling80{0xa000000000000000, 0x7fff};
constexpr Float80 kLargest80{0xffffffffffffffff, 0x7ffe};
constexpr Float80 kSmallestNormal80{0x8000000000000000, 1};

TEST(SoftFloat, SseTakesTheFirstNan) {
  Environment environment;
  EXPECT_EQ(add(kSignaling32, kQuiet32, environment).bits, 0x7fc00002u);
  EXPECT_EQ(environment.flags, kInvalid);
  EXPECT_EQ(add(kQuiet32, kSignaling32, environment), kQuiet32);
}

TEST(SoftFloat, X87TakesTheQuietOrLargerNan) {
  Environment environment;
  EXPECT_EQ(add(kSignaling80, kQuiet80, environment), kQuiet80);
  EXPECT_EQ(environment.flags, kInvalid);
  const Float80 larger{0xe000000000000000, 0xffff};
  EXPECT_EQ(mul(kQuiet80, larger, environment), larger);
}

TEST(SoftFloat, UnsupportedPatternsAreInvalid) {
  Environment environment;
  const Float80 unnormal{0x4000000000000000, 0x3fff};
  EXPECT_EQ(add(unnormal, kQuiet80, environment), kDefaultNan80);
  EXPECT_EQ(environment.flags, kInvalid);
  EXPECT_EQ(classify(unnormal), Class80::kUnsupported);
}

TEST(SoftFloat, MinimumPrefersTheSecondOperand) {
  Environment environment;
  const Float32 plus{0}, minus{0x80000000};
  EXPECT_EQ(min(minus, plus, environment), plus);
  EXPECT_EQ(max(plus, minus, environment), minus);
  EXPECT_EQ(environment.flags, 0);
  EXPECT_EQ(min(kQuiet32, kOne32, environment), kOne32);
  EXPECT_EQ(environment.flags, kInvalid);
}

TEST(SoftFloat, TininessIsFoundAfterRounding) {
  // (1 - 2^-24) * 2^-126 rounds up to the smallest normal number, so nothing is tiny.
  Environment environment;
  const Float64 below{uint64_t{1023 - 126} << 52 | 1};
  const Float64 product = sub(below, Float64{uint64_t{1023 - 126 - 26} << 52}, environment);
  environment.flags = 0;
  EXPECT_EQ(to_float32(product, environment).bits, 0x00800000u);
  EXPECT_EQ(environment.flags, kInexact);
}

TEST(SoftFloat, FlushToZeroActsOnlyOnMaskedUnderflow) {
  Environment environment{.flush_to_zero = true};
  const Float32 tiny{0x00800000}, half{0x3f000000};
  EXPECT_EQ(mul(tiny, half, environment).bits, 0u);
  EXPECT_EQ(environment.flags, kUnderflow | kInexact);
  Environment unmasked{.flush_to_zero = true, .masks = kAllExceptions & ~kUnderflow};
  mul(tiny, half, unmasked);
  EXPECT_EQ(unmasked.unmasked(), kUnderflow);
}

TEST(SoftFloat, UnmaskedX87OverflowAdjustsTheExponent) {
  Environment environment{.masks = kAllExceptions & ~(kOverflow | kUnderflow)};
  const Float80 two = float80_from_int64(2);
  EXPECT_EQ(mul(kLargest80, two, environment), (Float80{0xffffffffffffffff, 0x7fff - 24576}));
  EXPECT_EQ(environment.flags, kOverflow);
  environment.flags = 0;
  EXPECT_EQ(div(kSmallestNormal80, two, environment), (Float80{0x8000000000000000, 24576}));
  EXPECT_EQ(environment.flags, kUnderflow);
}

TEST(SoftFloat, UnmaskedDenormalStopsTheOperation) {
  Environment environment{.masks = 0};
  mul(Float32{1}, Float32{1}, environment);
  EXPECT_EQ(environment.flags, kDenormal);
}

TEST(SoftFloat, PrecisionControlRoundsX87Arithmetic) {
  Environment environment{.precision = Precision::k24};
  const Float80 third = div(float80_from_int64(1), float80_from_int64(3), environment);
  EXPECT_EQ(third, (Float80{0xaaaaab0000000000, 0x3ffd}));
  EXPECT_TRUE(environment.rounded_up);
}

TEST(SoftFloat, MemoryOperandsKeepTheirNature) {
  Environment environment;
  add(float80_from_int64(1), Float32{1}, environment);
  EXPECT_EQ(environment.flags, kDenormal | kInexact);
  environment.flags = 0;
  EXPECT_EQ(add(kQuiet80, kSignaling32, environment), kQuiet80);
  EXPECT_EQ(environment.flags, kInvalid);
}

TEST(SoftFloat, IntegersOutOfRangeAreIndefinite) {
  Environment environment;
  EXPECT_EQ(to_int32(Float64{0x41e0000000000000}, environment), INT32_MIN);  // 2^31
  EXPECT_EQ(environment.flags, kInvalid);
  EXPECT_EQ(to_uint32(Float64{0x41e0000000000000}, environment), 0x80000000u);
  EXPECT_EQ(to_uint32(Float64{0xbff0000000000000}, environment), UINT32_MAX);
  EXPECT_EQ(to_uint64(Float32{0x5f800000}, environment), UINT64_MAX);  // 2^64
  environment = {};
  EXPECT_EQ(to_uint64_truncate(Float32{0xbf000000}, environment), 0u);
  EXPECT_EQ(environment.flags, kInexact);
  EXPECT_EQ(float32_from_uint64(UINT64_MAX, environment).bits, 0x5f800000u);
  EXPECT_EQ(float64_from_uint32(UINT32_MAX).bits, 0x41efffffffe00000u);
}

TEST(SoftFloat, PackedBcdKeepsDigitsAndSign) {
  Environment environment;
  const PackedBcd digits = to_packed_bcd(float80_from_int64(-123456789012345678), environment);
  EXPECT_EQ(digits, (PackedBcd{0x3456789012345678, 0x8012}));
  EXPECT_EQ(from_packed_bcd(digits), float80_from_int64(-123456789012345678));
  EXPECT_EQ(to_packed_bcd(kLargest80, environment), (PackedBcd{0xc000000000000000, 0xffff}));
  EXPECT_EQ(environment.flags, kInvalid);
}

TEST(SoftFloat, RepeatedPartialRemainderIsTheRemainder) {
  // 2^1000 mod 7 is 2^(1000 mod 3) mod 7 = 2.
  Environment environment;
  PartialRemainder step{{0x8000000000000000, 16383 + 1000}, 0, true};
  int steps = 0;
  while (step.incomplete && ++steps < 100)
    step = partial_remainder_truncate(step.value, float80_from_int64(7), environment);
  EXPECT_EQ(step.value, float80_from_int64(2));
  EXPECT_EQ(environment.flags, 0);
  step = partial_remainder_nearest(float80_from_int64(13), float80_from_int64(7), environment);
  EXPECT_EQ(step.value, float80_from_int64(-1));
  EXPECT_EQ(step.quotient, 2);
}

/// Float32 arithmetic has to agree with Float64 arithmetic rounded a second time, which is harmless
/// because 53 >= 2 * 24 + 2, while the result is a normal number.
template <class Narrow, class Wide>
void check_double_rounding(Narrow narrow, Wide wide) {
  OperandSource source(41);
  for (int i = 0; i < 20'000; ++i) {
    const Float32 a = source.operand<Float32>(), b = source.operand<Float32>();
    Environment first, second;
    const Float32 direct = narrow(a, b, first);
    const Float64 wide_a = to_float64(a, second), wide_b = to_float64(b, second);
    const Float32 twice = to_float32(wide(wide_a, wide_b, second), second);
    const uint32_t exponent = direct.bits >> 23 & 0xff;
    if (exponent == 0 || exponent == 0xff) continue;
    ASSERT_EQ(direct, twice) << std::hex << a.bits << ' ' << b.bits;
    ASSERT_EQ(first.flags, second.flags) << std::hex << a.bits << ' ' << b.bits;
  }
}

TEST(SoftFloat, FormatsAgree) {
  using Narrow = Float32 (*)(Float32, Float32, Environment&);
  using Wide = Float64 (*)(Float64, Float64, Environment&);
  check_double_rounding(static_cast<Narrow>(add), static_cast<Wide>(add));
  check_double_rounding(static_cast<Narrow>(sub), static_cast<Wide>(sub));
  check_double_rounding(static_cast<Narrow>(mul), static_cast<Wide>(mul));
  check_double_rounding(static_cast<Narrow>(div), static_cast<Wide>(div));
}

TEST(SoftFloat, FusedMultiplyAddGivesTheErrorOfTheProduct) {
  OperandSource source(42);
  for (int i = 0; i < 10'000; ++i) {
    // Exponents near zero, so that neither product nor error leaves the range.
    const Float64 a{(source.bits() >> 12) | 0x3ff0000000000000};
    const Float64 b{(source.bits() >> 12) | 0x3ff0000000000000};
    Environment environment;
    const Float64 product = mul(a, b, environment);
    environment.flags = 0;
    const Float64 error = fused_multiply_add(a, b, product, {false, true}, environment);
    ASSERT_EQ(environment.flags, 0);
    ASSERT_EQ(fused_multiply_add(a, b, error, {false, true}, environment), product);
    ASSERT_EQ(environment.flags, 0);
  }
}

TEST(SoftFloat, SquareRootInvertsTheSquare) {
  OperandSource source(43);
  for (int i = 0; i < 10'000; ++i) {
    const Float80 a = float80_from_int64(source.bits() >> 32);
    Environment environment;
    ASSERT_EQ(sqrt(mul(a, a, environment), environment), a);
    ASSERT_EQ(environment.flags, 0);
  }
}

}  // namespace
}  // namespace vireo::util::softfloat
