// Every registered device, whatever it is: what is registered is tested with no further work.
#include <gtest/gtest.h>

#include "block/testing/memory_drive.h"
#include "core/device/registry.h"
#include "hw/isa/isa_bus.h"
#include "tests/conformance/device_conformance.h"

namespace vireo::conformance {
namespace {

const Surroundings& surroundings() {
  static const Surroundings value{
      .buses = {{"isa", [] { return std::make_unique<hw::IsaBus>(); }}},
      .properties = {{"ide-hd", {{"drive", "disk"}}}, {"virtio-blk-pci", {{"drive", "disk"}}}},
      .add_backends = [](core::testing::TestMachine& machine) -> std::shared_ptr<void> {
        auto disk = std::make_shared<block::testing::MemoryDrive>(machine.loop, 1 << 20);
        machine.backends.add("drive", "disk", disk->drive.get());
        return disk;
      },
  };
  return value;
}

class EveryDevice : public ::testing::TestWithParam<const core::DeviceType*> {};

TEST_P(EveryDevice, StateIsAnIdentity) { check_state_identity(*GetParam(), surroundings()); }
TEST_P(EveryDevice, ResetIsFresh) { check_reset_is_fresh(*GetParam(), surroundings()); }
TEST_P(EveryDevice, DamagedStateIsHarmless) { check_damaged_state(*GetParam(), surroundings()); }

TEST(Devices, DescribeThemselves) {
  for (const core::DeviceType* type : core::DeviceRegistry::global().all()) {
    EXPECT_FALSE(type->name.empty());
    EXPECT_FALSE(type->summary.empty()) << type->name;
    for (const core::Property& property : type->properties) {
      EXPECT_FALSE(property.help.empty()) << type->name << "." << property.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryDevice,
                         ::testing::ValuesIn(core::DeviceRegistry::global().all()),
                         [](const auto& info) {
                           std::string name = info.param->name;
                           for (char& c : name) {
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace vireo::conformance
