// Text that people type: numbers, sizes, switches, and guesses at what they meant.
#include "util/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace vireo::util {
namespace {

// Damerau-Levenshtein distance with adjacent swaps, a row at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::move(last);
    last = row;
  }
  return last[b.size()];
}

Error not_a(std::string_view what, std::string_view text) {
  return {ErrorCode::kInvalidArgument, fmt::format("'{}' is not {}", text, what)};
}

// The shift of a size suffix, -1 for an unknown one.
int size_shift(char suffix) {
  switch (suffix | 0x20) {
    case 'b':
      return 0;
    case 'k':
      return 10;
    case 'm':
      return 20;
    case 'g':
      return 30;
    case 't':
      return 40;
    case 'p':
      return 50;
    default:
      return -1;
  }
}

constexpr std::string_view kSizeForm = "a size such as 512M or 4G (suffixes: B, K, M, G, T, P)";

Result<uint64_t> parse_fraction(std::string_view number, uint64_t unit, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value,
                                            std::chars_format::fixed);
  if (error != std::errc{} || end != number.data() + number.size() || !std::isfinite(value) ||
      value < 0 || number[0] == '-') {
    return not_a(kSizeForm, text);
  }
  const double bytes = value * static_cast<double>(unit);
  if (bytes >= 18446744073709551616.0) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("size '{}' is too large", text));
  }
  return static_cast<uint64_t>(bytes);
}

}  // namespace

std::string_view closest_match(std::string_view word,
                               std::span<const std::string_view> candidates) {
  std::string_view best;
  size_t best_distance = word.size() / 3 + 2;  // no further than a third of the letters, and one
  for (const std::string_view candidate : candidates) {
    const size_t longer = std::max(word.size(), candidate.size());
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < longer) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view best = closest_match(word, candidates);
  return best.empty() ? "" : fmt::format(" (did you mean '{}'?)", best);
}

Result<uint64_t> parse_size(std::string_view text, uint64_t default_unit) {
  std::string_view number = text;
  uint64_t unit = default_unit;
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const bool ends_in_digit =
      !text.empty() && (hexadecimal ? std::isxdigit(static_cast<unsigned char>(text.back())) != 0
                                    : text.back() >= '0' && text.back() <= '9');
  if (!text.empty() && !ends_in_digit) {
    const int shift = size_shift(text.back());
    if (shift < 0) return not_a(kSizeForm, text);
    unit = uint64_t{1} << shift;
    number.remove_suffix(1);
  }
  if (number.empty()) return not_a(kSizeForm, text);
  if (number.find('.') != number.npos) return parse_fraction(number, unit, text);
  const auto count = parse_number(number);
  if (!count) return not_a(kSizeForm, text);
  uint64_t bytes;
  if (__builtin_mul_overflow(*count, unit, &bytes)) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("size '{}' is too large", text));
  }
  return bytes;
}

Result<uint64_t> parse_number(std::string_view text, uint64_t max) {
  std::string_view digits = text;
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    digits.remove_prefix(2);
    base = 16;
  }
  uint64_t value = 0;
  const char* const end_of_text = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), end_of_text, value, base);
  if (error == std::errc::invalid_argument || end != end_of_text) {
    return not_a("a number (decimal, or hexadecimal with 0x)", text);
  }
  if (error == std::errc::result_out_of_range || value > max) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("{} is too large; at most {}", text, max));
  }
  return value;
}

Result<int64_t> parse_signed(std::string_view text, int64_t min, int64_t max) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  const auto magnitude = parse_number(digits);
  if (!magnitude) return not_a("a number (decimal, or hexadecimal with 0x)", text);
  const uint64_t limit = uint64_t{INT64_MAX} + (negative ? 1 : 0);
  const int64_t value = static_cast<int64_t>(negative ? -*magnitude : *magnitude);
  if (*magnitude > limit || value < min || value > max) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("{} is out of range; from {} to {}", text, min, max));
  }
  return value;
}

Result<bool> parse_bool(std::string_view text) {
  if (text == "on" || text == "yes" || text == "true") return true;
  if (text == "off" || text == "no" || text == "false") return false;
  return not_a("a switch; write on or off", text);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string hex_bytes(std::span<const std::byte> bytes, std::string_view separator) {
  const std::span<const uint8_t> numbers(reinterpret_cast<const uint8_t*>(bytes.data()),
                                         bytes.size());
  return fmt::format("{:02x}", fmt::join(numbers, separator));
}

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace vireo::util
