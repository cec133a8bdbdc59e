#pragma once

#include "tests/conformance/device_rig.h"

namespace vireo::conformance {

/// The checks that every device type has to pass; failures are reported to GoogleTest.
///
/// Saving, loading and saving again gives the same bytes, on the device and on a new one, when
/// fresh and after random accesses.
void check_state_identity(const core::DeviceType& type, const Surroundings& surroundings);
/// After random accesses, a reset gives the state of a fresh device, but for sections kept over
/// resets.
void check_reset_is_fresh(const core::DeviceType& type, const Surroundings& surroundings);
/// Damaged streams are refused or loaded, and the device goes on after a reset.
void check_damaged_state(const core::DeviceType& type, const Surroundings& surroundings);

}  // namespace vireo::conformance
