// FBLD and FBSTP: 18 packed decimal digits and a sign byte (SDM volume 1, 4.7).

#include "util/softfloat/integer.h"
#include "util/softfloat/softfloat.h"

namespace vireo::util::softfloat {
namespace {

using namespace internal;  // NOLINT: the file implements the interface on top of it

constexpr uint64_t kLargestPackedBcd = 999'999'999'999'999'999;
constexpr PackedBcd kIndefiniteBcd{0xc000000000000000, 0xffff};

}  // namespace

Float80 from_packed_bcd(PackedBcd digits) {
  uint64_t magnitude = (digits.high >> 4 & 15) * 10 + (digits.high & 15);
  for (int shift = 60; shift >= 0; shift -= 4)
    magnitude = magnitude * 10 + (digits.low >> shift & 15);
  Float80 result = float80_from_int64(static_cast<int64_t>(magnitude));
  result.sign_exponent |= digits.high & 0x8000;
  return result;
}

PackedBcd to_packed_bcd(Float80 a, Environment& environment) {
  const Unpacked x = unpack(a, environment);
  const bool has_value = !x.is_nan() && !x.is_infinity();
  const RoundedInteger rounded =
      has_value ? round_to_integer(x, environment.rounding) : RoundedInteger{0, true, false, false};
  if (rounded.huge || rounded.magnitude > kLargestPackedBcd) {
    environment.raise(kInvalid);
    return kIndefiniteBcd;
  }
  if (rounded.inexact) environment.raise(kInexact);
  environment.rounded_up = rounded.away;
  PackedBcd result{0, static_cast<uint16_t>(x.sign ? 0x8000 : 0)};
  uint64_t rest = rounded.magnitude;
  for (int shift = 0; shift < 64; shift += 4, rest /= 10) result.low |= (rest % 10) << shift;
  result.high |= static_cast<uint16_t>(rest % 10 | (rest / 10) << 4);
  return result;
}

}  // namespace vireo::util::softfloat
