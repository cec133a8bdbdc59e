// Reading and showing property values.
#include "core/device/property.h"

#include <fmt/format.h>

#include <span>

#include "core/device/device.h"
#include "util/byte_order.h"
#include "util/text.h"

namespace vireo::core {

using util::Error;
using util::ErrorCode;
using util::Status;

namespace {

template <class T>
Status parse_unsigned(void* value, std::string_view text) {
  VIREO_TRY_ASSIGN(number, util::parse_number(text, static_cast<T>(~T{0})));
  *static_cast<T*>(value) = static_cast<T>(number);
  return {};
}

template <class T>
Status parse_signed(void* value, std::string_view text) {
  constexpr unsigned kShift = 64 - 8 * sizeof(T);
  VIREO_TRY_ASSIGN(number, util::parse_signed(text, INT64_MIN >> kShift, INT64_MAX >> kShift));
  *static_cast<T*>(value) = static_cast<T>(number);
  return {};
}

template <class T>
std::string print_number(const void* value) {
  return std::to_string(*static_cast<const T*>(value));
}

Status parse_switch(void* value, std::string_view text) {
  VIREO_TRY_ASSIGN(on, util::parse_bool(text));
  *static_cast<bool*>(value) = on;
  return {};
}

Status parse_string(void* value, std::string_view text) {
  *static_cast<std::string*>(value) = text;
  return {};
}

Status parse_byte_size(void* value, std::string_view text) {
  VIREO_TRY_ASSIGN(bytes, util::parse_size(text));
  static_cast<ByteSize*>(value)->bytes = bytes;
  return {};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Pairs of hexadecimal digits into `bytes`, with `separator` wherever `separated(i)` says so before
// byte i.
template <class Separated>
bool parse_hex(std::string_view text, std::span<uint8_t> bytes, std::string_view separators,
               Separated separated) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (separated(i)) {
      if (text.empty() || separators.find(text[0]) == separators.npos) return false;
      text.remove_prefix(1);
    }
    if (text.size() < 2 || hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0) return false;
    bytes[i] = static_cast<uint8_t>(hex_digit(text[0]) << 4 | hex_digit(text[1]));
    text.remove_prefix(2);
  }
  return text.empty();
}

bool dash_before_uuid_byte(size_t i) { return i == 4 || i == 6 || i == 8 || i == 10; }

Status parse_mac(void* value, std::string_view text) {
  MacAddress mac;
  if (!parse_hex(text, mac.bytes, ":-", [](size_t i) { return i != 0; })) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is not a MAC address such as 52:54:00:12:34:56", text));
  }
  *static_cast<MacAddress*>(value) = mac;
  return {};
}

Status parse_uuid(void* value, std::string_view text) {
  Uuid uuid;
  if (!parse_hex(text, uuid.bytes, "-", dash_before_uuid_byte)) {
    return Error(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is not a UUID such as 550e8400-e29b-41d4-a716-446655440000", text));
  }
  *static_cast<Uuid*>(value) = uuid;
  return {};
}

std::string print_mac(const void* value) {
  return fmt::format("{:02x}", fmt::join(static_cast<const MacAddress*>(value)->bytes, ":"));
}

std::string print_uuid(const void* value) {
  std::string text;
  const auto& bytes = static_cast<const Uuid*>(value)->bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    text += fmt::format("{}{:02x}", dash_before_uuid_byte(i) ? "-" : "", bytes[i]);
  }
  return text;
}

Status parse_backend(void* value, std::string_view text) {
  static_cast<BackendRefBase*>(value)->set_name(text);
  return {};
}

// Both sides go through the enumeration's width, so that its signedness does not matter.
bool same_enum(int64_t a, uint64_t b, unsigned size) {
  return ((static_cast<uint64_t>(a) ^ b) << (64 - 8 * size)) == 0;
}

}  // namespace

namespace property_kinds {

const PropertyKind kBool{"bool", parse_switch, [](const void* v) {
                           return std::string(*static_cast<const bool*>(v) ? "on" : "off");
                         }};
const PropertyKind kUint8{"uint8", parse_unsigned<uint8_t>, print_number<uint8_t>};
const PropertyKind kUint16{"uint16", parse_unsigned<uint16_t>, print_number<uint16_t>};
const PropertyKind kUint32{"uint32", parse_unsigned<uint32_t>, print_number<uint32_t>};
const PropertyKind kUint64{"uint64", parse_unsigned<uint64_t>, print_number<uint64_t>};
const PropertyKind kInt8{"int8", parse_signed<int8_t>, print_number<int8_t>};
const PropertyKind kInt16{"int16", parse_signed<int16_t>, print_number<int16_t>};
const PropertyKind kInt32{"int32", parse_signed<int32_t>, print_number<int32_t>};
const PropertyKind kInt64{"int64", parse_signed<int64_t>, print_number<int64_t>};
const PropertyKind kString{"str", parse_string,
                           [](const void* v) { return *static_cast<const std::string*>(v); }};
const PropertyKind kSize{"size", parse_byte_size, [](const void* v) {
                           return std::to_string(static_cast<const ByteSize*>(v)->bytes);
                         }};
const PropertyKind kMac{"mac", parse_mac, print_mac};
const PropertyKind kUuid{"uuid", parse_uuid, print_uuid};
const PropertyKind kBackend{"backend", parse_backend, [](const void* v) {
                              return static_cast<const BackendRefBase*>(v)->name();
                            }};

}  // namespace property_kinds

std::string Property::type_name() const { return kind ? kind->type_name : "enum"; }

Status Property::set(Device& device, std::string_view text) const {
  if (kind) return kind->parse(locate(device), text);
  std::string spellings;
  for (const EnumChoice& choice : choices) {
    if (choice.name == text) {
      util::store_native(locate(device), static_cast<uint64_t>(choice.value), enum_size);
      return {};
    }
    spellings += (spellings.empty() ? "" : ", ") + choice.name;
  }
  return Error(ErrorCode::kInvalidArgument, fmt::format("'{}' is not one of {}", text, spellings));
}

std::string Property::get(Device& device) const {
  if (kind) return kind->print(locate(device));
  const uint64_t value = util::load_native(locate(device), enum_size);
  for (const EnumChoice& choice : choices) {
    if (same_enum(choice.value, value, enum_size)) return choice.name;
  }
  return std::to_string(static_cast<int64_t>(value));
}

}  // namespace vireo::core
