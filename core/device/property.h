#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/device/backend_ref.h"
#include "util/result.h"

namespace vireo::core {

class Device;

/// Property types beyond bool, integers and std::string.
struct ByteSize {
  uint64_t bytes = 0;
};
struct MacAddress {
  std::array<uint8_t, 6> bytes{};
  bool operator==(const MacAddress&) const = default;
};
struct Uuid {
  std::array<uint8_t, 16> bytes{};  ///< In the order of the text.
  bool operator==(const Uuid&) const = default;
};

/// How values of one C++ type are read from and shown to people.
struct PropertyKind {
  const char* type_name;  ///< "bool", "uint16", "size", "str", "mac", "uuid", "drive", ... for help
                          ///< and introspection.
  util::Status (*parse)(void* value, std::string_view text);
  std::string (*print)(const void* value);
};

namespace property_kinds {
extern const PropertyKind kBool, kUint8, kUint16, kUint32, kUint64, kInt8, kInt16, kInt32, kInt64,
    kString, kSize, kMac, kUuid, kBackend;
}

template <class M>
const PropertyKind& property_kind() {
  using namespace property_kinds;
  if constexpr (std::is_same_v<M, bool>)
    return kBool;
  else if constexpr (std::is_same_v<M, std::string>)
    return kString;
  else if constexpr (std::is_same_v<M, ByteSize>)
    return kSize;
  else if constexpr (std::is_same_v<M, MacAddress>)
    return kMac;
  else if constexpr (std::is_same_v<M, Uuid>)
    return kUuid;
  else if constexpr (std::is_base_of_v<BackendRefBase, M>)
    return kBackend;
  else {
    static_assert(std::is_integral_v<M>, "no property kind for this type");
    constexpr bool is_signed = std::is_signed_v<M>;
    if constexpr (sizeof(M) == 1)
      return is_signed ? kInt8 : kUint8;
    else if constexpr (sizeof(M) == 2)
      return is_signed ? kInt16 : kUint16;
    else if constexpr (sizeof(M) == 4)
      return is_signed ? kInt32 : kUint32;
    else
      return is_signed ? kInt64 : kUint64;
  }
}

/// A value of an enumeration property and its spelling.
struct EnumChoice {
  std::string name;
  int64_t value;
};

/// A property of a device type.
struct Property {
  std::string name;
  std::string help;
  const PropertyKind* kind = nullptr;  ///< Null for enumerations.
  std::vector<EnumChoice> choices;     ///< Enumerations only.
  unsigned enum_size = 0;
  std::function<void*(Device&)> locate;

  std::string type_name() const;
  /// Errors: `text` is no value of this type (the message says what is).
  util::Status set(Device& device, std::string_view text) const;
  std::string get(Device& device) const;
};

}  // namespace vireo::core
