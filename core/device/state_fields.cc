// Saving and loading structs by their lists of fields.
#include "core/device/state_fields.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace vireo::core {

using util::Status;

namespace {

bool is_signed(StateType type) { return type >= StateType::i8 && type <= StateType::i64; }

bool within_bounds(const StateField& field, const std::byte* element) {
  uint64_t bits = 0;
  std::memcpy(&bits, element, field.element_size);
  if (std::endian::native == std::endian::big) bits >>= 64 - 8 * field.element_size;
  if (!is_signed(field.type))
    return bits <= field.max && (field.min < 0 || bits >= static_cast<uint64_t>(field.min));
  const unsigned shift = static_cast<unsigned>(64 - 8 * field.element_size);
  const int64_t value = static_cast<int64_t>(bits << shift) >> shift;
  return value >= field.min && (value < 0 || static_cast<uint64_t>(value) <= field.max);
}

Status load_bytes(const StateField& field, void* at, const FieldReader& reader) {
  return reader.bytes(field.name, *static_cast<std::vector<uint8_t>*>(at),
                      field.has_bounds ? field.max : SIZE_MAX);
}

Status load_structures(const StateField& field, std::byte* at, const FieldReader& reader,
                       uint32_t version) {
  if (reader.count(field.name) != field.count) {
    return util::Error(util::ErrorCode::kCorrupt,
                       fmt::format("state field '{}' has {} elements instead of {}", field.name,
                                   reader.count(field.name), field.count));
  }
  return reader.structures(field.name, [&](const FieldReader& element, size_t index) {
    return load_fields(field.nested, at + index * field.element_size, element, version);
  });
}

Status load_values(const StateField& field, std::byte* at, const FieldReader& reader) {
  const size_t size = field.count * field.element_size;
  std::vector<std::byte> values(size);
  VIREO_TRY(reader.raw(field.name, field.type, field.count, values.data()));
  for (size_t i = 0; field.has_bounds && i < size; i += field.element_size) {
    if (!within_bounds(field, values.data() + i)) {
      return util::Error(util::ErrorCode::kCorrupt,
                         fmt::format("state field '{}' is out of range", field.name));
    }
  }
  std::memcpy(at, values.data(), size);
  return {};
}

}  // namespace

void save_fields(const std::vector<StateField>& fields, const void* object, FieldWriter& writer) {
  for (const StateField& field : fields) {
    const std::byte* const at = static_cast<const std::byte*>(object) + field.offset;
    if (field.is_byte_vector) {
      writer.bytes(field.name, *reinterpret_cast<const std::vector<uint8_t>*>(at));
    } else if (field.type == StateType::structure) {
      writer.structures(field.name, field.count, [&](FieldWriter& element, size_t index) {
        save_fields(field.nested, at + index * field.element_size, element);
      });
    } else {
      writer.raw(field.name, field.type, field.count, at);
    }
  }
}

Status load_fields(const std::vector<StateField>& fields, void* object, const FieldReader& reader,
                   uint32_t version) {
  for (const StateField& field : fields) {
    if (field.since > version) continue;
    std::byte* const at = static_cast<std::byte*>(object) + field.offset;
    if (field.is_byte_vector) {
      VIREO_TRY(load_bytes(field, at, reader));
    } else if (field.type == StateType::structure) {
      VIREO_TRY(load_structures(field, at, reader, version));
    } else {
      VIREO_TRY(load_values(field, at, reader));
    }
  }
  return {};
}

}  // namespace vireo::core
