#pragma once

#include "util/softfloat/types.h"

/// Naming: an overload of a function takes the operands of the instruction it models. Float32 and
/// Float64 follow SSE and AVX, Float80 and Operand80 follow the x87 instructions. Operand order is
/// the instruction's (destination or first source first), which decides between NaNs in SSE.
/// NaNs: SDM volume 1, table 4-7. Special operands: the instruction's tables in SDM volume 2.
namespace vireo::util::softfloat {

// Arithmetic: ADDSS..., FADD, FSUB, FSUBR (swap the operands), FMUL, FDIV, FDIVR, FSQRT.
Float32 add(Float32 a, Float32 b, Environment& environment);
Float64 add(Float64 a, Float64 b, Environment& environment);
Float80 add(Operand80 a, Operand80 b, Environment& environment);
Float32 sub(Float32 a, Float32 b, Environment& environment);
Float64 sub(Float64 a, Float64 b, Environment& environment);
Float80 sub(Operand80 a, Operand80 b, Environment& environment);
Float32 mul(Float32 a, Float32 b, Environment& environment);
Float64 mul(Float64 a, Float64 b, Environment& environment);
Float80 mul(Operand80 a, Operand80 b, Environment& environment);
Float32 div(Float32 a, Float32 b, Environment& environment);
Float64 div(Float64 a, Float64 b, Environment& environment);
Float80 div(Operand80 a, Operand80 b, Environment& environment);
Float32 sqrt(Float32 a, Environment& environment);
Float64 sqrt(Float64 a, Environment& environment);
Float80 sqrt(Float80 a, Environment& environment);

/// a * b + c with one rounding; `negate_product` and `negate_addend` make the FMSUB, FNMADD and
/// FNMSUB forms (they leave a NaN's sign alone). Of several NaNs the first of a, b, c is taken,
/// where a, b, c are the operands in the order of the instruction's formula: with operands 1 to 3,
/// VFMADD132 is (1, 3, 2), VFMADD213 is (2, 1, 3) and VFMADD231 is (2, 3, 1).
struct FusedForm {
  bool negate_product = false;
  bool negate_addend = false;
};
Float32 fused_multiply_add(Float32 a, Float32 b, Float32 c, FusedForm form, Environment& env);
Float64 fused_multiply_add(Float64 a, Float64 b, Float64 c, FusedForm form, Environment& env);

// MINSS, MAXSS...: b if either operand is a NaN (any NaN is invalid) or both are zeros.
Float32 min(Float32 a, Float32 b, Environment& environment);
Float64 min(Float64 a, Float64 b, Environment& environment);
Float32 max(Float32 a, Float32 b, Environment& environment);
Float64 max(Float64 a, Float64 b, Environment& environment);

/// Any NaN is invalid: COMISS, CMPLTSS..., FCOM, FCOMI, FTST.
Ordering compare_signaling(Float32 a, Float32 b, Environment& environment);
Ordering compare_signaling(Float64 a, Float64 b, Environment& environment);
Ordering compare_signaling(Operand80 a, Operand80 b, Environment& environment);
/// Only a signalling NaN (or an unsupported Float80) is invalid: UCOMISS, CMPEQSS..., FUCOM.
Ordering compare_quiet(Float32 a, Float32 b, Environment& environment);
Ordering compare_quiet(Float64 a, Float64 b, Environment& environment);
Ordering compare_quiet(Float80 a, Float80 b, Environment& environment);

/// FXAM.
Class80 classify(Float80 a);

// Between formats: CVTSS2SD, CVTSD2SS, FLD m32/m64 (to_float80) and FST m32/m64 (from Float80).
// After an unmasked overflow or underflow FST stores nothing and keeps its source.
Float64 to_float64(Float32 a, Environment& environment);
/// VCVTPH2PS: denormals are numbers as others, and not reported.
Float32 to_float32(Float16 a, Environment& environment);
/// VCVTPS2PH: tiny results are never flushed.
Float16 to_float16(Float32 a, Environment& environment);
Float32 to_float32(Float64 a, Environment& environment);
Float80 to_float80(Float32 a, Environment& environment);
Float80 to_float80(Float64 a, Environment& environment);
Float32 to_float32(Float80 a, Environment& environment);
Float64 to_float64(Float80 a, Environment& environment);

// From integers. FILD and FIADD's operands: float80_from_int64 (always exact).
Float32 float32_from_int32(int32_t a, Environment& environment);
Float32 float32_from_int64(int64_t a, Environment& environment);
Float32 float32_from_uint32(uint32_t a, Environment& environment);
Float32 float32_from_uint64(uint64_t a, Environment& environment);
Float64 float64_from_int32(int32_t a);
Float64 float64_from_int64(int64_t a, Environment& environment);
Float64 float64_from_uint32(uint32_t a);
Float64 float64_from_uint64(uint64_t a, Environment& environment);
Float80 float80_from_int64(int64_t a);

/// To integers in the environment's rounding mode (CVTSS2SI, FIST). NaN and values out of range
/// are invalid and give the integer indefinite: the most negative integer, or all ones if unsigned.
/// For FIST after an unmasked invalid nothing is stored.
int32_t to_int32(Float32 a, Environment& environment);
int32_t to_int32(Float64 a, Environment& environment);
int64_t to_int64(Float32 a, Environment& environment);
int64_t to_int64(Float64 a, Environment& environment);
uint32_t to_uint32(Float32 a, Environment& environment);
uint32_t to_uint32(Float64 a, Environment& environment);
uint64_t to_uint64(Float32 a, Environment& environment);
uint64_t to_uint64(Float64 a, Environment& environment);
int16_t to_int16(Float80 a, Environment& environment);
int32_t to_int32(Float80 a, Environment& environment);
int64_t to_int64(Float80 a, Environment& environment);

/// The same toward zero whatever the environment says (CVTTSS2SI, FISTTP).
int32_t to_int32_truncate(Float32 a, Environment& environment);
int32_t to_int32_truncate(Float64 a, Environment& environment);
int64_t to_int64_truncate(Float32 a, Environment& environment);
int64_t to_int64_truncate(Float64 a, Environment& environment);
uint32_t to_uint32_truncate(Float32 a, Environment& environment);
uint32_t to_uint32_truncate(Float64 a, Environment& environment);
uint64_t to_uint64_truncate(Float32 a, Environment& environment);
uint64_t to_uint64_truncate(Float64 a, Environment& environment);
int16_t to_int16_truncate(Float80 a, Environment& environment);
int32_t to_int32_truncate(Float80 a, Environment& environment);
int64_t to_int64_truncate(Float80 a, Environment& environment);

/// FBLD. Digits above 9 (undefined in the SDM) count with their value; nothing is raised.
Float80 from_packed_bcd(PackedBcd digits);
/// FBSTP. Out of range: invalid and the packed BCD indefinite.
PackedBcd to_packed_bcd(Float80 a, Environment& environment);

/// ROUNDSS, ROUNDSD (an immediate rounding mode is put into the environment by the caller, who also
/// drops kInexact if the immediate says so) and FRNDINT.
Float32 round_to_integral(Float32 a, Environment& environment);
Float64 round_to_integral(Float64 a, Environment& environment);
Float80 round_to_integral(Float80 a, Environment& environment);

/// FPREM: the quotient truncated toward zero.
PartialRemainder partial_remainder_truncate(Float80 a, Float80 b, Environment& environment);
/// FPREM1: the quotient rounded to nearest even.
PartialRemainder partial_remainder_nearest(Float80 a, Float80 b, Environment& environment);
/// FSCALE: a * 2^truncate(b).
Float80 scale(Float80 a, Float80 b, Environment& environment);
/// FXTRACT.
Extracted extract(Float80 a, Environment& environment);

// Transcendental functions: within 1 unit in the last place of the exact result in every rounding
// mode, always at 64-bit precision. Angles are reduced with the 66 bits of pi that processors use
// (SDM volume 1, 8.3.8).
/// F2XM1: 2^a - 1; the SDM leaves |a| > 1 undefined, here it returns a.
Float80 f2xm1(Float80 a, Environment& environment);
/// FYL2X: y * log2(x). x is ST(0), y is ST(1).
Float80 fyl2x(Float80 x, Float80 y, Environment& environment);
/// FYL2XP1: y * log2(x + 1). The SDM leaves |x| > 1 - sqrt(1/2) undefined; computed for x > -1,
/// invalid below.
Float80 fyl2xp1(Float80 x, Float80 y, Environment& environment);
/// FPATAN: the angle of the point (x, y), where x is ST(0) and y is ST(1).
Float80 fpatan(Float80 x, Float80 y, Environment& environment);
Trigonometric fptan(Float80 a, Environment& environment);
Trigonometric fsin(Float80 a, Environment& environment);
Trigonometric fcos(Float80 a, Environment& environment);
SineCosine fsincos(Float80 a, Environment& environment);

}  // namespace vireo::util::softfloat
