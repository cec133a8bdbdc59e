// Makes any registered device work alone: finds or creates the bus that it needs, and what that
// needs in turn.
#include "tests/conformance/device_rig.h"

#include <fmt/format.h>

#include "core/device/registry.h"
#include "tests/conformance/surroundings.h"
#include "util/bits.h"

namespace vireo::conformance {

using core::Bus;
using core::Device;
using core::DeviceType;
using util::Status;

DeviceRig::DeviceRig(const DeviceType& type, const Surroundings& surroundings)
    : surroundings_(surroundings) {
  if (surroundings_.add_backends) backends_ = surroundings_.add_backends(machine_);
  status_ = add(type);
}

DeviceRig::~DeviceRig() {
  while (!devices_.empty()) {
    if (devices_.back()->realized()) devices_.back()->unrealize();
    devices_.pop_back();
  }
}

Status DeviceRig::add(const DeviceType& type) {
  std::unique_ptr<Device> device = type.create();
  if (const auto preset = surroundings_.properties.find(type.name);
      preset != surroundings_.properties.end()) {
    for (const auto& [name, value] : preset->second) VIREO_TRY(device->set_property(name, value));
  }
  if (!type.bus.empty()) {
    Bus* const bus = find_bus(type.bus);
    if (!bus) {
      return util::Error(util::ErrorCode::kNotFound,
                         fmt::format("nothing provides a bus of kind '{}'", type.bus));
    }
    VIREO_TRY(device->attach(*bus));
  }
  VIREO_TRY(device->realize(machine_.environment()));
  devices_.push_back(std::move(device));
  return {};
}

Bus* DeviceRig::find_bus(const std::string& kind) {
  const auto offered = [&]() -> Bus* {
    for (const auto& device : devices_) {
      for (Bus* bus : device->child_buses()) {
        if (bus->kind() == kind) return bus;
      }
    }
    for (const auto& bus : buses_) {
      if (bus->kind() == kind) return bus.get();
    }
    return nullptr;
  };
  if (Bus* bus = offered()) return bus;
  if (const auto maker = surroundings_.buses.find(kind); maker != surroundings_.buses.end()) {
    buses_.push_back(maker->second());
    return offered();
  }
  // Whatever sits on such a bus itself cannot be the first to offer one.
  wanted_buses_.insert(kind);
  for (const DeviceType* type : core::DeviceRegistry::global().all()) {
    if (wanted_buses_.contains(type->bus)) continue;
    const size_t before = devices_.size();
    if (add(*type)) {
      if (Bus* bus = offered()) {
        wanted_buses_.erase(kind);
        return bus;
      }
    }
    while (devices_.size() > before) {
      devices_.back()->unrealize();
      devices_.pop_back();
    }
  }
  wanted_buses_.erase(kind);
  return nullptr;
}

void poke_region(core::Region& region, std::mt19937_64& random) {
  if (region.size() == 0) return;
  const unsigned width = 1u << random() % 4;
  const uint64_t offset =
      random() % region.size() & ~uint64_t{width - 1};  // may reach beyond the end
  const uint64_t value = random_value(random) & util::low_mask(8 * width);
  if (random() % 2) {
    region.dispatch_write(offset, width, value);
  } else {
    region.dispatch_read(offset, width);
  }
}

void poke_space(core::AddressSpace& space, std::mt19937_64& random) {
  std::vector<core::Region*> regions;
  for (uint64_t at = 0;;) {
    const core::Mapping mapping = space.find(at);
    if (mapping.write_region && !mapping.write_region->block())
      regions.push_back(mapping.write_region);
    if (mapping.last == ~uint64_t{0}) break;
    at = mapping.last + 1;
  }
  if (!regions.empty()) poke_region(*regions[random() % regions.size()], random);
}

void DeviceRig::poke(std::mt19937_64& random, unsigned count) {
  const DeviceType& type = device().type();
  if (!scattered_) scatter_words(machine_.memory, 0, kScattered, random);
  scattered_ = true;
  for (unsigned i = 0; i < count; ++i) {
    const auto& regions = type.regions;
    const auto& inputs = type.interrupt_inputs;
    switch (random() % 9) {
      case 0:
        poke_space(machine_.ports, random);
        break;
      case 1:
        poke_space(machine_.memory, random);
        break;
      case 2:
        machine_.advance_ns(static_cast<int64_t>(random() % 1'000'000));
        break;
      case 3:
        if (!inputs.empty()) {
          const auto& group = inputs[random() % inputs.size()];
          const auto input =
              device().interrupt_input(group.name, static_cast<unsigned>(random() % group.count));
          input.handler->set_irq(input.line, random() % 2 != 0);
        }
        break;
      case 4:
        if (surroundings_.poke_device) surroundings_.poke_device(device(), random);
        break;
      default:
        if (!regions.empty())
          poke_region(device().region(regions[random() % regions.size()].name), random);
    }
    machine_.run_loop();
  }
}

}  // namespace vireo::conformance
