// State streams: a magic number, then sections {name, instance, version, length, fields}; fields
// {name, type, count, length, elements}. Everything little-endian, lengths checked before anything
// is believed.
#include "core/state/state_stream.h"

#include <fmt/format.h>

#include <cassert>
#include <cstring>

#include "util/byte_order.h"

namespace vireo::core {

using util::Error;
using util::ErrorCode;
using util::Result;
using util::Status;

namespace {

constexpr std::string_view kMagic = "VIREOST1";

Error corrupt(std::string message) { return {ErrorCode::kCorrupt, std::move(message)}; }

template <class T>
void append(std::vector<std::byte>& out, std::type_identity_t<T> value) {
  const size_t at = out.size();
  out.resize(at + sizeof(T));
  util::store_little<T>(out.data() + at, value);
}

void append_text(std::vector<std::byte>& out, std::string_view text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  out.insert(out.end(), bytes, bytes + text.size());
}

void append_name(std::vector<std::byte>& out, std::string_view name) {
  assert(!name.empty() && name.size() <= UINT16_MAX);
  append<uint16_t>(out, static_cast<uint16_t>(name.size()));
  append_text(out, name);
}

void patch_length(std::vector<std::byte>& out, size_t mark) {
  const size_t length = out.size() - mark - sizeof(uint32_t);
  assert(length <= UINT32_MAX);
  util::store_little<uint32_t>(out.data() + mark, static_cast<uint32_t>(length));
}

size_t start_length(std::vector<std::byte>& out) {
  append<uint32_t>(out, 0);
  return out.size() - sizeof(uint32_t);
}

// Takes things off the front of hostile bytes; after the first shortage nothing more comes.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <class T>
  T number() {
    const auto bytes = take(sizeof(T));
    return bytes.empty() ? T{0} : util::load_little<T>(bytes.data());
  }
  std::string_view text(size_t length) {
    const auto bytes = take(length);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::span<const std::byte> take(size_t length) {
    if (length > rest_.size()) {
      truncated_ = true;
      rest_ = {};
      return {};
    }
    const auto front = rest_.first(length);
    rest_ = rest_.subspan(length);
    return front;
  }
  bool at_end() const { return rest_.empty(); }
  bool truncated() const { return truncated_; }

 private:
  std::span<const std::byte> rest_;
  bool truncated_ = false;
};

bool is_signed(StateType type) { return type >= StateType::i8 && type <= StateType::i64; }

// An integer of any type: its 64 bits, sign-extended if signed.
uint64_t decode(StateType type, const std::byte* from) {
  const unsigned size = state_type_size(type);
  const uint64_t value = util::load_little(from, size);
  if (!is_signed(type)) return value;
  const unsigned shift = 64 - 8 * size;
  return static_cast<uint64_t>(static_cast<int64_t>(value << shift) >> shift);
}

bool fits(uint64_t value, StateType from, StateType to) {
  if (to == StateType::boolean) return value <= 1;
  const bool negative = is_signed(from) && static_cast<int64_t>(value) < 0;
  const unsigned bits = 8 * state_type_size(to);
  if (!is_signed(to)) return !negative && (bits == 64 || value >> bits == 0);
  if (negative) return static_cast<int64_t>(value) >= INT64_MIN >> (64 - bits);
  return value <= static_cast<uint64_t>(INT64_MAX) >> (64 - bits);
}

}  // namespace

unsigned state_type_size(StateType type) {
  switch (type) {
    case StateType::boolean:
    case StateType::u8:
    case StateType::i8:
      return 1;
    case StateType::u16:
    case StateType::i16:
      return 2;
    case StateType::u32:
    case StateType::i32:
      return 4;
    case StateType::u64:
    case StateType::i64:
      return 8;
    case StateType::structure:
      break;
  }
  return 0;
}

void FieldWriter::raw(std::string_view name, StateType type, size_t count, const void* data) {
  assert(type != StateType::structure && count <= UINT32_MAX);
  append_name(out_, name);
  append<uint8_t>(out_, static_cast<uint8_t>(type));
  append<uint32_t>(out_, static_cast<uint32_t>(count));
  const size_t mark = start_length(out_);
  const unsigned size = state_type_size(type);
  const size_t start = out_.size();
  out_.resize(start + count * size);
  const auto* from = static_cast<const std::byte*>(data);
  for (size_t i = 0; i < count; ++i) {
    util::store_little(out_.data() + start + i * size, util::load_native(from + i * size, size),
                       size);
  }
  patch_length(out_, mark);
}

size_t FieldWriter::begin_structures(std::string_view name, size_t count) {
  append_name(out_, name);
  append<uint8_t>(out_, static_cast<uint8_t>(StateType::structure));
  append<uint32_t>(out_, static_cast<uint32_t>(count));
  return start_length(out_);
}

size_t FieldWriter::begin_element() { return start_length(out_); }
void FieldWriter::end(size_t mark) { patch_length(out_, mark); }

Result<FieldReader> FieldReader::parse(std::span<const std::byte> payload) {
  FieldReader reader;
  Cursor cursor(payload);
  while (!cursor.at_end()) {
    Entry entry;
    entry.name = cursor.text(cursor.number<uint16_t>());
    const uint8_t type = cursor.number<uint8_t>();
    entry.count = cursor.number<uint32_t>();
    entry.payload = cursor.take(cursor.number<uint32_t>());
    if (cursor.truncated()) return corrupt("the state ends in the middle of a field");
    if (type < static_cast<uint8_t>(StateType::boolean) ||
        type > static_cast<uint8_t>(StateType::structure)) {
      return corrupt(fmt::format("state field '{}' has the unknown type {}", entry.name, type));
    }
    entry.type = static_cast<StateType>(type);
    const uint64_t size = state_type_size(entry.type);
    if (size != 0 && entry.payload.size() != size * entry.count) {
      return corrupt(fmt::format("state field '{}' has the wrong length", entry.name));
    }
    reader.entries_.push_back(entry);
  }
  return reader;
}

const FieldReader::Entry* FieldReader::find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

size_t FieldReader::count(std::string_view name) const {
  const Entry* entry = find(name);
  return entry ? entry->count : 0;
}

Status FieldReader::raw(std::string_view name, StateType type, size_t count, void* data) const {
  const Entry* entry = find(name);
  if (!entry) return corrupt(fmt::format("state field '{}' is missing", name));
  if (entry->type == StateType::structure)
    return corrupt(fmt::format("state field '{}' is a structure", name));
  if (entry->count != count) {
    return corrupt(
        fmt::format("state field '{}' has {} elements instead of {}", name, entry->count, count));
  }
  const unsigned from_size = state_type_size(entry->type);
  const unsigned to_size = state_type_size(type);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t value = decode(entry->type, entry->payload.data() + i * from_size);
    if (!fits(value, entry->type, type))
      return corrupt(fmt::format("state field '{}' is out of range", name));
    util::store_native(static_cast<std::byte*>(data) + i * to_size, value, to_size);
  }
  return {};
}

