#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vireo::i386 {

enum class Feature : uint8_t {
#define FEATURE(name, ...) k##name,
#include "target/i386/cpu/features.inc"
#undef FEATURE
  kCount,
};

enum CpuidRegister : uint8_t { kEax, kEbx, kEcx, kEdx };

/// Where CPUID shows a feature, and its name on the command line.
struct FeatureInfo {
  std::string_view name;
  uint32_t leaf;
  uint32_t subleaf;
  CpuidRegister reg;
  uint8_t bit;
};

/// In the order of Feature.
std::span<const FeatureInfo> feature_table();

/// A set of features.
class FeatureSet {
 public:
  constexpr FeatureSet() = default;
  template <class... Features>
  constexpr explicit FeatureSet(Features... features) {
    (set(features, true), ...);
  }
  static constexpr FeatureSet all() {
    FeatureSet features;
    for (unsigned i = 0; i < static_cast<unsigned>(Feature::kCount); ++i) {
      features.set(static_cast<Feature>(i), true);
    }
    return features;
  }
  constexpr bool has(Feature feature) const {
    const auto i = static_cast<unsigned>(feature);
    return (words_[i / 64] >> (i % 64)) & 1;
  }
  constexpr void set(Feature feature, bool on) {
    const auto i = static_cast<unsigned>(feature);
    const uint64_t bit = uint64_t{1} << (i % 64);
    words_[i / 64] = on ? words_[i / 64] | bit : words_[i / 64] & ~bit;
  }
  friend constexpr FeatureSet operator|(FeatureSet a, const FeatureSet& b) {
    for (unsigned i = 0; i < kWords; ++i) a.words_[i] |= b.words_[i];
    return a;
  }
  constexpr bool operator==(const FeatureSet&) const = default;

 private:
  static constexpr unsigned kWords = (static_cast<unsigned>(Feature::kCount) + 63) / 64;
  uint64_t words_[kWords] = {};
};

}  // namespace vireo::i386
