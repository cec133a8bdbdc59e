#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "util/softfloat/types.h"

/// Runs x87 instructions on the host (x86-64 only) for the tests.
namespace vireo::util::softfloat {

/// C1, and all condition codes, in the status word.
inline constexpr uint16_t kC1 = 0x0200;
inline constexpr uint16_t kConditionCodes = 0x4700;

inline uint16_t control_word(const Environment& environment) {
  return static_cast<uint16_t>(static_cast<int>(environment.rounding) << 10 |
                               static_cast<int>(environment.precision) << 8 | 0x40 |
                               environment.masks);
}

/// A value as the x87 loads and stores it.
struct Memory80 {
  Memory80() = default;
  explicit Memory80(Float80 x) {
    std::memcpy(bytes, &x.significand, 8);
    std::memcpy(bytes + 8, &x.sign_exponent, 2);
  }
  Float80 value() const {
    Float80 result;
    std::memcpy(&result.significand, bytes, 8);
    std::memcpy(&result.sign_exponent, bytes + 8, 2);
    return result;
  }
  alignas(16) unsigned char bytes[10] = {};
};

struct Outcome {
  /// ST(0) and ST(1) afterwards, or what was stored in memory.
  Float80 first, second;
  unsigned __int128 stored = 0;
  uint16_t status = 0;
};

inline std::string hexadecimal(uint64_t x) {
  char text[20];
  snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(x));
  return text;
}

inline std::string hexadecimal(Float80 x) {
  return hexadecimal(x.sign_exponent).substr(12) + ":" + hexadecimal(x.significand);
}

/// What the tested function says of the status word.
inline uint16_t status_of(const Environment& environment) {
  return static_cast<uint16_t>(environment.flags | (environment.rounded_up ? kC1 : 0));
}

inline std::string describe(const char* name, Float80 a, Float80 b) {
  return std::string(name) + " st0 " + hexadecimal(a) + " st1 " + hexadecimal(b);
}

// Runs `text` on ST(0) = a and ST(1) = b. FNSTSW, FNCLEX and FNINIT do not wait, so that unmasked
// exceptions can be looked at without being taken.
#define RUN_STACK(text)                                                                     \
  [](Memory80 a, Memory80 b, uint16_t control) {                                            \
    Outcome result;                                                                         \
    Memory80 first, second;                                                                 \
    asm volatile("fninit\n\tfldcw %[control]\n\tfldt %[b]\n\tfldt %[a]\n\t" text            \
                 "\n\tfnstsw %[status]\n\tfnclex\n\t"                                       \
                 "fstpt %[first]\n\tfstpt %[second]\n\tfninit"                              \
                 : [first] "=m"(first), [second] "=m"(second), [status] "=m"(result.status) \
                 : [a] "m"(a), [b] "m"(b), [control] "m"(control));                         \
    result.first = first.value();                                                           \
    result.second = second.value();                                                         \
    return result;                                                                          \
  }

}  // namespace vireo::util::softfloat
