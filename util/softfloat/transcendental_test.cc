// The x87 transcendental functions against values computed with 400 bits (and the pi of SDM
// volume 1, 8.3.8), and their identities.

#include <gtest/gtest.h>

#include "util/softfloat/softfloat.h"
#include "util/softfloat/test_values.h"

namespace vireo::util::softfloat {
namespace {

enum class Function { kSine, kCosine, kTangent, kF2xm1, kFyl2x, kFyl2xp1, kFpatan };

struct Row {
  Function function;
  /// ST(0) and ST(1).
  Float80 x, y;
  Float80 nearest;
};

constexpr Row kRows[] = {
    {Function::kSine,
     {0x91bba8d54462ebfc, 0x3fef},
     {0x0000000000000000, 0x0000},
     {0x91bba8d524e6c6af, 0x3fef}},
    {Function::kSine,
     {0xab4e401b01a5ba50, 0x3ffe},
     {0x0000000000000000, 0x0000},
     {0x9ecdea58b16569a6, 0x3ffe}},
    {Function::kSine,
     {0x8a58226b9acd8acd, 0xc004},
     {0x0000000000000000, 0x0000},
     {0xe9d8bf0503c1c1c3, 0x3ff9}},
    {Function::kSine,
     {0xd99cd23b9ddcc6f8, 0x403b},
     {0x0000000000000000, 0x0000},
     {0xf614dead71179edf, 0xbff9}},
    {Function::kSine,
     {0xc90fdaa22168c235, 0x4000},
     {0x0000000000000000, 0x0000},
     {0x8000000000000000, 0xbfbf}},
    {Function::kSine,
     {0x89cad66ec6d78242, 0x4035},
     {0x0000000000000000, 0x0000},
     {0xfffffe7ebcbadaea, 0xbffe}},
    {Function::kCosine,
     {0xda0ba5332b5ebaa0, 0x3fe2},
     {0x0000000000000000, 0x0000},
     {0xffffffffffffffa3, 0x3ffe}},
    {Function::kCosine,
     {0x941db9d36c2ea417, 0x3fff},
     {0x0000000000000000, 0x0000},
     {0xcdcba2803d9a441c, 0x3ffd}},
    {Function::kCosine,
     {0x90f352371c670ea9, 0xc001},
     {0x0000000000000000, 0x0000},
     {0xba084783f42e3766, 0xbffc}},
    {Function::kCosine,
     {0xe51172636237dbe6, 0x4037},
     {0x0000000000000000, 0x0000},
     {0xec63dc2f346eb69f, 0x3ffe}},
    {Function::kCosine,
     {0xc90fdaa22168c235, 0x4000},
     {0x0000000000000000, 0x0000},
     {0x8000000000000000, 0xbfff}},
    {Function::kCosine,
     {0x89cad66ec6d78242, 0x4035},
     {0x0000000000000000, 0x0000},
     {0xde111541981ada9d, 0x3ff3}},
    {Function::kTangent,
     {0xa54552c9eb40a9b8, 0x3ff8},
     {0x0000000000000000, 0x0000},
     {0xa546c22d37040d7a, 0x3ff8}},
    {Function::kTangent,
     {0xe580e1abb9c7e435, 0x3ffe},
     {0x0000000000000000, 0x0000},
     {0xa0252be667301076, 0x3fff}},
    {Function::kTangent,
     {0xa2245350c5c7d186, 0x4003},
     {0x0000000000000000, 0x0000},
     {0xd00c1724769a7547, 0x4001}},
    {Function::kTangent,
     {0xe79e0bf25777039e, 0xc039},
     {0x0000000000000000, 0x0000},
     {0x9a111e37b47a1ec6, 0x3ffe}},
    {Function::kTangent,
     {0xc90fdaa22168c235, 0x4000},
     {0x0000000000000000, 0x0000},
     {0x8000000000000000, 0x3fbf}},
    {Function::kTangent,
     {0x89cad66ec6d78242, 0x4035},
     {0x0000000000000000, 0x0000},
     {0x938f2a13a0f6bb37, 0xc00a}},
    {Function::kF2xm1,
     {0x80acbd60e2eb17c8, 0xbfd8},
     {0x0000000000000000, 0x0000},
     {0xb2618fd0cdde5d11, 0xbfd7}},
    {Function::kF2xm1,
     {0xec4362e860fa1c95, 0xbffd},
     {0x0000000000000000, 0x0000},
     {0x8c284924bb960378, 0xbffd}},
    {Function::kF2xm1,
     {0xb65d66783c9a8df5, 0xbffe},
     {0x0000000000000000, 0x0000},
     {0xc784296be4233387, 0xbffd}},
    {Function::kF2xm1,
     {0x8f848b6500fded65, 0x3ffe},
     {0x0000000000000000, 0x0000},
     {0xf325f81bb35159a7, 0x3ffd}},
    {Function::kFyl2x,
     {0x994d43099425b3e2, 0x6355},
     {0x8ab03efce4794195, 0xbffd},
     {0x99269f4849540a6d, 0xc00a}},
    {Function::kFyl2x,
     {0x8000000000003039, 0x3fff},
     {0xc01a535304789365, 0x3ffc},
     {0xd0d2d3e48d9d82ff, 0x3fcb}},
    {Function::kFyl2x,
     {0xffffffffffffffb3, 0x3ffe},
     {0xf5e0e9e9899f57f7, 0x3ff8},
     {0xd564147d8a41f01e, 0xbfbf}},
    {Function::kFyl2x,
     {0x88cf199d6b8c290d, 0x3ffe},
     {0x8bf51d4cc3d0560d, 0xc031},
     {0xfd09aa539f078dd5, 0x4030}},
    {Function::kFyl2xp1,
     {0xf84898ac2c2c93ab, 0x3fd9},
     {0x86ef25ca0a8c16a8, 0x4003},
     {0xbccd14bcfb6a603e, 0x3fde}},
    {Function::kFyl2xp1,
     {0xed0deee39b3bc5ef, 0x3ffc},
     {0xff585b1abca4537f, 0x3ffc},
     {0x996b3f2918f12247, 0x3ffb}},
    {Function::kFyl2xp1,
     {0xb380c80bb4999178, 0xbffd},
     {0x858208008141df31, 0xbffd},
     {0xa64c575cab578f2c, 0x3ffc}},
    {Function::kFyl2xp1,
     {0xd649b83bd87d8e18, 0x4004},
     {0xd8070033c64dd2e1, 0x4002},
     {0x9bcfe735d71fa94f, 0x4005}},
    {Function::kFpatan,
     {0xee98bbc01c26b9c0, 0x3fff},
     {0x99715dde66f4a215, 0xc001},
     {0x999ac42e09075d2b, 0xbfff}},
    {Function::kFpatan,
     {0xaa133d679b954ae4, 0xbfff},
     {0x9c60dbf036a32a5d, 0xbfff},
     {0x997ae689099bf6cd, 0xc000}},
    {Function::kFpatan,
     {0x8b5e5752d0901bc6, 0xbfe9},
     {0xc23d93f11a62c237, 0x4001},
     {0xc90fdafdf89b4fca, 0x3fff}},
    {Function::kFpatan,
     {0xc7bc5266c7dd5a6e, 0xbfff},
     {0xe38e64dab59e60ce, 0xbfe8},
     {0xc90fda104d400010, 0xc000}},
    {Function::kFpatan,
     {0xb666a14610f7bc33, 0x401e},
     {0xe15fe6c2f6cd9abc, 0xbfed},
     {0x9e282707959f347c, 0xbfce}},
    {Function::kFpatan,
     {0x8000000000000001, 0xbfff},
     {0x8000000000000000, 0x3fff},
     {0x96cbe3f9990e91a8, 0x4000}},
};

Float80 evaluate(const Row& row, Environment& environment) {
  switch (row.function) {
    case Function::kSine:
      return fsin(row.x, environment).value;
    case Function::kCosine:
      return fcos(row.x, environment).value;
    case Function::kTangent:
      return fptan(row.x, environment).value;
    case Function::kF2xm1:
      return f2xm1(row.x, environment);
    case Function::kFyl2x:
      return fyl2x(row.x, row.y, environment);
    case Function::kFyl2xp1:
      return fyl2xp1(row.x, row.y, environment);
    case Function::kFpatan:
      break;
  }
  return fpatan(row.x, row.y, environment);
}

TEST(Transcendental, RoundsToNearest) {
  for (const Row& row : kRows) {
    Environment environment;
    EXPECT_EQ(evaluate(row, environment), row.nearest) << "row " << &row - kRows;
    EXPECT_EQ(environment.flags, kInexact) << "row " << &row - kRows;
  }
}

TEST(Transcendental, DirectedResultsEncloseTheNearest) {
  for (const Row& row : kRows) {
    Environment down{Rounding::kDown}, up{Rounding::kUp}, ignored;
    const Float80 low = evaluate(row, down), high = evaluate(row, up);
    EXPECT_EQ(compare_signaling(low, high, ignored), Ordering::kLess) << "row " << &row - kRows;
    EXPECT_TRUE(low == row.nearest || high == row.nearest) << "row " << &row - kRows;
  }
}

TEST(Transcendental, SymmetriesHold) {
  OperandSource source(31);
  for (int i = 0; i < 3000; ++i) {
    const Float80 a = source.operand<Float80>();
    if (classify(a) == Class80::kNan || classify(a) == Class80::kUnsupported) continue;
    const Float80 minus{a.significand, static_cast<uint16_t>(a.sign_exponent ^ 0x8000)};
    Environment environment;
    const Float80 sine = fsin(a, environment).value;
    if (classify(sine) == Class80::kNan) continue;
    EXPECT_EQ(fsin(minus, environment).value.sign_exponent, sine.sign_exponent ^ 0x8000);
    if (fcos(a, environment).out_of_range) continue;
    EXPECT_EQ(fcos(minus, environment).value, fcos(a, environment).value);
    EXPECT_EQ(fsincos(a, environment).sine, sine);
  }
}

TEST(Transcendental, OutOfRangeAnglesAreLeftAlone) {
  Environment environment;
  const Float80 huge{0x8000000000000000, 16383 + 63};
  EXPECT_TRUE(fsin(huge, environment).out_of_range);
  EXPECT_EQ(fptan(huge, environment).value, huge);
  EXPECT_EQ(environment.flags, 0);
}

TEST(Transcendental, LogarithmOfZeroDividesByZero) {
  Environment environment;
  const Float80 one = float80_from_int64(1);
  EXPECT_EQ(fyl2x(Float80{}, one, environment), (Float80{0x8000000000000000, 0xffff}));
  EXPECT_EQ(environment.flags, kDivideByZero);
  EXPECT_EQ(fyl2x(float80_from_int64(-1), one, environment), kDefaultNan80);
  EXPECT_EQ(environment.flags, kDivideByZero | kInvalid);
}

}  // namespace
}  // namespace vireo::util::softfloat