Status FieldReader::bytes(std::string_view name, std::vector<uint8_t>& into, size_t max) const {
  const Entry* entry = find(name);
  if (!entry) return corrupt(fmt::format("state field '{}' is missing", name));
  if (entry->type != StateType::u8)
    return corrupt(fmt::format("state field '{}' is no byte string", name));
  if (entry->count > max) {
    return corrupt(
        fmt::format("state field '{}' has {} bytes; at most {}", name, entry->count, max));
  }
  const auto* first = reinterpret_cast<const uint8_t*>(entry->payload.data());
  into.assign(first, first + entry->count);
  return {};
}

Status FieldReader::text(std::string_view name, std::string& into, size_t max) const {
  std::vector<uint8_t> content;
  VIREO_TRY(bytes(name, content, max));
  into.assign(content.begin(), content.end());
  return {};
}

Result<std::vector<FieldReader>> FieldReader::elements(std::string_view name) const {
  const Entry* entry = find(name);
  if (!entry) return corrupt(fmt::format("state field '{}' is missing", name));
  if (entry->type != StateType::structure)
    return corrupt(fmt::format("state field '{}' is no structure", name));
  std::vector<FieldReader> elements;
  Cursor cursor(entry->payload);
  while (!cursor.at_end()) {
    const auto payload = cursor.take(cursor.number<uint32_t>());
    if (cursor.truncated()) break;
    VIREO_TRY_ASSIGN(element, parse(payload));
    elements.push_back(std::move(element));
  }
  if (cursor.truncated() || elements.size() != entry->count) {
    return corrupt(fmt::format("state field '{}' does not have the {} structures that it promises",
                               name, entry->count));
  }
  return elements;
}

StateWriter::StateWriter() { append_text(out_, kMagic); }

size_t StateWriter::begin_section(std::string_view name, uint32_t instance, uint32_t version) {
  append_name(out_, name);
  append<uint32_t>(out_, instance);
  append<uint32_t>(out_, version);
  return start_length(out_);
}

void StateWriter::end_section(size_t mark) { patch_length(out_, mark); }

Result<StateReader> StateReader::parse(std::span<const std::byte> stream) {
  StateReader reader;
  Cursor cursor(stream);
  if (cursor.text(kMagic.size()) != kMagic)
    return corrupt("this is no state stream of a known version");
  while (!cursor.at_end()) {
    Section section;
    section.name = cursor.text(cursor.number<uint16_t>());
    section.instance = cursor.number<uint32_t>();
    section.version = cursor.number<uint32_t>();
    section.payload = cursor.take(cursor.number<uint32_t>());
    if (cursor.truncated()) return corrupt("the state ends in the middle of a section");
    auto fields = FieldReader::parse(section.payload);
    if (!fields)
      return std::move(fields).error().with_context(fmt::format("section '{}'", section.name));
    section.fields = std::move(*fields);
    reader.sections_.push_back(std::move(section));
  }
  return reader;
}

const StateReader::Section* StateReader::find(std::string_view name, uint32_t instance) const {
  for (const Section& section : sections_) {
    if (section.name == name && section.instance == instance) return &section;
  }
  return nullptr;
}

}  // namespace vireo::core
