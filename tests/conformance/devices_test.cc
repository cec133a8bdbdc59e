// Every registered device, whatever it is: what is registered is tested with no further work.
#include <gtest/gtest.h>

#include "core/device/registry.h"
#include "tests/conformance/device_conformance.h"
#include "tests/conformance/surroundings.h"

namespace vireo::conformance {
namespace {

class EveryDevice : public ::testing::TestWithParam<const core::DeviceType*> {};

TEST_P(EveryDevice, StateIsAnIdentity) { check_state_identity(*GetParam(), all_surroundings()); }
TEST_P(EveryDevice, ResetIsFresh) { check_reset_is_fresh(*GetParam(), all_surroundings()); }
TEST_P(EveryDevice, DamagedStateIsHarmless) {
  check_damaged_state(*GetParam(), all_surroundings());
}

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
