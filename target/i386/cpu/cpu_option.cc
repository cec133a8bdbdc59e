// The `-cpu` option: a model, and what is changed of it.

#include <algorithm>
#include <vector>

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_model.h"
#include "target/i386/cpu/models.h"
#include "util/text.h"

namespace vireo::i386 {
namespace {

constexpr std::string_view kHostName = "host";
constexpr size_t kVendorLength = 12, kLongestBrand = 47;

util::Error invalid(std::string text) {
  return {util::ErrorCode::kInvalidArgument, std::move(text)};
}

util::Error unknown(std::string_view what, std::string_view word,
                    const std::vector<std::string_view>& names) {
  return invalid("unknown " + std::string(what) + " '" + std::string(word) + "'" +
                 util::did_you_mean(word, names) + "; see -cpu help");
}

std::string names_of(const FeatureSet& features) {
  std::string text;
  const auto table = feature_table();
  for (size_t i = 0; i < table.size(); ++i) {
    if (!features.has(static_cast<Feature>(i))) continue;
    if (!text.empty()) text += ' ';
    text += table[i].name;
  }
  return text;
}

struct Alias {
  std::string_view name, feature;
};
/// QEMU's other spellings.
constexpr Alias kAliases[] = {
    {"pni", "sse3"},       {"sse4-1", "sse4.1"}, {"sse4-2", "sse4.2"}, {"pclmuldq", "pclmulqdq"},
    {"ffxsr", "fxsr-opt"}, {"i64", "lm"},        {"xd", "nx"}};

/// As in the feature table, if it is there at all.
std::string canonical_name(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', '-');
  for (const Alias& alias : kAliases) {
    if (alias.name == text) return std::string(alias.feature);
  }
  return text;
}

struct FeatureLeaf {
  Feature feature;
  uint32_t leaf;
};
/// Leaves that describe a feature further.
constexpr FeatureLeaf kFurtherLeaves[] = {{Feature::kMonitor, 5},
                                          {Feature::kXsave, 0xd},
                                          {Feature::kLm, 0x80000008},
                                          {Feature::kTopoext, 0x8000001e}};

void reach(CpuConfig& config, uint32_t leaf) {
  const bool is_extended = leaf >= 0x80000000;
  uint32_t& highest = is_extended ? config.max_extended_leaf : config.max_basic_leaf;
  highest = std::max(highest, leaf);
}

/// Raises the highest leaves to those of all features, as QEMU does.
void reach_features(CpuConfig& config) {
  const auto table = feature_table();
  for (size_t i = 0; i < table.size(); ++i) {
    if (config.has(static_cast<Feature>(i))) reach(config, table[i].leaf);
  }
  for (const FeatureLeaf& further : kFurtherLeaves) {
    if (config.has(further.feature)) reach(config, further.leaf);
  }
}

CpuConfig config_of(const CpuModel& model) {
  CpuConfig config;
  config.vendor = model.vendor;
  config.brand = model.brand;
  config.family = model.family;
  config.model = model.model;
  config.stepping = model.stepping;
  config.max_basic_leaf = model.max_basic_leaf;
  config.max_extended_leaf = model.max_extended_leaf;
  config.features = model.features;
  if (!config.has(Feature::kPae)) config.physical_bits = 32;
  return config;
}

util::Result<CpuConfig> find_model(std::string_view name) {
  if (name == kHostName) return host_cpu_config();
  std::vector<std::string_view> names{kHostName};
  for (const CpuModel& model : cpu_models()) {
    if (model.name == name) return config_of(model);
    names.push_back(model.name);
  }
  return unknown("CPU model", name, names);
}

/// What comes behind the model.
class Changes {
 public:
  explicit Changes(CpuConfig& config) : config_(config) {}

  util::Status apply(std::string_view item) {
    if (item.starts_with('+')) return set_feature(item.substr(1), true);
    if (item.starts_with('-')) return set_feature(item.substr(1), false);
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) return set_switch(item, true);
    const std::string_view name = item.substr(0, equals), value = item.substr(equals + 1);
    for (const Number& number : kNumbers) {
      if (number.name == name) return set_number(number, value);
    }
    if (name == "vendor" || name == "model-id") return set_text(name, value);
    const auto on = util::parse_bool(value);
    VIREO_TRY(set_switch(name, on ? *on : true));  // first of all there has to be one of that name
    if (!on) return util::Error(on.error()).with_context(name);
    return {};
  }

