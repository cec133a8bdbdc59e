// The "key=value,..." syntax that QEMU-style options share.

#include "system/options/key_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "util/text.h"

namespace vireo::system {

namespace {

// Reads up to the next single comma, turning ",," into ",".
std::string take_part(std::string_view& rest) {
  std::string part;
  while (!rest.empty()) {
    if (rest[0] == ',') {
      if (rest.size() < 2 || rest[1] != ',') break;
      rest.remove_prefix(1);
    }
    part += rest[0];
    rest.remove_prefix(1);
  }
  if (!rest.empty()) rest.remove_prefix(1);
  return part;
}

// A word without a value: "wait" is on, "nowait" off. nodelay is a key itself.
std::pair<std::string, std::string> flag(const std::string& word) {
  const bool negated = word.starts_with("no") && word.size() > 2 && word != "nodelay";
  return negated ? std::pair(word.substr(2), std::string("off"))
                 : std::pair(word, std::string("on"));
}

}  // namespace

util::Result<KeyValues> KeyValues::parse(std::string_view origin, std::string_view text,
                                         std::string_view implied_key) {
  KeyValues result;
  result.origin_ = origin;
  bool first = true;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string part = take_part(rest);
    const size_t equals = part.find('=');
    if (equals == 0) {
      return util::Error(util::ErrorCode::kInvalidArgument,
                         fmt::format("{} {}: a key is missing before '='", origin, text));
    }
    if (equals != std::string::npos) {
      result.entries_.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    } else if (first && !implied_key.empty()) {
      result.entries_.emplace_back(implied_key, part);
    } else if (!part.empty()) {
      result.entries_.push_back(flag(part));
    }
    first = false;
  }
  return result;
}

const std::string* KeyValues::find(std::string_view key) const {
  const auto found = std::find_if(entries_.rbegin(), entries_.rend(),
                                  [&](const Entry& entry) { return entry.first == key; });
  return found == entries_.rend() ? nullptr : &found->second;
}

std::string KeyValues::get(std::string_view key, std::string_view fallback) const {
  const std::string* value = find(key);
  return value != nullptr ? *value : std::string(fallback);
}

std::vector<std::string> KeyValues::all(std::string_view key) const {
  std::vector<std::string> values;
  for (const Entry& entry : entries_) {
    if (entry.first == key) values.push_back(entry.second);
  }
  return values;
}

void KeyValues::set(std::string_view key, std::string_view value) {
  entries_.emplace_back(key, value);
}

void KeyValues::remove(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.first == key; });
}

util::Error KeyValues::bad_value(std::string_view key, std::string_view expected) const {
  return {util::ErrorCode::kInvalidArgument,
          fmt::format("{}: {}='{}': expected {}", origin_, key, get(key), expected)};
}

util::Result<bool> KeyValues::get_bool(std::string_view key, bool fallback) const {
  const std::string* value = find(key);
  if (value == nullptr) return fallback;
  const auto parsed = util::parse_bool(*value);
  if (!parsed) return bad_value(key, "on or off");
  return *parsed;
}

util::Result<uint64_t> KeyValues::get_number(std::string_view key, uint64_t fallback,
                                             uint64_t max) const {
  const std::string* value = find(key);
  if (value == nullptr) return fallback;
  const auto parsed = util::parse_number(*value, max);
  if (!parsed) return bad_value(key, fmt::format("a number from 0 to {}", max));
  return *parsed;
}

util::Result<uint64_t> KeyValues::get_size(std::string_view key, uint64_t fallback,
                                           uint64_t default_unit) const {
  const std::string* value = find(key);
  if (value == nullptr) return fallback;
  const auto parsed = util::parse_size(*value, default_unit);
  if (!parsed) return bad_value(key, "a size such as 512M or 2G");
  return *parsed;
}

util::Result<std::string> KeyValues::get_choice(
    std::string_view key, std::string_view fallback,
    const std::vector<std::string_view>& choices) const {
  const std::string value = get(key, fallback);
  if (std::find(choices.begin(), choices.end(), value) != choices.end() ||
      (!has(key) && value == fallback)) {
    return value;
  }
  return bad_value(key, fmt::format("one of {}{}", fmt::join(choices, ", "),
                                    util::did_you_mean(value, choices)));
}

util::Status KeyValues::check_keys(const std::vector<std::string_view>& known) const {
  for (const Entry& entry : entries_) {
    if (std::find(known.begin(), known.end(), entry.first) != known.end()) continue;
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("{}: unknown key '{}'{}; known are {}", origin_, entry.first,
                                   util::did_you_mean(entry.first, known), fmt::join(known, ", ")));
  }
  return {};
}

}  // namespace vireo::system
