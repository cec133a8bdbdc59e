#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/result.h"

namespace vireo::system {

/// The parsed argument of one command-line option: "file=a.img,if=virtio,readonly=on". Order is
/// kept, since some keys may be repeated.
class KeyValues {
 public:
  using Entry = std::pair<std::string, std::string>;

  /// Parses `text`. "," separates, ",," stands for a comma; a first part without "=" is the value
  /// of `implied_key` if that is not empty; later ones are switches ("readonly" is readonly=on,
  /// "noreadonly" readonly=off). `origin` is how errors name the option ("-drive").
  static util::Result<KeyValues> parse(std::string_view origin, std::string_view text,
                                       std::string_view implied_key = {});

  const std::string& origin() const { return origin_; }
  const std::vector<Entry>& entries() const { return entries_; }
  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// The last value given for `key`, or null.
  const std::string* find(std::string_view key) const;
  std::string get(std::string_view key, std::string_view fallback = {}) const;
  std::vector<std::string> all(std::string_view key) const;
  void set(std::string_view key, std::string_view value);
  void remove(std::string_view key);

  // Typed access; errors name option, key, value and what would be right.
  util::Result<bool> get_bool(std::string_view key, bool fallback) const;
  util::Result<uint64_t> get_number(std::string_view key, uint64_t fallback, uint64_t max) const;
  util::Result<uint64_t> get_size(std::string_view key, uint64_t fallback,
                                  uint64_t default_unit = 1) const;
  /// One of `choices`.
  util::Result<std::string> get_choice(std::string_view key, std::string_view fallback,
                                       const std::vector<std::string_view>& choices) const;

  /// Error if a key is none of `known`.
  util::Status check_keys(const std::vector<std::string_view>& known) const;
  /// An error about the value of `key`.
  util::Error bad_value(std::string_view key, std::string_view expected) const;

 private:
  std::string origin_;
  std::vector<Entry> entries_;
};

}  // namespace vireo::system
