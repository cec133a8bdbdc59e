#pragma once

#include <cstdint>

namespace vireo::tcg {

/// Type of an IR value. Vector types live in vector registers; kV32 and kV64 are the low lanes of
/// one whose upper bits are zero (what MOVSS/MOVSD from memory leave).
/// kF80: the ten bytes of an extended-precision number in guest memory; never a value.
enum class Type : uint8_t { kVoid, kI8, kI16, kI32, kI64, kV32, kV64, kV128, kV256, kF80 };

constexpr bool is_vector(Type type) { return type >= Type::kV32 && type <= Type::kV256; }
constexpr bool is_integer(Type type) { return type >= Type::kI8 && type <= Type::kI64; }

/// Bytes that a value of `type` takes in memory; 0 for kVoid.
constexpr unsigned size_of(Type type) {
  constexpr uint8_t kSizes[] = {0, 1, 2, 4, 8, 4, 8, 16, 32, 10};
  return kSizes[static_cast<unsigned>(type)];
}
constexpr unsigned bits_of(Type type) { return size_of(type) * 8; }

/// The arithmetic flags, at their places in x86's EFLAGS (SDM volume 1, 3.4.3).
enum Flag : uint16_t {
  kFlagC = 0x001,
  kFlagP = 0x004,
  kFlagA = 0x010,
  kFlagZ = 0x040,
  kFlagS = 0x080,
  kFlagO = 0x800,
};
using FlagMask = uint16_t;
constexpr FlagMask kNoFlags = 0;
constexpr FlagMask kAllFlags = kFlagC | kFlagP | kFlagA | kFlagZ | kFlagS | kFlagO;

/// Conditions on the arithmetic flags, numbered as in the x86 tttn field (SDM volume 2, B.1.4.7);
/// bit 0 negates.
enum class Condition : uint8_t {
  kO,
  kNo,
  kB,
  kAe,
  kE,
  kNe,
  kBe,
  kA,
  kS,
  kNs,
  kP,
  kNp,
  kL,
  kGe,
  kLe,
  kG
};

constexpr Condition negate(Condition condition) {
  return static_cast<Condition>(static_cast<uint8_t>(condition) ^ 1);
}

/// The flags that `condition` looks at.
constexpr FlagMask flags_read_by(Condition condition) {
  constexpr FlagMask kRead[] = {kFlagO, kFlagC, kFlagZ,          kFlagC | kFlagZ,
                                kFlagS, kFlagP, kFlagS | kFlagO, kFlagS | kFlagO | kFlagZ};
  return kRead[static_cast<uint8_t>(condition) >> 1];
}

/// What a guest memory access is for.
enum class Access : uint8_t { kRead, kWrite, kExecute };

/// Read-modify-write operations on guest memory; the result of each is the value before.
enum class RmwKind : uint8_t {
  kExchange,
  kAdd,
  kAdc,
  kSub,
  kSbb,
  kAnd,
  kOr,
  kXor,
  kNeg,
  kNot,
  kShl,
  kShr,
  kSar,
  kRol,
  kRor,
  kRcl,
  kRcr,
  kBts,
  kBtr,
  kBtc,
};

}  // namespace vireo::tcg
