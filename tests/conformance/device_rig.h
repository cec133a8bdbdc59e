#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/device/bus.h"
#include "core/device/device.h"
#include "core/device/device_type.h"
#include "core/testing/test_machine.h"

namespace vireo::conformance {

/// What devices need that the registry cannot tell.
struct Surroundings {
  /// Buses that no registered device provides, by kind.
  std::map<std::string, std::function<std::unique_ptr<core::Bus>()>> buses;
  /// Properties without which a type cannot be realized.
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> properties;
  /// Adds the back ends that these properties name; what it returns lives as long as the rig.
  std::function<std::shared_ptr<void>(core::testing::TestMachine&)> add_backends;
  /// A random access that goes neither through ports nor through memory; may be empty.
  std::function<void(core::Device&, std::mt19937_64&)> poke_device;
};

/// A random access to `region`, which has to be I/O; it may reach beyond the region's end.
void poke_region(core::Region& region, std::mt19937_64& random);
/// The same to one of the I/O regions that the space shows now.
void poke_space(core::AddressSpace& space, std::mt19937_64& random);

/// One realized device of any registered type, on a bus of its kind, in a test machine.
class DeviceRig {
 public:
  DeviceRig(const core::DeviceType& type, const Surroundings& surroundings);
  ~DeviceRig();

  /// Whether the device could be made.
  const util::Status& status() const { return status_; }
  core::Device& device() { return *devices_.back(); }
  core::testing::TestMachine& machine() { return machine_; }

  /// `count` random accesses, interrupt levels and waits.
  void poke(std::mt19937_64& random, unsigned count);

 private:
  util::Status add(const core::DeviceType& type);
  core::Bus* find_bus(const std::string& kind);
  static constexpr uint64_t kScattered = 256 << 10;

  const Surroundings& surroundings_;
  core::testing::TestMachine machine_;
  std::shared_ptr<void> backends_;
  std::vector<std::unique_ptr<core::Bus>> buses_;
  std::vector<std::unique_ptr<core::Device>> devices_;
  std::set<std::string> wanted_buses_;  // kinds that are being looked for
  util::Status status_;
  bool scattered_ = false;  // the low RAM holds words of a hostile guest
};

}  // namespace vireo::conformance
