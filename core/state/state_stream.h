#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "util/result.h"

namespace vireo::core {

/// Type tags of fields. Everything is little-endian; the format is in docs/design/core.md.
enum class StateType : uint8_t { boolean = 1, u8, u16, u32, u64, i8, i16, i32, i64, structure };

template <class T>
constexpr StateType state_type_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return StateType::boolean;
  } else if constexpr (std::is_enum_v<T>) {
    return state_type_of<std::underlying_type_t<T>>();
  } else {
    static_assert(std::is_integral_v<T>, "state holds booleans, integers and enumerations");
    constexpr int log2 = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return static_cast<StateType>(
        static_cast<int>(std::is_signed_v<T> ? StateType::i8 : StateType::u8) + log2);
  }
}
/// Bytes of one element, 0 for structures.
unsigned state_type_size(StateType type);

/// Writes the fields of one section or nested structure.
class FieldWriter {
 public:
  explicit FieldWriter(std::vector<std::byte>& out) : out_(out) {}

  /// `count` elements of `type` that lie at `data` in host order.
  void raw(std::string_view name, StateType type, size_t count, const void* data);
  template <class T>
  requires(std::is_integral_v<T> || std::is_enum_v<T>) void value(std::string_view name, T value) {
    raw(name, state_type_of<T>(), 1, &value);
  }
  template <class T>
  void values(std::string_view name, std::span<const T> values) {
    raw(name, state_type_of<T>(), values.size(), values.data());
  }
  void bytes(std::string_view name, std::span<const uint8_t> bytes) {
    values<uint8_t>(name, bytes);
  }
  void text(std::string_view name, std::string_view text) {
    raw(name, StateType::u8, text.size(), text.data());
  }
  /// `count` nested structures; `write(FieldWriter&, size_t index)` writes the fields of each.
  template <class Write>
  void structures(std::string_view name, size_t count, Write write) {
    const size_t mark = begin_structures(name, count);
    for (size_t i = 0; i < count; ++i) {
      const size_t element = begin_element();
      write(*this, i);
      end(element);
    }
    end(mark);
  }

 private:
  size_t begin_structures(std::string_view name, size_t count);
  size_t begin_element();
  void end(size_t mark);
  std::vector<std::byte>& out_;
};

/// Reads the fields of one section or structure, in any order. Unknown fields are skipped. The
/// bytes have to outlive it.
class FieldReader {
 public:
  /// Errors: the bytes are no well-formed fields (kCorrupt).
  static util::Result<FieldReader> parse(std::span<const std::byte> payload);

  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The number of elements of a field, 0 if it is missing.
  size_t count(std::string_view name) const;

  /// Reads exactly `count` elements into host order at `data`. The stream may hold another integer
  /// type as long as the values fit. Errors: missing, another count, values that do not fit.
  util::Status raw(std::string_view name, StateType type, size_t count, void* data) const;
  template <class T>
  requires(std::is_integral_v<T> || std::is_enum_v<T>) util::Status
      value(std::string_view name, T& into)
  const { return raw(name, state_type_of<T>(), 1, &into); }
  template <class T>
  util::Status values(std::string_view name, std::span<T> into) const {
    return raw(name, state_type_of<T>(), into.size(), into.data());
  }
  /// Any number of bytes up to `max`; never allocates more than the stream holds.
  util::Status bytes(std::string_view name, std::vector<uint8_t>& into, size_t max) const;
  util::Status text(std::string_view name, std::string& into, size_t max) const;
  /// Calls `Status read(const FieldReader&, size_t index)` for each nested structure.
  template <class Read>
  util::Status structures(std::string_view name, Read read) const {
    auto elements = this->elements(name);
    if (!elements) return std::move(elements).error();
    for (size_t i = 0; i < elements->size(); ++i) VIREO_TRY(read((*elements)[i], i));
    return {};
  }

 private:
  struct Entry {
    std::string_view name;
    StateType type;
    uint32_t count;
    std::span<const std::byte> payload;
  };
  const Entry* find(std::string_view name) const;
  util::Result<std::vector<FieldReader>> elements(std::string_view name) const;
  std::vector<Entry> entries_;
};

/// A stream of sections.
class StateWriter {
 public:
  StateWriter();
  /// A section is known by `name` ("pc/rtc/regs") and `instance`; `write(FieldWriter&)` fills it.
  template <class Write>
  void section(std::string_view name, uint32_t instance, uint32_t version, Write write) {
    const size_t mark = begin_section(name, instance, version);
    FieldWriter fields(out_);
    write(fields);
    end_section(mark);
  }
  std::vector<std::byte> take() && { return std::move(out_); }
  const std::vector<std::byte>& data() const { return out_; }

 private:
  size_t begin_section(std::string_view name, uint32_t instance, uint32_t version);
  void end_section(size_t mark);
  std::vector<std::byte> out_;
};

/// A parsed stream. The bytes have to outlive it.
class StateReader {
 public:
  struct Section {
    std::string_view name;
    uint32_t instance;
    uint32_t version;
    FieldReader fields;
    std::span<const std::byte> payload;  ///< The fields' bytes.
  };
  /// Errors: no state stream, another format version, anything malformed (kCorrupt).
  static util::Result<StateReader> parse(std::span<const std::byte> stream);
  /// Null when there is none.
  const Section* find(std::string_view name, uint32_t instance) const;
  const std::vector<Section>& sections() const { return sections_; }

 private:
  std::vector<Section> sections_;
};

}  // namespace vireo::core
