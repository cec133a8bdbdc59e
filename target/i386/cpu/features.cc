// The table of CPUID features.

#include "target/i386/cpu/features.h"

namespace vireo::i386 {

std::span<const FeatureInfo> feature_table() {
  static constexpr FeatureInfo kTable[] = {
#define FEATURE(name, text, leaf, subleaf, reg, bit) {text, leaf, subleaf, reg, bit},
#include "target/i386/cpu/features.inc"
#undef FEATURE
  };
  return kTable;
}

}  // namespace vireo::i386
