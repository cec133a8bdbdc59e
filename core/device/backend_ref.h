#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "util/result.h"

namespace vireo::core {

/// Finds back ends (drives, netdevs, chardevs, ...) by name for devices; implemented above core.
class BackendResolver {
 public:
  virtual ~BackendResolver() = default;
  /// The object of `kind` called `name`, as a pointer to exactly the class that the kind's
  /// BackendRefs name. Errors: no such back end, or it is taken by another device.
  virtual util::Result<void*> resolve(std::string_view kind, std::string_view name) = 0;
};

/// The part of a BackendRef that does not depend on the back end's class.
class BackendRefBase {
 public:
  explicit BackendRefBase(std::string kind) : kind_(std::move(kind)) {}
  /// "drive", "netdev", "chardev", ...
  const std::string& kind() const { return kind_; }
  const std::string& name() const { return name_; }
  void set_name(std::string_view name) { name_ = name; }
  bool named() const { return !name_.empty(); }

 protected:
  friend class Device;
  std::string kind_;
  std::string name_;
  void* object_ = nullptr;
};

/// A property that names a back end of class X: `BackendRef<net::Backend> netdev_{"netdev"};`.
/// Resolved by realize() before on_realize(); stays null when the user named none. The back end
/// outlives the device.
template <class X>
class BackendRef : public BackendRefBase {
 public:
  using BackendRefBase::BackendRefBase;
  X* get() const { return static_cast<X*>(object_); }
  X* operator->() const { return get(); }
  X& operator*() const { return *get(); }
  explicit operator bool() const { return object_ != nullptr; }
  /// Sets the object directly, for machine code and tests that have it at hand.
  void bind(X& object) { object_ = &object; }
};

}  // namespace vireo::core
