#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/device/property.h"
#include "core/device/state_fields.h"
#include "core/memory/region.h"

namespace vireo::core {

class Device;
class IrqLine;

enum class Space : uint8_t { memory, ports };

struct InterruptOutput {
  std::string name;
  unsigned count = 1;
  std::function<IrqLine&(Device&, unsigned index)> line;
};

struct InterruptInputs {
  std::string name;
  unsigned count = 1;
  std::function<void(Device&, unsigned line, bool level)> set;
};

/// A named register of a RegionDescription. Missing functions read as all ones and drop writes.
struct Register {
  uint64_t offset = 0;
  unsigned width = 1;
  std::string name;
  std::function<uint64_t(Device&, unsigned width)> read;
  std::function<void(Device&, uint64_t value, unsigned width)> write;
};

/// A region that a device offers: a list of registers, or one pair of functions for all of it.
struct RegionDescription {
  std::string name;
  Space space = Space::memory;
  uint64_t size = 0;
  IoWidths widths;
  std::vector<Register> registers;
  std::function<uint64_t(Device&, uint64_t offset, unsigned width)> read;
  std::function<void(Device&, uint64_t offset, unsigned width, uint64_t value)> write;
};

/// A part of a device's saved state.
struct StateSection {
  std::string name;  ///< Unique within the type.
  uint32_t version = 1;
  bool kept_over_reset = false;
  std::function<void*(Device&)> locate;
  void (*make_fresh)(void* object) = nullptr;
  std::vector<StateField> fields;
  // Custom sections have these instead of the above.
  std::function<void(Device&, FieldWriter&)> save;
  std::function<util::Status(Device&, const FieldReader&, uint32_t version)> load;
};

/// All that can be known of a kind of device without having one.
struct DeviceType {
  std::string name;
  std::string summary;
  std::string bus;  ///< Kind of bus it sits on ("isa", "pci", ...); empty for none.
  bool user_creatable = true;
  std::vector<Property> properties;
  std::vector<InterruptOutput> interrupt_outputs;
  std::vector<InterruptInputs> interrupt_inputs;
  std::vector<RegionDescription> regions;
  std::vector<StateSection> state;
  std::function<std::unique_ptr<Device>()> create;  ///< With type() set.

  const Property* find_property(std::string_view name) const;
};

/// Puts `description` into the region called `region`, making or growing it.
void add_register(DeviceType& type, std::string_view region, Space space, Register description);

}  // namespace vireo::core
