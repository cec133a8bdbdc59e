// Checks on any device, from nothing but its description.
#include "tests/conformance/device_conformance.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/state/state_stream.h"

namespace vireo::conformance {

using core::testing::load_state;
using core::testing::save_state;

namespace {

constexpr unsigned kPokes = 2000;
constexpr unsigned kSeeds = 3;

#define REQUIRE_RIG(rig) \
  ASSERT_TRUE((rig).status()) << "cannot make the device: " << (rig).status().error().message()

// Which section differs first; empty if none does.
std::string difference(const std::vector<std::byte>& a, const std::vector<std::byte>& b,
                       const core::DeviceType& type, bool with_kept) {
  const auto before = core::StateReader::parse(a);
  const auto after = core::StateReader::parse(b);
  for (size_t i = 0; i < type.state.size(); ++i) {
    if (type.state[i].kept_over_reset && !with_kept) continue;
    const auto x = before->sections()[i].payload, y = after->sections()[i].payload;
    if (!std::equal(x.begin(), x.end(), y.begin(), y.end())) return type.state[i].name;
  }
  return "";
}

void expect_same_after_load(DeviceRig& rig, const std::vector<std::byte>& saved,
                            const char* where) {
  const util::Status loaded = load_state(rig.device(), saved);
  ASSERT_TRUE(loaded) << where << " refuses the state: " << loaded.error().message();
  EXPECT_EQ(difference(saved, save_state(rig.device()), rig.device().type(), true), "") << where;
}

}  // namespace

void check_state_identity(const core::DeviceType& type, const Surroundings& surroundings) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<std::byte> saved;
    int64_t now = 0;
    {
      DeviceRig rig(type, surroundings);
      REQUIRE_RIG(rig);
      std::mt19937_64 random(seed);
      if (seed != 0) rig.poke(random, kPokes);
      saved = save_state(rig.device());
      now = rig.machine().clock.now_ns();
      expect_same_after_load(rig, saved, "the device itself");
    }
    DeviceRig other(type, surroundings);
    REQUIRE_RIG(other);
    other.machine().clock.set_ns(now);
    expect_same_after_load(other, saved, "another device");
  }
}

void check_reset_is_fresh(const core::DeviceType& type, const Surroundings& surroundings) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    DeviceRig rig(type, surroundings);
    REQUIRE_RIG(rig);
    const auto fresh = save_state(rig.device());
    std::mt19937_64 random(seed);
    rig.poke(random, kPokes);
    rig.machine().clock.set_ns(0);
    rig.device().reset();
    EXPECT_EQ(difference(fresh, save_state(rig.device()), type, false), "");
  }
}

void check_damaged_state(const core::DeviceType& type, const Surroundings& surroundings) {
  DeviceRig rig(type, surroundings);
  REQUIRE_RIG(rig);
  std::mt19937_64 random(7);
  rig.poke(random, kPokes);
  const auto saved = save_state(rig.device());
  for (int round = 0; round < 100; ++round) {
    auto damaged = saved;
    for (int i = 0; i < 4; ++i)
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    if (load_state(rig.device(), damaged)) rig.poke(random, 20);
    rig.device().reset();
    rig.poke(random, 5);
  }
}

}  // namespace vireo::conformance
