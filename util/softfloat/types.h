#pragma once

#include <cstdint>

/// IEEE-754 arithmetic in software with exactly the semantics of x86: SSE for Float32 and Float64,
/// x87 for Float80. Nothing here depends on the host's floating point unit.
namespace vireo::util::softfloat {

/// binary16 as its bit pattern: for storage only, as with F16C.
struct Float16 {
  uint16_t bits = 0;
  friend constexpr bool operator==(Float16, Float16) = default;
};

/// binary32 as its bit pattern.
struct Float32 {
  uint32_t bits = 0;
  friend constexpr bool operator==(Float32, Float32) = default;
};

/// binary64 as its bit pattern.
struct Float64 {
  uint64_t bits = 0;
  friend constexpr bool operator==(Float64, Float64) = default;
};

/// x87 double extended: the explicit-integer-bit significand, and sign (bit 15) with the exponent
/// biased by 16383. Every pattern is valid input, including unnormals and pseudo-denormals.
struct Float80 {
  uint64_t significand = 0;
  uint16_t sign_exponent = 0;
  friend constexpr bool operator==(Float80, Float80) = default;
};

/// Negative quiet NaN with an empty payload: what a masked invalid operation returns ("QNaN
/// floating-point indefinite", SDM volume 1, table 4-3).
inline constexpr Float16 kDefaultNan16{0xfe00};
inline constexpr Float32 kDefaultNan32{0xffc00000};
inline constexpr Float64 kDefaultNan64{0xfff8000000000000};
inline constexpr Float80 kDefaultNan80{0xc000000000000000, 0xffff};

/// Encoded as the RC field of the x87 control word and of MXCSR.
enum class Rounding : uint8_t { kNearestEven = 0, kDown = 1, kUp = 2, kTowardZero = 3 };

/// Significand bits of an x87 result; encoded as the PC field of the control word. The reserved
/// encoding 1 acts as k64.
enum class Precision : uint8_t { k24 = 0, k53 = 2, k64 = 3 };

/// Exception flags at their bit positions in MXCSR and the x87 status word. A mask has the same
/// layout, with a set bit meaning masked (x87 CW bits 5:0, MXCSR bits 12:7).
inline constexpr uint8_t kInvalid = 0x01;
inline constexpr uint8_t kDenormal = 0x02;
inline constexpr uint8_t kDivideByZero = 0x04;
inline constexpr uint8_t kOverflow = 0x08;
inline constexpr uint8_t kUnderflow = 0x10;
inline constexpr uint8_t kInexact = 0x20;
inline constexpr uint8_t kAllExceptions = 0x3f;
/// Found before the computation; unmasked, they stop it and no later flag is raised.
inline constexpr uint8_t kPreComputation = kInvalid | kDenormal | kDivideByZero;

/// All the state an operation reads or changes.
///
/// A packed instruction is one operation a lane in one environment; if any lane has an unmasked
/// pre-computation exception, the hardware reports no post-computation flag of the other lanes.
///
/// An operation adds its flags to `flags`. Whether an exception is to be delivered is the caller's
/// affair: see unmasked(). A Float32 or Float64 result is meaningless after an unmasked exception
/// (the hardware leaves the destination alone). A Float80 result is meaningless after an unmasked
/// pre-computation exception; after an unmasked overflow or underflow it carries the exponent
/// adjusted by 24576 as the hardware writes it to a register (SDM volume 1, 8.5.4 and 8.5.5).
struct Environment {
  Rounding rounding = Rounding::kNearestEven;
  /// Used by add, sub, mul, div and sqrt of Float80 alone.
  Precision precision = Precision::k64;
  /// MXCSR.DAZ: Float32 and Float64 denormal operands count as zeros. Leave false for x87.
  bool denormals_are_zero = false;
  /// MXCSR.FTZ: tiny Float32 and Float64 results become zeros while underflow is masked.
  bool flush_to_zero = false;
  /// Set bit: masked.
  uint8_t masks = kAllExceptions;
  /// Accumulated exception flags.
  uint8_t flags = 0;
  /// x87 C1 of the last operation with a Float80 operand or result: the significand was rounded
  /// away from zero.
  bool rounded_up = false;

  constexpr void raise(uint8_t exceptions) { flags |= exceptions; }
  /// Raised flags whose exception is not masked.
  constexpr uint8_t unmasked() const { return flags & ~masks & kAllExceptions; }
};

/// Result of a comparison.
enum class Ordering : uint8_t { kLess, kEqual, kGreater, kUnordered };

/// FXAM's classes, encoded as C3:C2:C0 (the caller adds "empty", 101b, and C1 = sign).
enum class Class80 : uint8_t {
  kUnsupported = 0,
  kNan = 1,
  kNormal = 2,
  kInfinity = 3,
  kZero = 4,
  kDenormal = 6
};

/// FBLD and FBSTP's operand in memory order: 16 low digits; 2 high digits with the sign in bit 15.
struct PackedBcd {
  uint64_t low = 0;
  uint16_t high = 0;
  friend constexpr bool operator==(PackedBcd, PackedBcd) = default;
};

/// A source operand of an x87 instruction: a register, or a 32- or 64-bit real in memory, which is
/// widened exactly (a signalling NaN stays signalling, a denormal is remembered).
struct Operand80 {
  Operand80(Float80 source) : value(source) {}  // NOLINT: meant to be implicit
  Operand80(Float32 source);                    // NOLINT
  Operand80(Float64 source);                    // NOLINT
  Float80 value;
  bool was_denormal = false;
};

/// FPREM and FPREM1.
struct PartialRemainder {
  Float80 value;
  /// Low three bits of the quotient: bit 2 goes to C0, bit 1 to C3, bit 0 to C1. 0 if incomplete.
  uint8_t quotient = 0;
  /// C2: the exponents differed by 64 or more and the reduction has to go on.
  bool incomplete = false;
};

/// FXTRACT: the exponent replaces ST(0), the significand is pushed.
struct Extracted {
  Float80 exponent;
  Float80 significand;
};

/// FSIN, FCOS and FPTAN (which also pushes 1.0, or the same NaN).
struct Trigonometric {
  Float80 value;
  /// C2: |x| >= 2^63; `value` is the unchanged operand and nothing is pushed.
  bool out_of_range = false;
};

/// FSINCOS: the sine replaces ST(0), the cosine is pushed.
struct SineCosine {
  Float80 sine;
  Float80 cosine;
  bool out_of_range = false;
};

}  // namespace vireo::util::softfloat
