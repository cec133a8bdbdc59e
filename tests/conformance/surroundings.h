#pragma once

#include <random>

#include "core/device/device.h"
#include "core/memory/address_space.h"
#include "tests/conformance/device_rig.h"

namespace vireo::conformance {

/// Buses, properties, back ends and configuration spaces of all devices there are.
const Surroundings& all_surroundings();

/// Fills `size` bytes of RAM from `base` with words that often look like addresses in it, small
/// numbers or flags: what a malicious driver's rings and tables hold.
void scatter_words(core::AddressSpace& memory, uint64_t base, uint64_t size,
                   std::mt19937_64& random);

/// A random access to the configuration space, if the device is a PCI function; it often leaves
/// the function decoding at addresses where it can be found.
void poke_pci_configuration(core::Device& device, std::mt19937_64& random);

/// A value of one of the shapes that reach many states.
uint64_t random_value(std::mt19937_64& random);

}  // namespace vireo::conformance
