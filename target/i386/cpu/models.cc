// CPU models and the `-cpu` option.
//
// The default model answers as an Intel Atom of the in-order generation (family 6, model 28): a
// processor that does not speculate. Nor does translated code in any way that a guest could
// measure through a side channel of its own, and Linux then leaves out page-table isolation,
// retpolines and the like, which cost time and would protect nothing.

#include <array>
#include <vector>

#include "target/i386/cpu/config.h"
#include "util/text.h"

namespace vireo::i386 {
namespace {

using F = Feature;

constexpr FeatureSet k486{F::kFpu, F::kVme, F::kPse};
constexpr FeatureSet kPentiumPro =
    k486 | FeatureSet{F::kDe,  F::kTsc,  F::kMsr, F::kPae,  F::kMce,    F::kCx8, F::kApic,
                      F::kSep, F::kMtrr, F::kPge, F::kMca,  F::kCmov,   F::kPat, F::kPse36,
                      F::kMmx, F::kFxsr, F::kSse, F::kSse2, F::kClflush};
constexpr FeatureSet kVirtual{F::kHypervisor, F::kX2apic, F::kTscDeadline,
                              F::kTscAdjust,  F::kArat,   F::kInvtsc};
constexpr FeatureSet kLongMode{F::kLm, F::kSyscall, F::kNx, F::kLahfLm, F::kCx16};
/// Costs a guest nothing, and saves it work.
constexpr FeatureSet kConvenient{
    F::kSse3,   F::kRdtscp,           F::kErms,       F::kFsrm, F::kPopcnt,  F::kMovbe,
    F::kRdrand, F::kRdseed,           F::kFsgsbase,   F::kUmip, F::kPdpe1gb, F::kPrefetchw,
    F::kSmep,   F::kArchCapabilities, F::kClflushopt, F::kClwb, F::kPcid,    F::kInvpcid};
constexpr FeatureSet kNehalem{F::kSse3, F::kSsse3, F::kSse41, F::kSse42, F::kPopcnt, F::kRdtscp};
/// Implemented, but not for free: SMAP makes the kernel's user accesses fill a TLB of their own,
/// LA57 lengthens page walks.
constexpr FeatureSet kCostly{F::kSmap, F::kLa57};
/// Other names of the table are known but refused.
constexpr FeatureSet kMaximum = kPentiumPro | kVirtual | kLongMode | kConvenient | kCostly |
                                FeatureSet{F::kXsave, F::kXsaveopt,  F::kXsavec, F::kXgetbv1,
                                           F::kAbm,   F::kCr8Legacy, F::kSs,     F::kHt};

/// MWAIT does not sleep, so that only who asks for it gets it.
constexpr FeatureSet kImplemented = kMaximum | FeatureSet{F::kMonitor};

struct Model {
  std::string_view name;
  std::string_view description;
  std::string_view brand;
  unsigned family, model, stepping;
  uint32_t max_basic_leaf, max_extended_leaf;
  FeatureSet features;
};

constexpr auto kModels = std::to_array<Model>({
    {"qemu64", "the default: everything that makes a 64-bit guest fast", "Vireo Virtual CPU", 6, 28,
     10, 0x16, 0x80000008, kPentiumPro | kVirtual | kLongMode | kConvenient},
    {"max", "everything that is implemented", "Vireo Virtual CPU (max)", 6, 28, 10, 0x16,
     0x80000008, kMaximum},
    {"kvm64", "a plain 64-bit CPU", "Common 64-bit processor", 15, 6, 1, 0xb, 0x80000008,
     kPentiumPro | kLongMode | FeatureSet{F::kSse3, F::kHypervisor, F::kX2apic}},
    {"Nehalem", "Intel Core i7 9xx", "Intel Core i7 9xx (Nehalem Class Core i7)", 6, 26, 3, 0xb,
     0x80000008, kPentiumPro | kLongMode | kNehalem | FeatureSet{F::kHypervisor, F::kX2apic}},
    {"qemu32", "a 32-bit CPU", "Vireo Virtual 32-bit CPU", 6, 28, 10, 0x16, 0x80000004,
     kPentiumPro | kVirtual | FeatureSet{F::kNx, F::kSse3, F::kErms}},
    {"486", "Intel 486DX2", "", 4, 8, 0, 1, 0, k486},
});

std::string implemented_names() {
  std::string text;
  const auto table = feature_table();
  for (size_t i = 0; i < table.size(); ++i) {
    if (!kImplemented.has(static_cast<Feature>(i))) continue;
    text += (text.empty() ? "" : " ") + std::string(table[i].name);
  }
  return text;
}

util::Error unknown(std::string_view what, std::string_view word,
                    const std::vector<std::string_view>& names) {
  return {util::ErrorCode::kInvalidArgument,
          "unknown " + std::string(what) + " '" + std::string(word) + "'" +
              util::did_you_mean(word, names) + "; see -cpu help"};
}

const Model* find_model(std::string_view name) {
  for (const Model& model : kModels)
    if (model.name == name) return &model;
  return nullptr;
}

// QEMU takes sse4_1 and sse4.1 alike.
std::string canonical_name(std::string_view name) {
  std::string text(name);
  for (char& c : text)
    if (c == '_') c = text.starts_with("sse4") ? '.' : '-';
  return text;
}

util::Status set_feature(CpuConfig& config, std::string_view given, bool on) {
  const std::string name = canonical_name(given);
  const auto table = feature_table();
  std::vector<std::string_view> names;
  for (size_t i = 0; i < table.size(); ++i) {
    const auto feature = static_cast<Feature>(i);
    names.push_back(table[i].name);
    if (table[i].name != name) continue;
    if (on && !kImplemented.has(feature))
      return util::Error(util::ErrorCode::kUnsupported,
                         "CPU feature '" + name + "' is not implemented");
    config.features.set(feature, on);
    return {};
  }
  return unknown("CPU feature", given, names);
}

util::Status apply(CpuConfig& config, std::string_view item) {
  if (item.starts_with('+')) return set_feature(config, item.substr(1), true);
  if (item.starts_with('-')) return set_feature(config, item.substr(1), false);
  const size_t equals = item.find('=');
  if (equals == std::string_view::npos) return set_feature(config, item, true);
  VIREO_TRY_ASSIGN(on, util::parse_bool(item.substr(equals + 1)));
  return set_feature(config, item.substr(0, equals), on);
}

CpuConfig config_of(const Model& model) {
  CpuConfig config;
  config.brand = model.brand;
  config.family = model.family;
  config.model = model.model;
  config.stepping = model.stepping;
  config.max_basic_leaf = model.max_basic_leaf;
  config.max_extended_leaf = model.max_extended_leaf;
  // Nothing that is not implemented is shown, whatever the model it is named after has.
  for (unsigned i = 0; i < static_cast<unsigned>(Feature::kCount); ++i) {
    const auto feature = static_cast<Feature>(i);
    config.features.set(feature, model.features.has(feature) && kImplemented.has(feature));
  }
  if (!config.has(Feature::kPae)) config.physical_bits = 32;
  return config;
}

}  // namespace

util::Result<CpuConfig> parse_cpu_option(std::string_view option) {
  const auto items = util::split(option, ',');
  const Model* model = find_model(items[0]);
  if (!model) {
    std::vector<std::string_view> names;
    for (const Model& known : kModels) names.push_back(known.name);
    return unknown("CPU model", items[0], names);
  }
  CpuConfig config = config_of(*model);
  for (size_t i = 1; i < items.size(); ++i) VIREO_TRY(apply(config, items[i]));
  return config;
}

std::string cpu_help() {
  std::string text = "Available CPUs:\n";
  for (const Model& model : kModels) {
    text += "  " + std::string(model.name) + std::string(12 - model.name.size(), ' ') +
            std::string(model.description) + "\n";
  }
  return text + "\nFeatures (+name, -name, name=on|off):\n  " + implemented_names() + "\n";
}

}  // namespace vireo::i386
