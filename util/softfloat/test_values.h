#pragma once

#include <cstdint>
#include <random>

#include "util/softfloat/unpacked.h"

/// Random operands and environments for the tests, crowded around what goes wrong.
namespace vireo::util::softfloat {

class OperandSource {
 public:
  explicit OperandSource(uint64_t seed) : generator_(seed) {}

  uint64_t bits() { return generator_(); }
  /// 0 <= result < bound.
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(generator_() >> 32) % bound; }

  /// Zeros, denormals, infinities, NaNs of both sorts, range limits and numbers of like size.
  template <class Float>
  Float operand() {
    using F = internal::Format<Float>;
    const int32_t biased = exponent(F::kMaxBiased, F::kBias, F::kPrecision);
    uint64_t significand = pattern() & ~uint64_t{0} << (64 - F::kPrecision);
    const bool unnormal = F::kIsExtended && below(32) == 0;
    if (biased != 0 && !unnormal) significand |= uint64_t{1} << 63;
    if (biased == 0 && !(F::kIsExtended && below(4) == 0)) significand &= ~(uint64_t{1} << 63);
    return F::join(below(2), biased, significand);
  }

  Environment sse_environment() {
    Environment result = environment();
    result.denormals_are_zero = below(4) == 0;
    result.flush_to_zero = below(4) == 0;
    return result;
  }

  Environment x87_environment() {
    static constexpr Precision kPrecisions[] = {Precision::k24, Precision::k53, Precision::k64};
    Environment result = environment();
    result.precision = kPrecisions[below(3)];
    return result;
  }

 private:
  Environment environment() {
    Environment result;
    result.rounding = static_cast<Rounding>(below(4));
    if (below(8) == 0) result.masks = static_cast<uint8_t>(below(64));
    return result;
  }

  int32_t exponent(int32_t max, int32_t bias, int32_t precision) {
    switch (below(16)) {
      case 0:
      case 1:
        return 0;
      case 2:
        return max;
      case 3:
        return max - 1 - static_cast<int32_t>(below(3));
      case 4:
      case 5:
        return 1 + static_cast<int32_t>(below(precision + 3));
      case 6:
        return static_cast<int32_t>(below(max + 1));
      case 7:
        return bias / 2 + static_cast<int32_t>(below(precision));
      case 8:
        return bias + bias / 2 - static_cast<int32_t>(below(precision));
      case 9:
      case 10:
        return bias + static_cast<int32_t>(below(66));
      default:
        return bias - 4 + static_cast<int32_t>(below(8));
    }
  }

  uint64_t pattern() {
    const uint32_t shift = below(64);
    switch (below(8)) {
      case 0:
        return 0;
      case 1:
        return ~uint64_t{0};
      case 2:
        return ~uint64_t{0} << shift;
      case 3:
        return uint64_t{1} << shift;
      case 4:
        return (uint64_t{1} << shift) - 1;
      case 5:
        return bits() << shift;
      default:
        return bits();
    }
  }

  std::mt19937_64 generator_;
};

}  // namespace vireo::util::softfloat
