#include "core/device/device_type.h"

#include <algorithm>

namespace vireo::core {

const Property* DeviceType::find_property(std::string_view property_name) const {
  for (const Property& property : properties) {
    if (property.name == property_name) return &property;
  }
  return nullptr;
}

void add_register(DeviceType& type, std::string_view region_name, Space space,
                  Register description) {
  auto region =
      std::find_if(type.regions.begin(), type.regions.end(),
                   [&](const RegionDescription& known) { return known.name == region_name; });
  if (region == type.regions.end()) {
    RegionDescription fresh;
    fresh.name = region_name;
    fresh.space = space;
    fresh.widths.implemented_max = 1;
    region = type.regions.insert(type.regions.end(), std::move(fresh));
  }
  region->size = std::max(region->size, description.offset + description.width);
  region->widths.implemented_max =
      std::max(region->widths.implemented_max, static_cast<uint8_t>(description.width));
  region->registers.push_back(std::move(description));
}

}  // namespace vireo::core
