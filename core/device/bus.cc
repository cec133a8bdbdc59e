#include "core/device/bus.h"

#include <utility>

#include "core/device/device.h"

namespace vireo::core {

Bus::Bus(std::string_view kind, std::string name, Device* owner)
    : kind_(kind), name_(std::move(name)), owner_(owner) {
  if (owner_) owner_->child_buses_.push_back(this);
}

Bus::~Bus() {
  if (owner_) std::erase(owner_->child_buses_, this);
  for (Device* child : children_) child->bus_ = nullptr;
}

}  // namespace vireo::core
