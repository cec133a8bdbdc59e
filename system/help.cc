// Help texts from the registries, and checks of option values against them.

#include "system/options/help.h"

#include <fmt/format.h>

#include "core/device/device_type.h"
#include "core/device/registry.h"
#include "system/rtc_base.h"
#include "target/i386/cpu/config.h"
#include "util/text.h"

namespace vireo::system {

namespace {

struct MachineRow {
  std::string_view name;
  std::string_view summary;
};
constexpr MachineRow kMachines[] = {
    {"pc", "PC with the i440FX and PIIX chips (default)"},
};

}  // namespace

std::vector<std::string_view> machine_names() {
  std::vector<std::string_view> names;
  for (const MachineRow& row : kMachines) names.push_back(row.name);
  return names;
}

std::string machine_help() {
  std::string text = "Supported machines are:\n";
  for (const MachineRow& row : kMachines) text += fmt::format("{:20} {}\n", row.name, row.summary);
  return text;
}

std::string cpu_help() { return i386::cpu_help(); }

std::string device_list_help() {
  std::string text;
  for (const core::DeviceType* type : core::DeviceRegistry::global().all()) {
    if (!type->user_creatable) continue;
    text += fmt::format("name \"{}\"{}, desc \"{}\"\n", type->name,
                        type->bus.empty() ? "" : fmt::format(", bus {}", type->bus), type->summary);
  }
  return text;
}

util::Result<std::string> device_help(std::string_view name) {
  const core::DeviceType* type = core::DeviceRegistry::global().find(name);
  if (type == nullptr || !type->user_creatable) {
    std::vector<std::string_view> names;
    for (const core::DeviceType* each : core::DeviceRegistry::global().all()) {
      if (each->user_creatable) names.push_back(each->name);
    }
    return util::Error(util::ErrorCode::kNotFound,
                       fmt::format("-device {}: no such device{}; -device help lists them", name,
                                   util::did_you_mean(name, names)));
  }
  std::string text = fmt::format("{} options:\n", name);
  for (const core::Property& property : type->properties) {
    text += fmt::format("  {}=<{}> - {}\n", property.name, property.type_name(), property.help);
  }
  return text;
}

util::Status check_property(const core::PropertyDefault& row) {
  VIREO_TRY_ASSIGN(device, core::DeviceRegistry::global().create(row.type));
  return device->set_property(row.property, row.value);
}

util::Status check_cpu_model(std::string_view text) {
  auto config = i386::parse_cpu_option(text);
  if (!config) return std::move(config).error().with_context("-cpu");
  return {};
}

util::Status check_rtc_base(std::string_view text) {
  auto seconds = rtc_start_seconds(text);
  if (!seconds) return std::move(seconds).error();
  return {};
}

}  // namespace vireo::system
