#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace vireo::core {

class Device;
struct DeviceType;

/// Every device type in the program. Types are described when first asked for, so registering costs
/// nothing at start.
class DeviceRegistry {
 public:
  using Describe = const DeviceType& (*)();

  static DeviceRegistry& global();

  void add(Describe describe);
  /// Null if there is none.
  const DeviceType* find(std::string_view name);
  /// Errors: no such type, with the nearest.
  util::Result<std::unique_ptr<Device>> create(std::string_view name);
  /// In order of names.
  const std::vector<const DeviceType*>& all();

 private:
  std::vector<Describe> pending_;
  std::vector<const DeviceType*> types_;
};

struct DeviceRegistration {
  explicit DeviceRegistration(DeviceRegistry::Describe describe) {
    DeviceRegistry::global().add(describe);
  }
};

}  // namespace vireo::core
