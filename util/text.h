#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace vireo::util {

/// The candidate nearest to `word` by edit distance, or empty if none is near enough to be a typing
/// error.
std::string_view closest_match(std::string_view word, std::span<const std::string_view> candidates);

/// " (did you mean 'x'?)", or "" when nothing is near; for the end of an error message.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

/// A byte count such as "512M" or "1.5G"; suffixes B, k, M, G, T, P are powers of 1024 in either
/// case, and without one the number counts in units of `default_unit`. Errors: no number, an
/// unknown suffix, more than 2^64 - 1.
Result<uint64_t> parse_size(std::string_view text, uint64_t default_unit = 1);

/// An unsigned number, decimal or "0x" hexadecimal, at most `max`.
Result<uint64_t> parse_number(std::string_view text, uint64_t max = ~uint64_t{0});

/// A decimal or "0x" hexadecimal number with an optional sign, within [min, max].
Result<int64_t> parse_signed(std::string_view text, int64_t min = INT64_MIN,
                             int64_t max = INT64_MAX);

/// on/off, yes/no, true/false, in lower case as QEMU takes them.
Result<bool> parse_bool(std::string_view text);

/// The parts of `text` between `separator`s; "" has one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Two hexadecimal digits a byte.
std::string hex_bytes(std::span<const std::byte> bytes, std::string_view separator = "");

/// `text` on one line for people: control characters as \xNN.
std::string printable(std::string_view text);

/// `text` without leading and trailing blanks.
std::string_view trim(std::string_view text);

}  // namespace vireo::util
