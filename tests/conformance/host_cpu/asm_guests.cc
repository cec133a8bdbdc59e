// Looks for instructions in the guests' sources.

#include "tests/conformance/host_cpu/asm_guests.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <string_view>
#include <utility>

#include "target/i386/translate/translator.h"

namespace vireo::host_cpu {
namespace {

using T = i386::Translator;
using i386::Place;
using i386::Row;

bool has_operand(const Row& row, Place place) {
  return std::any_of(row.operands.begin(), row.operands.end(),
                     [&](const auto& spec) { return spec.place == place; });
}

/// How the GNU assembler writes it: a size behind it, another name, operands that tell it from
/// others of its name.
std::string pattern_of(const Row& row) {
  const std::string before = "(^|[\\s,:])", name = row.mnemonic,
                    word = before + name + "[bwlq]?\\b";
  if (row.translate == &T::far_jump) return before + "ljmp\\b";
  if (row.translate == &T::far_call) return before + "lcall\\b";
  if (row.translate == &T::far_return) return before + "lret[lq]?\\b";
  if (name == "int1") return "\\.byte 0xf1$";
  if (has_operand(row, Place::kC)) return word + ".*%cr\\d";
  if (has_operand(row, Place::kD)) return word + ".*%d[br]\\d";
  if (row.translate == &T::move_to_segment) return word + ".*, *%[c-gs]s$";
  if (row.translate == &T::pop_segment) return word + " *%[c-gs]s$";
  return word;
}

std::string without_noise(const std::string& line) {
  static const std::regex kNoise("\"[^\"]*\"|#.*");
  return std::regex_replace(line, kNoise, "");
}

}  // namespace

AsmGuests::AsmGuests(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".s") continue;
    std::ifstream file(entry.path());
    std::vector<std::string>& statements = statements_[entry.path().stem().string()];
    for (std::string line; std::getline(file, line);) statements.push_back(without_noise(line));
  }
}

AsmGuests::Names AsmGuests::with(const Row& row) const {
  const std::regex pattern(pattern_of(row), std::regex::optimize);
  std::vector<std::pair<ptrdiff_t, std::string>> found;
  for (const auto& [name, statements] : statements_) {
    const ptrdiff_t count =
        std::count_if(statements.begin(), statements.end(),
                      [&](const std::string& line) { return std::regex_search(line, pattern); });
    if (count != 0) found.push_back({-count, name});
  }
  std::sort(found.begin(), found.end());
  constexpr size_t kShown = 3;
  if (found.size() > kShown) found.resize(kShown);
  Names names;
  for (const auto& [count, name] : found) names.push_back(name);
  return names;
}

AsmGuests::Names AsmGuests::named(const Names& beginnings) const {
  Names names;
  for (const std::string& beginning : beginnings) {
    for (const auto& [name, statements] : statements_) {
      if (!name.starts_with(beginning)) continue;
      names.push_back(name);
      is_told_[name] = true;
    }
  }
  return names;
}

AsmGuests::Names AsmGuests::others() const {
  Names names;
  for (const auto& [name, statements] : statements_) {
    if (!is_told_[name]) names.push_back(name);
  }
  return names;
}

std::string to_text(const AsmGuests::Names& names) {
  std::string text;
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) != name) continue;
    text += (text.empty() ? "`asm/" : ", `asm/") + *name + "`";
  }
  return text;
}

}  // namespace vireo::host_cpu
