// Integer arithmetic, comparisons, logic and shifts of MMX to SSE4, lane by lane.

#include <algorithm>
#include <limits>
#include <type_traits>

#include "tcg/ir/evaluate_integer.h"
#include "tcg/ir/evaluate_vector.h"

namespace vireo::tcg {
namespace {

template <class To>
To saturate(int64_t value) {
  return static_cast<To>(
      std::clamp<int64_t>(value, std::numeric_limits<To>::min(), std::numeric_limits<To>::max()));
}

template <class T, T (*F)(T, T)>
void lanes(VectorOperation& o) {
  for (unsigned i = 0; i < o.bytes / sizeof(T); ++i) {
    o.result.set_lane<T>(i, F(o.a.lane<T>(i), o.b.lane<T>(i)));
  }
}
template <class T, T (*F)(T)>
void unary_lanes(VectorOperation& o) {
  for (unsigned i = 0; i < o.bytes / sizeof(T); ++i) o.result.set_lane<T>(i, F(o.b.lane<T>(i)));
}

// One lane each.
template <class T>
T add(T a, T b) {
  return static_cast<T>(a + b);
}
template <class T>
T subtract(T a, T b) {
  return static_cast<T>(a - b);
}
template <class T>
T add_saturated(T a, T b) {
  return saturate<T>(int64_t{a} + b);
}
template <class T>
T subtract_saturated(T a, T b) {
  return saturate<T>(int64_t{a} - b);
}
template <class T>
T minimum(T a, T b) {
  return a < b ? a : b;
}
template <class T>
T maximum(T a, T b) {
  return a > b ? a : b;
}
template <class T>
T equal(T a, T b) {
  return static_cast<T>(a == b ? -1 : 0);
}
template <class T>
T greater(T a, T b) {
  return static_cast<T>(a > b ? -1 : 0);
}
template <class T>
T average(T a, T b) {
  return static_cast<T>((a + b + 1) >> 1);
}
template <class T>
T low_product(T a, T b) {
  return static_cast<T>(uint64_t{std::make_unsigned_t<T>(a)} * std::make_unsigned_t<T>(b));
}
template <class T>
T high_product(T a, T b) {
  return static_cast<T>((int64_t{a} * b) >> (8 * sizeof(T)));
}
template <class T>
T sign(T a, T b) {
  using Unsigned = std::make_unsigned_t<T>;
  return b < 0 ? static_cast<T>(Unsigned{0} - static_cast<Unsigned>(a)) : b == 0 ? T{0} : a;
}
template <class T>
T absolute(T b) {
  using Unsigned = std::make_unsigned_t<T>;
  return b < 0 ? static_cast<T>(Unsigned{0} - static_cast<Unsigned>(b)) : b;
}
uint64_t bit_and(uint64_t a, uint64_t b) { return a & b; }
uint64_t bit_and_not(uint64_t a, uint64_t b) { return ~a & b; }
uint64_t bit_or(uint64_t a, uint64_t b) { return a | b; }
uint64_t bit_xor(uint64_t a, uint64_t b) { return a ^ b; }
uint64_t low_product_unsigned(uint64_t a, uint64_t b) {
  return uint64_t{static_cast<uint32_t>(a)} * static_cast<uint32_t>(b);
}
int64_t low_product_signed(int64_t a, int64_t b) {
  return int64_t{static_cast<int32_t>(a)} * static_cast<int32_t>(b);
}
int16_t rounded_product(int16_t a, int16_t b) {
  return static_cast<int16_t>((((int32_t{a} * b) >> 14) + 1) >> 1);
}
int32_t multiply_add(int32_t a, int32_t b) {
  const int64_t low = int64_t{static_cast<int16_t>(a)} * static_cast<int16_t>(b);
  const int64_t high = int64_t{static_cast<int16_t>(a >> 16)} * static_cast<int16_t>(b >> 16);
  return static_cast<int32_t>(low + high);
}
int16_t multiply_add_bytes(int16_t a, int16_t b) {
  const int low = static_cast<uint8_t>(a) * static_cast<int8_t>(b);
  const int high = static_cast<uint8_t>(a >> 8) * static_cast<int8_t>(b >> 8);
  return saturate<int16_t>(low + high);
}

// Horizontal operations: pairs of a, then pairs of b.
template <class T, T (*F)(T, T)>
void horizontal(VectorOperation& o) {
  const unsigned half = half_of_lanes<T>(o);
  for (unsigned i = 0; i < half; ++i) {
    o.result.set_lane<T>(i, F(o.a.lane<T>(2 * i), o.a.lane<T>(2 * i + 1)));
    o.result.set_lane<T>(half + i, F(o.b.lane<T>(2 * i), o.b.lane<T>(2 * i + 1)));
  }
}

unsigned byte_distance(const VectorValue& a, unsigned i, const VectorValue& b, unsigned j) {
  const int difference = a.bytes[i] - b.bytes[j];
  return static_cast<unsigned>(difference < 0 ? -difference : difference);
}

void sum_of_distances(VectorOperation& o) {  // PSADBW
  for (unsigned lane = 0; lane < o.bytes / 8; ++lane) {
    uint64_t sum = 0;
    for (unsigned i = 8 * lane; i < 8 * lane + 8; ++i) sum += byte_distance(o.a, i, o.b, i);
    o.result.set_lane<uint64_t>(lane, sum);
  }
}

void sliding_distances(VectorOperation& o) {  // MPSADBW
  const unsigned from_a = o.imm & 4;
  const unsigned from_b = (o.imm & 3) * 4;
  for (unsigned lane = 0; lane < 8; ++lane) {
    unsigned sum = 0;
    for (unsigned j = 0; j < 4; ++j) sum += byte_distance(o.a, from_a + lane + j, o.b, from_b + j);
    o.result.set_lane<uint16_t>(lane, static_cast<uint16_t>(sum));
  }
}

void minimum_position(VectorOperation& o) {  // PHMINPOSUW
  unsigned best = 0;
  for (unsigned i = 1; i < 8; ++i) {
    if (o.b.lane<uint16_t>(i) < o.b.lane<uint16_t>(best)) best = i;
  }
  o.result.set_lane<uint16_t>(0, o.b.lane<uint16_t>(best));
  o.result.set_lane<uint16_t>(1, static_cast<uint16_t>(best));
}

void test_bits(VectorOperation& o) {  // PTEST
  uint64_t common = 0, outside = 0;
  for (unsigned i = 0; i < 2; ++i) {
    common |= o.a.lane<uint64_t>(i) & o.b.lane<uint64_t>(i);
    outside |= ~o.a.lane<uint64_t>(i) & o.b.lane<uint64_t>(i);
  }
  o.flags = flag_if(kFlagZ, common == 0) | flag_if(kFlagC, outside == 0);
}

template <class T>
T shift_left(T value, uint64_t count) {
  return count >= 8 * sizeof(T) ? T{0} : static_cast<T>(value << count);
}
template <class T>
T shift_right(T value, uint64_t count) {
  if (count < 8 * sizeof(T)) return static_cast<T>(value >> count);
  return static_cast<T>(value < 0 ? -1 : 0);
}
template <class T, T (*F)(T, uint64_t)>
void shift_by(VectorOperation& o, uint64_t count) {
  for (unsigned i = 0; i < o.bytes / sizeof(T); ++i) {
    o.result.set_lane<T>(i, F(o.a.lane<T>(i), count));
  }
}
template <class T, T (*F)(T, uint64_t)>
void shift(VectorOperation& o) {
  shift_by<T, F>(o, o.b.lane<uint64_t>(0));
}
template <class T, T (*F)(T, uint64_t)>
void shift_immediate(VectorOperation& o) {
  shift_by<T, F>(o, o.imm);
}

using enum VectorOpcode;
constexpr VectorRow kRows[] = {
    {kAndps, lanes<uint64_t, bit_and>},
    {kAndpd, lanes<uint64_t, bit_and>},
    {kPand, lanes<uint64_t, bit_and>},
    {kAndnps, lanes<uint64_t, bit_and_not>},
    {kAndnpd, lanes<uint64_t, bit_and_not>},
    {kPandn, lanes<uint64_t, bit_and_not>},
    {kOrps, lanes<uint64_t, bit_or>},
    {kOrpd, lanes<uint64_t, bit_or>},
    {kPor, lanes<uint64_t, bit_or>},
    {kXorps, lanes<uint64_t, bit_xor>},
    {kXorpd, lanes<uint64_t, bit_xor>},
    {kPxor, lanes<uint64_t, bit_xor>},
    {kPaddb, lanes<uint8_t, add>},
    {kPaddw, lanes<uint16_t, add>},
    {kPaddd, lanes<uint32_t, add>},
    {kPaddq, lanes<uint64_t, add>},
    {kPaddsb, lanes<int8_t, add_saturated>},
    {kPaddsw, lanes<int16_t, add_saturated>},
    {kPaddusb, lanes<uint8_t, add_saturated>},
    {kPaddusw, lanes<uint16_t, add_saturated>},
    {kPsubb, lanes<uint8_t, subtract>},
    {kPsubw, lanes<uint16_t, subtract>},
    {kPsubd, lanes<uint32_t, subtract>},
    {kPsubq, lanes<uint64_t, subtract>},
    {kPsubsb, lanes<int8_t, subtract_saturated>},
    {kPsubsw, lanes<int16_t, subtract_saturated>},
    {kPsubusb, lanes<uint8_t, subtract_saturated>},
    {kPsubusw, lanes<uint16_t, subtract_saturated>},
    {kPmullw, lanes<uint16_t, low_product>},
    {kPmulld, lanes<uint32_t, low_product>},
    {kPmulhw, lanes<int16_t, high_product>},
    {kPmulhuw, lanes<uint16_t, high_product>},
    {kPmuludq, lanes<uint64_t, low_product_unsigned>},
    {kPmuldq, lanes<int64_t, low_product_signed>},
    {kPmulhrsw, lanes<int16_t, rounded_product>},
    {kPmaddwd, lanes<int32_t, multiply_add>},
    {kPmaddubsw, lanes<int16_t, multiply_add_bytes>},
    {kPsadbw, sum_of_distances},
    {kMpsadbw, sliding_distances},
    {kPavgb, lanes<uint8_t, average>},
    {kPavgw, lanes<uint16_t, average>},
    {kPminub, lanes<uint8_t, minimum>},
    {kPminuw, lanes<uint16_t, minimum>},
    {kPminud, lanes<uint32_t, minimum>},
    {kPminsb, lanes<int8_t, minimum>},
    {kPminsw, lanes<int16_t, minimum>},
    {kPminsd, lanes<int32_t, minimum>},
    {kPmaxub, lanes<uint8_t, maximum>},
    {kPmaxuw, lanes<uint16_t, maximum>},
    {kPmaxud, lanes<uint32_t, maximum>},
    {kPmaxsb, lanes<int8_t, maximum>},
    {kPmaxsw, lanes<int16_t, maximum>},
    {kPmaxsd, lanes<int32_t, maximum>},
    {kPhminposuw, minimum_position},
    {kPcmpeqb, lanes<uint8_t, equal>},
    {kPcmpeqw, lanes<uint16_t, equal>},
    {kPcmpeqd, lanes<uint32_t, equal>},
    {kPcmpeqq, lanes<uint64_t, equal>},
    {kPcmpgtb, lanes<int8_t, greater>},
    {kPcmpgtw, lanes<int16_t, greater>},
    {kPcmpgtd, lanes<int32_t, greater>},
    {kPcmpgtq, lanes<int64_t, greater>},
    {kPhaddw, horizontal<uint16_t, add>},
    {kPhaddd, horizontal<uint32_t, add>},
    {kPhaddsw, horizontal<int16_t, add_saturated>},
    {kPhsubw, horizontal<uint16_t, subtract>},
    {kPhsubd, horizontal<uint32_t, subtract>},
    {kPhsubsw, horizontal<int16_t, subtract_saturated>},
    {kPsignb, lanes<int8_t, sign>},
    {kPsignw, lanes<int16_t, sign>},
    {kPsignd, lanes<int32_t, sign>},
    {kPabsb, unary_lanes<int8_t, absolute>},
    {kPabsw, unary_lanes<int16_t, absolute>},
    {kPabsd, unary_lanes<int32_t, absolute>},
    {kPtest, test_bits},
    {kPsllw, shift<uint16_t, shift_left>},
    {kPslld, shift<uint32_t, shift_left>},
    {kPsllq, shift<uint64_t, shift_left>},
    {kPsrlw, shift<uint16_t, shift_right>},
    {kPsrld, shift<uint32_t, shift_right>},
    {kPsrlq, shift<uint64_t, shift_right>},
    {kPsraw, shift<int16_t, shift_right>},
    {kPsrad, shift<int32_t, shift_right>},
    {kPsllwImm, shift_immediate<uint16_t, shift_left>},
    {kPslldImm, shift_immediate<uint32_t, shift_left>},
    {kPsllqImm, shift_immediate<uint64_t, shift_left>},
    {kPsrlwImm, shift_immediate<uint16_t, shift_right>},
    {kPsrldImm, shift_immediate<uint32_t, shift_right>},
    {kPsrlqImm, shift_immediate<uint64_t, shift_right>},
    {kPsrawImm, shift_immediate<int16_t, shift_right>},
    {kPsradImm, shift_immediate<int32_t, shift_right>},
};

}  // namespace

std::span<const VectorRow> vector_integer_rows() { return kRows; }

}  // namespace vireo::tcg
