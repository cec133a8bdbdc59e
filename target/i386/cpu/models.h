#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "target/i386/cpu/features.h"

namespace vireo::i386 {

/// What CPUID of a processor that one can name tells, apart from what depends on the machine.
struct CpuModel {
  std::string_view name;
  std::string_view description;
  std::string_view vendor;  ///< 12 characters.
  std::string_view brand;   ///< Up to 47 characters; empty: the processor tells none.
  unsigned family, model, stepping;
  uint32_t max_basic_leaf, max_extended_leaf;  ///< Extended: 0 if there are none.
  FeatureSet features;                         ///< Also those that are not implemented.
};

/// Every model of `-cpu`, the default first.
std::span<const CpuModel> cpu_models();

/// What translator and helpers implement. Nothing else is ever shown to a guest.
const FeatureSet& implemented_features();

}  // namespace vireo::i386
