#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace vireo::core {

class Device;

/// Where devices of one kind sit. Does not own them. Concrete buses (PCI, ISA, IDE, SCSI, ...)
/// derive.
class Bus {
 public:
  /// `owner` (null for the machine) lists the bus among its child buses. `name` is what `bus=`
  /// takes ("pci.0").
  Bus(std::string_view kind, std::string name, Device* owner = nullptr);
  virtual ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  const std::string& kind() const { return kind_; }
  const std::string& name() const { return name_; }
  Device* owner() const { return owner_; }
  const std::vector<Device*>& children() const { return children_; }

  /// Whether there is a slot that suits `device` (whose properties are set).
  virtual bool has_room_for(const Device& device) const { return true; }
  /// The device's address on this bus for messages and paths ("02.0"), or "".
  virtual std::string address_of(const Device& device) const { return ""; }

 protected:
  friend class Device;
  /// Gives `device` the slot that its properties ask for, or a free one. Errors: taken, none free,
  /// no such slot.
  virtual util::Status claim_slot(Device& device) { return {}; }
  virtual void release_slot(Device& device) {}

 private:
  std::string kind_;
  std::string name_;
  Device* owner_;
  std::vector<Device*> children_;
};

}  // namespace vireo::core
