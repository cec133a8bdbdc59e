#pragma once

#include <cstdint>

#include "util/softfloat/round.h"

namespace vireo::util::softfloat::internal {

/// The magnitude of a number rounded to an integer.
struct RoundedInteger {
  /// 2^64 - 1 with `huge` set if the value is 2^64 or more.
  uint64_t magnitude;
  bool huge;
  bool inexact;
  bool away;
};

/// Rounds a zero or finite number.
constexpr RoundedInteger round_to_integer(const Unpacked& a, Rounding rounding) {
  if (a.is_zero()) return {0, false, false, false};
  if (a.exponent >= 64) return {~uint64_t{0}, true, false, false};
  const uint128 fixed = shift_right_jam(static_cast<uint128>(a.significand) << 64, 63 - a.exponent);
  const uint64_t whole = static_cast<uint64_t>(fixed >> 64);
  const uint128 lost = fixed & ~uint64_t{0};
  const bool away = rounds_away(rounding, a.sign, whole & 1, lost, static_cast<uint128>(1) << 63);
  const bool huge = away && whole == ~uint64_t{0};
  return {huge ? whole : whole + away, huge, lost != 0, away};
}

}  // namespace vireo::util::softfloat::internal
