// The life of a device: properties, bus, regions, reset and state, all from its type's description.
#include "core/device/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>

#include "core/device/bus.h"
#include "core/device/described_region.h"
#include "core/device/device_type.h"
#include "core/memory/address_space.h"
#include "core/state/state_stream.h"
#include "util/log.h"
#include "util/text.h"

namespace vireo::core {

using util::Error;
using util::ErrorCode;
using util::Result;
using util::Status;

// The inputs of one InterruptInputs row, as others connect to them.
struct Device::InputGroup final : IrqHandler {
  InputGroup(Device& owner, const InterruptInputs& inputs) : device(owner), description(inputs) {}
  void set_irq(unsigned line, bool level) override { description.set(device, line, level); }
  Device& device;
  const InterruptInputs& description;
};

namespace {

std::string section_name(const DeviceType& type, const StateSection& section) {
  return type.name + "/" + section.name;
}

Status load_section(Device& device, const StateSection& section, const StateReader& reader,
                    uint32_t instance) {
  const std::string name = section_name(device.type(), section);
  const StateReader::Section* stored = reader.find(name, instance);
  if (!stored)
    return Error(ErrorCode::kCorrupt, fmt::format("the state has no section '{}'", name));
  if (stored->version == 0 || stored->version > section.version) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("section '{}' has version {}; this program knows up to {}", name,
                             stored->version, section.version));
  }
  Status status;
  if (section.load) {
    status = section.load(device, stored->fields, stored->version);
  } else {
    void* const object = section.locate(device);
    section.make_fresh(object);
    status = load_fields(section.fields, object, stored->fields, stored->version);
  }
  if (!status) return std::move(status).error().with_context(fmt::format("section '{}'", name));
  return {};
}

// Names in wiring code are the program's own: a wrong one is a bug.
[[noreturn]] void no_such(const Device& device, const char* what, std::string_view name) {
  util::warn(fmt::format("bug: device type '{}' has no {} '{}'", device.type().name, what, name));
  std::abort();
}

}  // namespace

Device::Device() = default;
Device::~Device() { leave_bus(); }

const std::string& Device::label() const { return id_.empty() ? type_->name : id_; }

Status Device::set_property(std::string_view name, std::string_view value) {
  assert(!realized());
  const Property* property = type_->find_property(name);
  if (!property) {
    std::vector<std::string_view> names;
    for (const Property& known : type_->properties) names.push_back(known.name);
    return Error(ErrorCode::kNotFound,
                 fmt::format("device '{}' has no property '{}'{}", type_->name, name,
                             util::did_you_mean(name, names)));
  }
  Status status = property->set(*this, value);
  if (!status) {
    return std::move(status).error().with_context(
        fmt::format("property '{}' of '{}'", name, type_->name));
  }
  set_properties_.push_back(property);
  return {};
}

Status Device::set_default_property(std::string_view name, std::string_view value) {
  if (std::ranges::count(set_properties_, type_->find_property(name)) != 0) return {};
  return set_property(name, value);
}

Result<std::string> Device::property(std::string_view name) const {
  const Property* property = type_->find_property(name);
  if (property) return property->get(const_cast<Device&>(*this));
  return Error(ErrorCode::kNotFound,
               fmt::format("device '{}' has no property '{}'", type_->name, name));
}

Status Device::attach(Bus& bus) {
  assert(!realized() && !bus_);
  if (bus.kind() != type_->bus) {
    const std::string wants =
        type_->bus.empty() ? "sits on no bus" : "needs a bus of kind '" + type_->bus + "'";
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("device '{}' {}, but '{}' is of kind '{}'", label(), wants, bus.name(),
                             bus.kind()));
  }
  VIREO_TRY(bus.claim_slot(*this));
  bus_ = &bus;
  bus.children_.push_back(this);
  return {};
}

void Device::leave_bus() {
  if (!bus_) return;
  bus_->release_slot(*this);
  std::erase(bus_->children_, this);
  bus_ = nullptr;
}

Status Device::resolve_backends(const Environment& environment) {
  for (const Property& property : type_->properties) {
    if (property.kind != &property_kinds::kBackend) continue;
    auto& reference = *static_cast<BackendRefBase*>(property.locate(*this));
    if (!reference.named()) continue;
    auto object = environment.backends.resolve(reference.kind(), reference.name());
    if (!object) {
      return std::move(object).error().with_context(
          fmt::format("property '{}' of '{}'", property.name, label()));
    }
    reference.object_ = *object;
  }
  return {};
}

Status Device::realize(const Environment& environment) {
  assert(!realized());
  VIREO_TRY(resolve_backends(environment));
  environment_ = &environment;
  for (const RegionDescription& description : type_->regions) {
    regions_.push_back(std::make_unique<DescribedRegion>(*this, description));
  }
  Status status = on_realize();
  if (!status) {
    regions_.clear();
    environment_ = nullptr;
    return status;
  }
  reset();
  return {};
}

void Device::unrealize() {
  assert(realized());
  on_unrealize();
  regions_.clear();
  environment_ = nullptr;
  leave_bus();
}

void Device::reset() {
  for (const StateSection& section : type_->state) {
    if (section.make_fresh && !section.kept_over_reset) section.make_fresh(section.locate(*this));
  }
  on_reset();
  sync_outputs();
}

void Device::save(StateWriter& writer, uint32_t instance) const {
  Device& self = const_cast<Device&>(*this);  // locators serve loading too
  for (const StateSection& section : type_->state) {
    writer.section(section_name(*type_, section), instance, section.version,
                   [&](FieldWriter& fields) {
                     if (section.save) {
                       section.save(self, fields);
                     } else {
                       save_fields(section.fields, section.locate(self), fields);
                     }
                   });
  }
}

Status Device::load(const StateReader& reader, uint32_t instance) {
  for (const StateSection& section : type_->state)
    VIREO_TRY(load_section(*this, section, reader, instance));
  Status status = after_load();
  if (!status) return std::move(status).error().with_context(label());
  sync_outputs();
  return {};
}

IrqLine& Device::interrupt_output(std::string_view name, unsigned index) {
  for (const InterruptOutput& output : type_->interrupt_outputs) {
    if (output.name == name && index < output.count) return output.line(*this, index);
  }
  no_such(*this, "interrupt output", name);
}

IrqInput Device::interrupt_input(std::string_view name, unsigned index) {
  for (const InterruptInputs& inputs : type_->interrupt_inputs) {
    if (inputs.name != name || index >= inputs.count) continue;
    for (const auto& group : inputs_) {
      if (&group->description == &inputs) return {group.get(), index};
    }
    inputs_.push_back(std::make_unique<InputGroup>(*this, inputs));
    return {inputs_.back().get(), index};
  }
  no_such(*this, "interrupt input", name);
}

DescribedRegion& Device::described(std::string_view name) {
  for (const auto& region : regions_) {
    if (region->description().name == name) return *region;
  }
  no_such(*this, "region", name);
}

Region& Device::region(std::string_view name) { return described(name).region(); }

void Device::map_region(std::string_view name, uint64_t base, int priority) {
  DescribedRegion& wanted = described(name);
  const bool is_port = wanted.description().space == Space::ports;
  Region& root = (is_port ? environment_->ports : environment_->memory).root();
  Region& region = wanted.region();
  if (region.parent() == &root) return region.set_offset(base);
  root.add_subregion(region, base, priority);
}

void Device::unmap_region(std::string_view name) {
  Region& mapped = region(name);
  if (mapped.parent()) mapped.parent()->remove_subregion(mapped);
}

}  // namespace vireo::core
