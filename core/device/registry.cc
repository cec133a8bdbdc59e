#include "core/device/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/device/device.h"
#include "core/device/device_type.h"
#include "util/text.h"

namespace vireo::core {

DeviceRegistry& DeviceRegistry::global() {
  static DeviceRegistry registry;
  return registry;
}

void DeviceRegistry::add(Describe describe) { pending_.push_back(describe); }

const std::vector<const DeviceType*>& DeviceRegistry::all() {
  if (!pending_.empty()) {
    for (const Describe describe : pending_) types_.push_back(&describe());
    pending_.clear();
    std::sort(types_.begin(), types_.end(),
              [](const DeviceType* a, const DeviceType* b) { return a->name < b->name; });
  }
  return types_;
}

const DeviceType* DeviceRegistry::find(std::string_view name) {
  for (const DeviceType* type : all()) {
    if (type->name == name) return type;
  }
  return nullptr;
}

util::Result<std::unique_ptr<Device>> DeviceRegistry::create(std::string_view name) {
  if (const DeviceType* type = find(name)) return type->create();
  std::vector<std::string_view> names;
  for (const DeviceType* type : all()) {
    if (type->user_creatable) names.push_back(type->name);
  }
  return util::Error(util::ErrorCode::kNotFound, fmt::format("there is no device '{}'{}", name,
                                                             util::did_you_mean(name, names)));
}

}  // namespace vireo::core
