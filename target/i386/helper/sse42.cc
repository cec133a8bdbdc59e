// CRC32 and the string comparisons of SSE4.2 (SDM volume 2, CRC32 and section 4.1).

#include <algorithm>
#include <bit>
#include <cstring>

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/functions.h"
#include "tcg/ir/types.h"

namespace vireo::i386 {
namespace {

/// The immediate of the comparisons (SDM volume 2, 4.1).
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
  int count() const { return words ? 8 : 16; }
};

struct Text {
  int32_t elements[16];
  int length;
};

Text make_text(const uint8_t* bytes, const Control& control) {
  Text text{};
  for (int i = 0; i < control.count(); ++i) {
    uint16_t raw = bytes[i];
    if (control.words) std::memcpy(&raw, bytes + 2 * i, 2);
    text.elements[i] = !control.is_signed ? raw
                       : control.words    ? static_cast<int16_t>(raw)
                                          : static_cast<int8_t>(raw);
  }
  text.length = static_cast<int>(std::find(text.elements, text.elements + control.count(), 0) -
                                 text.elements);
  return text;
}

int explicit_length(uint64_t value, bool wide, const Control& control) {
  const int64_t length = wide ? static_cast<int64_t>(value) : static_cast<int32_t>(value);
  const auto limit = static_cast<uint64_t>(control.count());
  const uint64_t magnitude = length < 0 ? 0 - static_cast<uint64_t>(length) : length;
  return static_cast<int>(std::min(magnitude, limit));
}

bool aggregate(const Text& a, const Text& b, int j, const Control& control) {
  const bool b_valid = j < b.length;
  switch (control.aggregation) {
    case 0:
      return b_valid &&
             std::find(a.elements, a.elements + a.length, b.elements[j]) != a.elements + a.length;
    case 1:
      for (int i = 0; b_valid && i + 1 < a.length; i += 2) {
        if (b.elements[j] >= a.elements[i] && b.elements[j] <= a.elements[i + 1]) return true;
      }
      return false;
    case 2: {
      const bool a_valid = j < a.length;
      return a_valid == b_valid && (!a_valid || a.elements[j] == b.elements[j]);
    }
    default:
      for (int i = 0; i < a.length && i + j < control.count(); ++i) {
        if (i + j >= b.length || a.elements[i] != b.elements[i + j]) return false;
      }
      return true;
  }
}

uint32_t compare(const Text& a, const Text& b, const Control& control) {
  uint32_t result = 0;
  for (int j = 0; j < control.count(); ++j) {
    bool bit = aggregate(a, b, j, control);
    if (control.negate && (!control.valid_only || j < b.length)) bit = !bit;
    result |= static_cast<uint32_t>(bit) << j;
  }
  return result;
}

void write_mask(tcg::Frame* frame, uint32_t mask, const Control& control) {
  uint8_t bytes[16] = {};
  if (!control.high_or_mask) {
    std::memcpy(bytes, &mask, sizeof mask);
  } else {
    const int width = control.words ? 2 : 1;
    for (int i = 0; i < 16; ++i) bytes[i] = mask >> (i / width) & 1 ? 0xff : 0;
  }
  std::memcpy(frame->vector[0], bytes, sizeof bytes);
}

}  // namespace

uint64_t helper_compare_text(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  const Control control(static_cast<uint8_t>(a >> 8));
  const bool gives_index = a & 1, is_implicit = a & 2, wide = a >> 24 & 1;
  uint64_t second[2] = {b, c};
  Text first_text = make_text(frame->vector[a >> 16 & 15], control);
  Text second_text = make_text(reinterpret_cast<const uint8_t*>(second), control);
  if (!is_implicit) {
    first_text.length = explicit_length(frame->general[kRax], wide, control);
    second_text.length = explicit_length(frame->general[kRdx], wide, control);
  }
  const uint32_t result = compare(first_text, second_text, control);
  uint32_t flags = 0;
  if (result) flags |= tcg::kFlagC;
  if (second_text.length < control.count()) flags |= tcg::kFlagZ;
  if (first_text.length < control.count()) flags |= tcg::kFlagS;
  if (result & 1) flags |= tcg::kFlagO;
  set_arithmetic_flags(cpu_state(frame), flags);
  if (!gives_index) {
    write_mask(frame, result, control);
  } else if (result == 0) {
    frame->general[kRcx] = control.count();
  } else {
    frame->general[kRcx] =
        control.high_or_mask ? 31 - std::countl_zero(result) : std::countr_zero(result);
  }
  return 0;
}

}  // namespace vireo::i386
