// The string comparisons of SSE4.2 (SDM volume 2, section 4.1).

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "tcg/ir/evaluate_vector.h"

namespace vireo::tcg {
namespace {

/// The immediate.
struct Control {
  explicit Control(uint8_t imm)
      : words(imm & 1),
        is_signed(imm & 2),
        aggregation(imm >> 2 & 3),
        negate(imm & 0x10),
        valid_only(imm & 0x20),
        high_or_mask(imm & 0x40) {}
  bool words, is_signed;
  uint8_t aggregation;  ///< 0 equal any, 1 ranges, 2 equal each, 3 equal ordered.
  bool negate, valid_only, high_or_mask;
  unsigned count() const { return words ? 8 : 16; }
};

struct Text {
  int32_t elements[16];
  unsigned length;
};

int32_t element(const VectorValue& value, unsigned i, const Control& control) {
  if (control.words) {
    return control.is_signed ? value.lane<int16_t>(i) : value.lane<uint16_t>(i);
  }
  return control.is_signed ? value.lane<int8_t>(i) : value.lane<uint8_t>(i);
}

/// Ends at its first element that is 0.
Text make_text(const VectorValue& value, const Control& control) {
  Text text{};
  for (unsigned i = 0; i < control.count(); ++i) text.elements[i] = element(value, i, control);
  const int32_t* end = std::find(text.elements, text.elements + control.count(), 0);
  text.length = static_cast<unsigned>(end - text.elements);
  return text;
}

unsigned explicit_length(uint64_t value, const Control& control) {
  const int64_t length = static_cast<int32_t>(value);
  return std::min(static_cast<unsigned>(std::abs(length)), control.count());
}

bool aggregate(const Text& a, const Text& b, unsigned j, const Control& control) {
  const bool b_valid = j < b.length;
  switch (control.aggregation) {
    case 0:
      return b_valid &&
             std::find(a.elements, a.elements + a.length, b.elements[j]) != a.elements + a.length;
    case 1:
      for (unsigned i = 0; b_valid && i + 1 < a.length; i += 2) {
        if (b.elements[j] >= a.elements[i] && b.elements[j] <= a.elements[i + 1]) return true;
      }
      return false;
    case 2: {
      const bool a_valid = j < a.length;
      return a_valid == b_valid && (!a_valid || a.elements[j] == b.elements[j]);
    }
    default:
      for (unsigned i = 0; i < a.length && i + j < control.count(); ++i) {
        if (i + j >= b.length || a.elements[i] != b.elements[i + j]) return false;
      }
      return true;
  }
}

uint32_t compare(const Text& a, const Text& b, const Control& control) {
  uint32_t result = 0;
  for (unsigned j = 0; j < control.count(); ++j) {
    bool bit = aggregate(a, b, j, control);
    if (control.negate && (!control.valid_only || j < b.length)) bit = !bit;
    result |= static_cast<uint32_t>(bit) << j;
  }
  return result;
}

/// What the operations agree in: flags, and a bit for each element of b.
template <bool Explicit>
uint32_t compare(VectorOperation& o, const Control& control) {
  Text a = make_text(o.a, control), b = make_text(o.b, control);
  if (Explicit) {
    const auto lengths = o.c.lane<uint64_t>(0);
    a.length = explicit_length(lengths, control);
    b.length = explicit_length(lengths >> 32, control);
  }
  const uint32_t result = compare(a, b, control);
  if (result) o.flags |= kFlagC;
  if (b.length < control.count()) o.flags |= kFlagZ;
  if (a.length < control.count()) o.flags |= kFlagS;
  if (result & 1) o.flags |= kFlagO;
  return result;
}

template <bool Explicit>
void find_index(VectorOperation& o) {
  const Control control(o.imm);
  const uint32_t result = compare<Explicit>(o, control);
  o.integer_result = result == 0            ? control.count()
                     : control.high_or_mask ? std::bit_width(result) - 1
                                            : static_cast<unsigned>(std::countr_zero(result));
}

template <bool Explicit>
void make_mask(VectorOperation& o) {
  const Control control(o.imm);
  const uint32_t result = compare<Explicit>(o, control);
  if (!control.high_or_mask) return o.result.set_lane(0, result);
  const unsigned width = control.words ? 2 : 1;
  for (unsigned i = 0; i < 16; ++i) o.result.bytes[i] = result >> (i / width) & 1 ? 0xff : 0;
}

using enum VectorOpcode;
constexpr VectorRow kRows[] = {
    {kPcmpestrm, make_mask<true>},
    {kPcmpestri, find_index<true>},
    {kPcmpistrm, make_mask<false>},
    {kPcmpistri, find_index<false>},
};

}  // namespace

std::span<const VectorRow> vector_text_rows() { return kRows; }

}  // namespace vireo::tcg
