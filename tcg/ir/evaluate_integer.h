#pragma once

// What the integer opcodes compute, for the interpreter and the constant folder alike.
//
// Each function takes all arithmetic flags before and returns all flags after; flags that it does
// not change come back as they were. Flags that the SDM leaves undefined: logic operations and
// shifts clear A; O after shifts and rotates by more than one is what the formula for one gives;
// multiplications, bit scans and counts leave them alone (as AMD's processors do).

#include <bit>
#include <cstdint>
#include <type_traits>

#include "tcg/ir/types.h"

namespace vireo::tcg {

template <class T>
struct IntegerResult {
  T value = 0;
  uint32_t flags = 0;
  T second = 0;  ///< High half of a product, or remainder.
};

template <class T>
inline constexpr unsigned kBits = sizeof(T) * 8;

constexpr uint32_t flag_if(Flag flag, bool condition) { return condition ? uint32_t{flag} : 0u; }

constexpr bool even_parity(uint8_t value) { return (0x9669 >> ((value ^ (value >> 4)) & 15)) & 1; }

template <class T>
constexpr bool top_bit(T value) {
  return value >> (kBits<T> - 1) & 1;
}

/// S, Z and P of a result.
template <class T>
constexpr uint32_t result_flags(T value) {
  return flag_if(kFlagS, top_bit(value)) | flag_if(kFlagZ, value == 0) |
         flag_if(kFlagP, even_parity(static_cast<uint8_t>(value)));
}

constexpr bool holds(Condition condition, uint32_t flags) {
  const bool less = !(flags & kFlagS) != !(flags & kFlagO);
  const bool negated = static_cast<unsigned>(condition) & 1;
  switch (static_cast<unsigned>(condition) >> 1) {
    case 6:
      return less != negated;
    case 7:
      return (less || (flags & kFlagZ)) != negated;
    default:
      return ((flags & flags_read_by(condition)) != 0) != negated;
  }
}

template <class T>
constexpr IntegerResult<T> evaluate_add(T a, T b, bool carry) {
  const T value = static_cast<T>(a + b + carry);
  const T carries = static_cast<T>((a & b) | ((a | b) & ~value));
  return {value, result_flags(value) | flag_if(kFlagC, top_bit(carries)) |
                     (static_cast<uint32_t>(a ^ b ^ value) & kFlagA) |
                     flag_if(kFlagO, top_bit(static_cast<T>((a ^ value) & (b ^ value))))};
}

/// The carry goes in and out by O.
template <class T>
constexpr IntegerResult<T> evaluate_adox(T a, T b, uint32_t flags) {
  const IntegerResult<T> sum = evaluate_add<T>(a, b, flags & kFlagO);
  const uint32_t others = flags & ~uint32_t{kFlagO};
  return {sum.value, others | flag_if(kFlagO, sum.flags & kFlagC)};
}

template <class T>
constexpr IntegerResult<T> evaluate_sub(T a, T b, bool borrow) {
  const T value = static_cast<T>(a - b - borrow);
  const T borrows = static_cast<T>((~a & b) | (~(a ^ b) & value));
  return {value, result_flags(value) | flag_if(kFlagC, top_bit(borrows)) |
                     (static_cast<uint32_t>(a ^ b ^ value) & kFlagA) |
                     flag_if(kFlagO, top_bit(static_cast<T>((a ^ b) & (a ^ value))))};
}

template <class T>
constexpr IntegerResult<T> evaluate_logic(T value) {
  return {value, result_flags(value)};
}

/// The shift count as the hardware masks it.
template <class T>
constexpr unsigned masked_count(uint8_t count) {
  return count & (sizeof(T) == 8 ? 63 : 31);
}

template <class T>
constexpr IntegerResult<T> evaluate_shl(T a, uint8_t count, uint32_t flags) {
  const unsigned n = masked_count<T>(count);
  if (n == 0) return {a, flags};
  const T value = n >= kBits<T> ? T{0} : static_cast<T>(a << n);
  const bool carry = n <= kBits<T> && ((a >> (kBits<T> - n)) & 1);
  return {value,
          result_flags(value) | flag_if(kFlagC, carry) | flag_if(kFlagO, top_bit(value) != carry)};
}

template <class T>
constexpr IntegerResult<T> evaluate_shr(T a, uint8_t count, uint32_t flags) {
  const unsigned n = masked_count<T>(count);
  if (n == 0) return {a, flags};
  const T before_last = n > kBits<T> ? T{0} : static_cast<T>(a >> (n - 1));
  const T value = static_cast<T>(before_last >> 1);
  return {value, result_flags(value) | flag_if(kFlagC, before_last & 1) |
                     flag_if(kFlagO, top_bit(before_last))};
}

template <class T>
constexpr IntegerResult<T> evaluate_sar(T a, uint8_t count, uint32_t flags) {
  using Signed = std::make_signed_t<T>;
  const unsigned n = masked_count<T>(count);
  if (n == 0) return {a, flags};
  const unsigned before = n - 1 < kBits<T> ? n - 1 : kBits<T> - 1;
  const Signed before_last = static_cast<Signed>(static_cast<Signed>(a) >> before);
  const T value = static_cast<T>(before_last >> 1);
  return {value, result_flags(value) | flag_if(kFlagC, before_last & 1)};
}

template <class T>
constexpr IntegerResult<T> evaluate_rol(T a, uint8_t count, uint32_t flags) {
  if (masked_count<T>(count) == 0) return {a, flags};
  const T value = std::rotl(a, count & (kBits<T> - 1));
  const bool carry = value & 1;
  return {value, (flags & ~uint32_t{kFlagC | kFlagO}) | flag_if(kFlagC, carry) |
                     flag_if(kFlagO, top_bit(value) != carry)};
}

template <class T>
constexpr IntegerResult<T> evaluate_ror(T a, uint8_t count, uint32_t flags) {
  if (masked_count<T>(count) == 0) return {a, flags};
  const T value = std::rotr(a, count & (kBits<T> - 1));
  return {value, (flags & ~uint32_t{kFlagC | kFlagO}) | flag_if(kFlagC, top_bit(value)) |
                     flag_if(kFlagO, top_bit(static_cast<T>(value ^ (value << 1))))};
}

constexpr uint32_t with_overflow(uint32_t flags, bool overflow) {
  return (flags & ~uint32_t{kFlagO}) | flag_if(kFlagO, overflow);
}

template <class T>
constexpr IntegerResult<T> evaluate_rcl(T a, uint8_t count, uint32_t flags) {
  const unsigned n = masked_count<T>(count) % (kBits<T> + 1);
  if (masked_count<T>(count) == 0) return {a, flags};
  const bool carry_in = flags & kFlagC;
  if (n == 0) return {a, with_overflow(flags, top_bit(a) != carry_in)};
  const T low = static_cast<T>(n == 1 ? 0 : a >> (kBits<T> + 1 - n));
  const T high = n == kBits<T> ? T{0} : static_cast<T>(a << n);
  const T value = static_cast<T>(high | (T{carry_in} << (n - 1)) | low);
  const bool carry = (a >> (kBits<T> - n)) & 1;
  return {value, (flags & ~uint32_t{kFlagC | kFlagO}) | flag_if(kFlagC, carry) |
                     flag_if(kFlagO, top_bit(value) != carry)};
}

template <class T>
constexpr IntegerResult<T> evaluate_rcr(T a, uint8_t count, uint32_t flags) {
  const unsigned n = masked_count<T>(count) % (kBits<T> + 1);
  if (masked_count<T>(count) == 0) return {a, flags};
  const T carry_in = static_cast<T>(flags & kFlagC ? 1 : 0);
  if (n == 0) return {a, with_overflow(flags, top_bit(static_cast<T>(a ^ (a << 1))))};
  const T high = static_cast<T>(n == 1 ? 0 : a << (kBits<T> + 1 - n));
  const T low = n == kBits<T> ? T{0} : static_cast<T>(a >> n);
  const T value = static_cast<T>(low | static_cast<T>(carry_in << (kBits<T> - n)) | high);
  return {value, (flags & ~uint32_t{kFlagC | kFlagO}) | flag_if(kFlagC, (a >> (n - 1)) & 1) |
                     flag_if(kFlagO, top_bit(static_cast<T>(value ^ (value << 1))))};
}

/// SHLD: bits of `b` come in from the right. 16-bit counts above 16 go on with bits of `a`.
template <class T>
constexpr IntegerResult<T> evaluate_shld(T a, T b, uint8_t count, uint32_t flags) {
  const unsigned n = masked_count<T>(count);
  if (n == 0) return {a, flags};
  const bool wraps = n > kBits<T>;
  const T upper = wraps ? b : a;
  const T lower = wraps ? a : b;
  const unsigned m = wraps ? n - kBits<T> : n;
  const T value = static_cast<T>((m == kBits<T> ? T{0} : static_cast<T>(upper << m)) |
                                 static_cast<T>(lower >> (kBits<T> - m)));
  const bool carry = (upper >> (kBits<T> - m)) & 1;
  return {value,
          result_flags(value) | flag_if(kFlagC, carry) | flag_if(kFlagO, top_bit(value) != carry)};
}

/// SHRD: bits of `b` come in from the left. 16-bit counts above 16 go on with bits of `a`.
template <class T>
constexpr IntegerResult<T> evaluate_shrd(T a, T b, uint8_t count, uint32_t flags) {
  const unsigned n = masked_count<T>(count);
  if (n == 0) return {a, flags};
  const bool wraps = n > kBits<T>;
  const T lower = wraps ? b : a;
  const T upper = wraps ? a : b;
  const unsigned m = wraps ? n - kBits<T> : n;
  const T value = static_cast<T>((m == kBits<T> ? T{0} : static_cast<T>(lower >> m)) |
                                 static_cast<T>(upper << (kBits<T> - m)));
  const bool carry = (lower >> (m - 1)) & 1;
  return {value, result_flags(value) | flag_if(kFlagC, carry) |
                     flag_if(kFlagO, top_bit(static_cast<T>(value ^ (value << 1))))};
}

__extension__ using Wide = unsigned __int128;
__extension__ using WideSigned = __int128;

template <class T>
constexpr IntegerResult<T> evaluate_mul_unsigned(T a, T b, uint32_t flags) {
  const Wide product = Wide{a} * b;
  const T high = static_cast<T>(product >> kBits<T>);
  const uint32_t lost = high != 0 ? uint32_t{kFlagC | kFlagO} : 0u;
  return {static_cast<T>(product), (flags & ~uint32_t{kFlagC | kFlagO}) | lost, high};
}

template <class T>
constexpr IntegerResult<T> evaluate_mul_signed(T a, T b, uint32_t flags) {
  using Signed = std::make_signed_t<T>;
  const WideSigned product = WideSigned{static_cast<Signed>(a)} * static_cast<Signed>(b);
  const uint32_t lost = product != static_cast<Signed>(product) ? uint32_t{kFlagC | kFlagO} : 0u;
  return {static_cast<T>(product), (flags & ~uint32_t{kFlagC | kFlagO}) | lost,
          static_cast<T>(product >> kBits<T>)};
}

/// Returns whether the quotient of high:low / divisor exists; else it is a divide error.
template <class T>
constexpr bool evaluate_div_unsigned(T low, T high, T divisor, IntegerResult<T>* result) {
  if (high >= divisor) return false;
  const Wide dividend = (Wide{high} << kBits<T>) | low;
  result->value = static_cast<T>(dividend / divisor);
  result->second = static_cast<T>(dividend % divisor);
  return true;
}

template <class T>
constexpr bool evaluate_div_signed(T low, T high, T divisor, IntegerResult<T>* result) {
  using Signed = std::make_signed_t<T>;
  const Wide bits = (Wide{high} << kBits<T>) | low;
  constexpr unsigned kUnused = 128 - 2 * kBits<T>;
  const WideSigned dividend = static_cast<WideSigned>(bits << kUnused) >> kUnused;
  const WideSigned by = static_cast<Signed>(divisor);
  if (by == 0) return false;
  // The one quotient that overflows even 128 bits.
  if (by == -1 && bits << kUnused == Wide{1} << 127) return false;
  const WideSigned quotient = dividend / by;
  if (quotient != static_cast<Signed>(quotient)) return false;
  result->value = static_cast<T>(quotient);
  result->second = static_cast<T>(dividend % by);
  return true;
}

template <class T>
constexpr T bit_mask(T index) {
  return static_cast<T>(T{1} << (index & (kBits<T> - 1)));
}

template <class T>
constexpr uint32_t bit_test_flags(T a, T index, uint32_t flags) {
  return (flags & ~uint32_t{kFlagC}) | flag_if(kFlagC, (a & bit_mask(index)) != 0);
}

template <class T>
constexpr IntegerResult<T> evaluate_bsf(T a, T if_zero, uint32_t flags) {
  const T value = a ? static_cast<T>(std::countr_zero(a)) : if_zero;
  return {value, (flags & ~uint32_t{kFlagZ}) | flag_if(kFlagZ, a == 0)};
}

template <class T>
constexpr IntegerResult<T> evaluate_bsr(T a, T if_zero, uint32_t flags) {
  const T value = a ? static_cast<T>(kBits<T> - 1 - std::countl_zero(a)) : if_zero;
  return {value, (flags & ~uint32_t{kFlagZ}) | flag_if(kFlagZ, a == 0)};
}

/// TZCNT and LZCNT: `count` is the number of zeros found.
template <class T>
constexpr IntegerResult<T> evaluate_zero_count(unsigned count, uint32_t flags) {
  return {static_cast<T>(count), (flags & ~uint32_t{kFlagZ | kFlagC}) |
                                     flag_if(kFlagZ, count == 0) |
                                     flag_if(kFlagC, count == kBits<T>)};
}

template <class T>
constexpr IntegerResult<T> evaluate_popcnt(T a) {
  return {static_cast<T>(std::popcount(a)), flag_if(kFlagZ, a == 0)};
}

// The polynomial 0x11edc6f41 with its bits reversed (SDM volume 2, CRC32).
constexpr uint32_t evaluate_crc32c(uint32_t crc, uint64_t data, unsigned bytes) {
  constexpr uint32_t kReflectedCastagnoli = 0x82f63b78;
  for (; bytes != 0; --bytes, data >>= 8) {
    crc ^= static_cast<uint8_t>(data);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kReflectedCastagnoli : 0);
  }
  return crc;
}

template <class T>
constexpr T evaluate_pdep(T a, T mask) {
  T value = 0;
  for (; mask; mask &= static_cast<T>(mask - 1), a = static_cast<T>(a >> 1)) {
    if (a & 1) value = static_cast<T>(value | (mask & ~(mask - 1)));
  }
  return value;
}

template <class T>
constexpr T evaluate_pext(T a, T mask) {
  T value = 0;
  for (T to = 1; mask; mask &= static_cast<T>(mask - 1), to = static_cast<T>(to + to)) {
    if (a & mask & ~(mask - 1)) value = static_cast<T>(value | to);
  }
  return value;
}

template <class T>
constexpr T evaluate_byte_swap(T a) {
  T value = 0;
  for (unsigned i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((value << 4 << 4) | ((a >> (8 * i)) & 0xff));
  }
  return value;
}

}  // namespace vireo::tcg