  util::Status finish() {
    VIREO_TRY(take_away_missing());
    reach_features(config_);
    return {};
  }

 private:
  /// What is not implemented.
  util::Status take_away_missing() {
    FeatureSet missing;
    for (unsigned i = 0; i < static_cast<unsigned>(Feature::kCount); ++i) {
      const auto feature = static_cast<Feature>(i);
      if (!config_.has(feature) || implemented_features().has(feature)) continue;
      missing.set(feature, true);
      config_.features.set(feature, false);
    }
    const std::string names = names_of(missing);
    if (names.empty()) return {};
    if (enforce_) {
      return util::Error(util::ErrorCode::kUnsupported, "not implemented (enforce): " + names);
    }
    if (check_) config_.left_out = names;
    return {};
  }

  struct Number {
    std::string_view name;
    unsigned CpuConfig::*member;
    uint64_t least, most;
  };
  static constexpr Number kNumbers[] = {
      {"family", &CpuConfig::family, 0, 0xff + 0xf},
      {"model", &CpuConfig::model, 0, 0xff},
      {"stepping", &CpuConfig::stepping, 0, 0xf},
      {"phys-bits", &CpuConfig::physical_bits, 32, 52},
  };

  util::Status set_switch(std::string_view name, bool on) {
    if (name == "check") return check_ = on, util::Status();
    if (name == "enforce") return enforce_ = on, util::Status();
    return set_feature(name, on);
  }

  util::Status set_feature(std::string_view given, bool on) {
    const std::string name = canonical_name(given);
    const auto table = feature_table();
    std::vector<std::string_view> names;
    for (size_t i = 0; i < table.size(); ++i) {
      names.push_back(table[i].name);
      if (table[i].name == name)
        return config_.features.set(static_cast<Feature>(i), on), util::Status();
    }
    return unknown("CPU feature", given, names);
  }

  util::Status set_number(const Number& number, std::string_view text) {
    VIREO_TRY_ASSIGN(value, util::parse_number(text));
    if (value < number.least || value > number.most) {
      return invalid(std::string(number.name) + "=" + std::string(text) + ": must be " +
                     std::to_string(number.least) + " to " + std::to_string(number.most));
    }
    config_.*number.member = static_cast<unsigned>(value);
    return {};
  }

  util::Status set_text(std::string_view name, std::string_view text) {
    if (name == "vendor" && text.size() != kVendorLength) {
      return invalid("vendor=" + std::string(text) + ": must have 12 characters");
    }
    if (text.size() > kLongestBrand) {
      return invalid("model-id=" + std::string(text) + ": must have at most 47 characters");
    }
    (name == "vendor" ? config_.vendor : config_.brand) = text;
    return {};
  }

  CpuConfig& config_;
  bool check_ = true, enforce_ = false;
};

std::string help_line(std::string_view name, std::string_view description) {
  constexpr size_t kColumn = 16;
  return "  " + std::string(name) + std::string(kColumn - name.size(), ' ') +
         std::string(description) + "\n";
}

}  // namespace

util::Result<CpuConfig> parse_cpu_option(std::string_view option) {
  const auto items = util::split(option, ',');
  VIREO_TRY_ASSIGN(config, find_model(items[0]));
  Changes changes(config);
  for (size_t i = 1; i < items.size(); ++i) VIREO_TRY(changes.apply(items[i]));
  VIREO_TRY(changes.finish());
  return config;
}

std::string cpu_help() {
  std::string text = "Available CPUs:\n";
  for (const CpuModel& model : cpu_models()) text += help_line(model.name, model.description);
  text += help_line(kHostName, "what the host's processor has, as far as it is implemented");
  text +=
      "\nBehind the model: +feature, -feature, feature=on|off; family=, model=, stepping=, "
      "vendor=, model-id=, phys-bits=;\n"
      "check=off (do not tell what is left out), enforce (fail instead).\n";
  return text + "\nFeatures:\n  " + names_of(implemented_features()) + "\n";
}

}  // namespace vireo::i386
