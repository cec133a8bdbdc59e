#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/device/environment.h"
#include "core/device/irq_line.h"
#include "util/result.h"

namespace vireo::core {

class Bus;
class DescribedRegion;
class Region;
class StateReader;
class StateWriter;
struct DeviceType;
struct Property;

/// A value for a property of all devices of a type.
struct PropertyDefault {
  std::string type;
  std::string property;
  std::string value;
};

/// A device model. Life: create, set properties, attach to a bus, realize, reset; then guest
/// accesses, save and load; then unrealize and destruction. Everything runs under the machine lock.
///
/// All guest-visible state is in plain structs that describe() names with d.state(); reset() sets
/// each back to its initialisers, calls on_reset() for what depends on properties, and then
/// sync_outputs(). load() fills the structs, calls after_load(), and then sync_outputs(). So
/// sync_outputs() is the one place that turns state into effects: interrupt levels, timers,
/// mappings.
class Device {
 public:
  Device();
  virtual ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const DeviceType& type() const { return *type_; }
  /// What the user called it; may be empty.
  const std::string& id() const { return id_; }
  void set_id(std::string_view id) { id_ = id; }
  /// The id, or the type's name: for messages.
  const std::string& label() const;

  /// Before realize only. Errors: no such property (with the nearest), no such value.
  util::Status set_property(std::string_view name, std::string_view value);
  /// The same for a value that yields to one that was set; for `-global`.
  util::Status set_default_property(std::string_view name, std::string_view value);
  util::Result<std::string> property(std::string_view name) const;

  Bus* bus() const { return bus_; }
  /// Before realize. Errors: a bus of another kind, no slot.
  util::Status attach(Bus& bus);

  /// Resolves back ends, creates the described regions, calls on_realize() and then reset(). Errors
  /// leave it unrealized.
  util::Status realize(const Environment& environment);
  bool realized() const { return environment_ != nullptr; }
  /// Takes regions off the address spaces and leaves the bus; to be called before destruction if
  /// realized.
  void unrealize();

  void reset();
  /// Writes all sections as "<type name>/<section name>", `instance` telling apart devices of one
  /// type.
  void save(StateWriter& writer, uint32_t instance) const;
  /// Errors: a section is missing, too new or nonsense; the device should then be reset.
  util::Status load(const StateReader& reader, uint32_t instance);

  /// By the names in describe(), which have to exist.
  IrqLine& interrupt_output(std::string_view name, unsigned index = 0);
  IrqInput interrupt_input(std::string_view name, unsigned index = 0);
  /// A described region ("" is the one of d.port); exists while realized.
  Region& region(std::string_view name = "");

  const std::vector<Bus*>& child_buses() const { return child_buses_; }

 protected:
  /// Checks properties, creates what depends on them, attaches timers, maps regions. Errors are the
  /// user's.
  virtual util::Status on_realize() { return {}; }
  virtual void on_unrealize() {}
  /// After the state structs went back to their initialisers: reset values that depend on
  /// properties.
  virtual void on_reset() {}
  /// After the fields were filled: refuse what field bounds cannot express, recompute derived
  /// members.
  virtual util::Status after_load() { return {}; }
  virtual void sync_outputs() {}

  const Environment& environment() const { return *environment_; }
  /// Maps a described region, or moves it if it is mapped; unmap with unmap_region. Port regions go
  /// to the port space.
  void map_region(std::string_view name, uint64_t base, int priority = 0);
  void unmap_region(std::string_view name);
  /// The region of d.port at `base`.
  void map_ports(uint16_t base) { map_region("", base); }

 private:
  friend class Bus;
  template <class T>
  friend class Description;
  struct InputGroup;
  DescribedRegion& described(std::string_view name);
  util::Status resolve_backends(const Environment& environment);
  void leave_bus();

  const DeviceType* type_ = nullptr;
  const Environment* environment_ = nullptr;
  Bus* bus_ = nullptr;
  std::string id_;
  std::vector<const Property*> set_properties_;
  std::vector<Bus*> child_buses_;
  std::vector<std::unique_ptr<DescribedRegion>> regions_;
  std::vector<std::unique_ptr<InputGroup>> inputs_;
};

}  // namespace vireo::core
