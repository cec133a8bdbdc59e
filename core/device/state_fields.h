#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/state/state_stream.h"

/// Declares which members of a plain struct are saved: `field(name, &Regs::member)` for booleans,
/// integers, enumerations, (std::)arrays of these, and std::vector<uint8_t>; `field(name,
/// &Regs::member, field(...), ...)` for nested structs and (std::)arrays of structs;
/// `derived(&Regs::member)` for what is recomputed after a load.
///
/// The list is checked at compile time to name as many members as the struct has. A C array counts
/// as one member but costs compile time for each element: use std::array beyond a few. The struct
/// must be an aggregate without base classes or bit-fields, and be copyable.
namespace vireo::core {

/// One saved member, type-erased.
struct StateField {
  std::string name;
  StateType type = StateType::u8;
  bool is_byte_vector = false;
  uint32_t since = 0;       ///< First version of the section that has the field; 0 means all.
  size_t offset = 0;        ///< In its struct.
  size_t count = 1;         ///< Elements, over all array dimensions.
  size_t element_size = 1;  ///< Bytes from one element to the next.
  bool has_bounds = false;  ///< Values outside [min, max] are refused on load.
  int64_t min = 0;
  uint64_t max = 0;  ///< Also the greatest length of a byte vector.
  std::vector<StateField> nested;
};

/// Writes and reads the struct at `object`. Loading leaves members alone whose `since` is above
/// `version`.
void save_fields(const std::vector<StateField>& fields, const void* object, FieldWriter& writer);
util::Status load_fields(const std::vector<StateField>& fields, void* object,
                         const FieldReader& reader, uint32_t version);

namespace state_detail {

template <class T>
struct ElementOf {
  using Type = T;
  static constexpr size_t kCount = 1;
  static constexpr size_t kInitialisers = 1;
};
template <class T, size_t N>
struct ElementOf<std::array<T, N>> {
  using Type = typename ElementOf<T>::Type;
  static constexpr size_t kCount = N * ElementOf<T>::kCount;
  static constexpr size_t kInitialisers = 1;
};
// Brace elision spreads a C array over as many initialisers as it has elements.
template <class T, size_t N>
struct ElementOf<T[N]> {
  using Type = typename ElementOf<T>::Type;
  static constexpr size_t kCount = N * ElementOf<T>::kCount;
  static constexpr size_t kInitialisers = N * ElementOf<T>::kInitialisers;
};

struct AnyMember {
  explicit constexpr AnyMember(size_t) {}
  template <class T>
  operator T() const noexcept;
};
template <class S, size_t... I>
constexpr bool takes_initialisers(std::index_sequence<I...>) {
  return requires { S{AnyMember(I)...}; };
}
template <class S, size_t kNamed>
constexpr void check_all_members_named() {
  static_assert(std::is_aggregate_v<S>, "saved state has to be a plain struct");
  static_assert(takes_initialisers<S>(std::make_index_sequence<kNamed>()),
                "a member of the state struct is named twice");
  static_assert(!takes_initialisers<S>(std::make_index_sequence<kNamed + 1>()),
                "a member of the state struct is neither a field() nor derived()");
}

template <class S>
const S& fresh() {
  static const S value{};
  return value;
}
template <class S, class M>
size_t offset_of(M S::*member) {
  const S& sample = fresh<S>();
  return static_cast<size_t>(reinterpret_cast<const char*>(&(sample.*member)) -
                             reinterpret_cast<const char*>(&sample));
}

}  // namespace state_detail

/// What field() returns: refine it with since(), min() and max().
template <class S, class M>
class Field {
 public:
  using Struct = S;
  static constexpr size_t kInitialisers = state_detail::ElementOf<M>::kInitialisers;

  explicit Field(StateField description) : description_(std::move(description)) {}
  /// The field exists from this section version on; older streams leave the reset value.
  Field since(uint32_t version) && {
    description_.since = version;
    return std::move(*this);
  }
  /// Bounds for each element, or (max only) the length of a byte vector: streams with other values
  /// are refused.
  Field max(uint64_t value) && {
    if (!description_.has_bounds) description_.min = INT64_MIN;
    description_.has_bounds = true;
    description_.max = value;
    return std::move(*this);
  }
  Field min(int64_t value) && {
    if (!description_.has_bounds) description_.max = UINT64_MAX;
    description_.has_bounds = true;
    description_.min = value;
    return std::move(*this);
  }
  void append_to(std::vector<StateField>& fields) && { fields.push_back(std::move(description_)); }

 private:
  StateField description_;
};

template <class S, class M>
struct Derived {
  using Struct = S;
  static constexpr size_t kInitialisers = state_detail::ElementOf<M>::kInitialisers;
  void append_to(std::vector<StateField>&) && {}
};

/// A member that is not saved because load can recompute it.
template <class S, class M>
Derived<S, M> derived(M S::*) {
  return {};
}

/// A saved member that is no struct.
template <class S, class M>
Field<S, M> field(std::string_view name, M S::*member) {
  StateField description;
  description.name = name;
  description.offset = state_detail::offset_of(member);
  if constexpr (std::is_same_v<M, std::vector<uint8_t>>) {
    description.is_byte_vector = true;
  } else {
    using Element = typename state_detail::ElementOf<M>::Type;
    description.type = state_type_of<Element>();
    description.count = state_detail::ElementOf<M>::kCount;
    description.element_size = sizeof(Element);
  }
  return Field<S, M>(std::move(description));
}

/// A saved member that is a struct, or an array of structs, with the list of the struct's own
/// members.
template <class S, class M, class First, class... Rest>
requires std::is_class_v<typename First::Struct> Field<S, M> field(std::string_view name,
                                                                   M S::*member, First first,
                                                                   Rest... rest) {
  using Element = typename state_detail::ElementOf<M>::Type;
  static_assert(std::is_same_v<Element, typename First::Struct>, "the list names another struct");
  state_detail::check_all_members_named<Element,
                                        (First::kInitialisers + ... + Rest::kInitialisers)>();
  StateField description;
  description.name = name;
  description.type = StateType::structure;
  description.offset = state_detail::offset_of(member);
  description.count = state_detail::ElementOf<M>::kCount;
  description.element_size = sizeof(Element);
  std::move(first).append_to(description.nested);
  (std::move(rest).append_to(description.nested), ...);
  return Field<S, M>(std::move(description));
}

/// The type-erased list for all members of S; fails to compile if one is missing.
template <class S, class... Fields>
std::vector<StateField> state_fields(Fields... fields) {
  static_assert((std::is_same_v<S, typename Fields::Struct> && ...), "a field of another struct");
  state_detail::check_all_members_named<S, (size_t{0} + ... + Fields::kInitialisers)>();
  std::vector<StateField> list;
  (std::move(fields).append_to(list), ...);
  return list;
}

}  // namespace vireo::core
