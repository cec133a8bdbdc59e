#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "target/i386/decode/row.h"

namespace vireo::host_cpu {

/// The small guests in assembly, and which instructions they have.
class AsmGuests {
 public:
  explicit AsmGuests(const std::filesystem::path& folder);

  using Names = std::vector<std::string>;
  /// Those that have the row's instruction most often; empty if none has.
  Names with(const i386::Row& row) const;
  /// All whose name begins with one of these words.
  Names named(const Names& beginnings) const;
  /// Those that named() has not told of.
  Names others() const;

 private:
  /// By name: the statements, without comments, strings and what follows `.set`.
  std::map<std::string, std::vector<std::string>> statements_;
  mutable std::map<std::string, bool> is_told_;
};

/// "`asm/one`, `asm/two`", each once.
std::string to_text(const AsmGuests::Names& names);

}  // namespace vireo::host_cpu
