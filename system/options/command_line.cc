// Walks the command line along the option table.

#include "system/options/command_line.h"

#include <fmt/format.h>

#include "util/text.h"

namespace vireo::system {

namespace {

const OptionRow* find_option(std::string_view name) {
  for (const OptionRow& row : option_table()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

util::Error unknown_option(std::string_view argument) {
  std::vector<std::string_view> names;
  for (const OptionRow& row : option_table()) names.push_back(row.name);
  std::string_view word = argument;
  while (word.starts_with('-')) word.remove_prefix(1);
  const std::string_view near = util::closest_match(word, names);
  return {util::ErrorCode::kInvalidArgument,
          fmt::format("{}: unknown option{}; -help lists all", argument,
                      near.empty() ? "" : fmt::format(" (did you mean '-{}'?)", near))};
}

util::Status add_disk_image(CommandLine& line, std::string_view path) {
  return find_option("hda")->apply(line, path);
}

}  // namespace

std::span<const OptionRow> option_table() {
  static const std::vector<OptionRow> table = [] {
    std::vector<OptionRow> rows;
    for (const auto group : {machine_options(), block_options(), network_options(),
                             character_options(), run_options()}) {
      rows.insert(rows.end(), group.begin(), group.end());
    }
    return rows;
  }();
  return table;
}

util::Result<CommandLine> parse_command_line(std::span<const std::string_view> arguments) {
  CommandLine line;
  for (size_t i = 0; i < arguments.size() && line.text.empty(); ++i) {
    const std::string_view argument = arguments[i];
    if (!argument.starts_with('-') || argument == "-") {
      VIREO_TRY(add_disk_image(line, argument));
      continue;
    }
    const OptionRow* row = find_option(argument.substr(argument.starts_with("--") ? 2 : 1));
    if (row == nullptr) return unknown_option(argument);
    std::string_view value;
    if (!row->argument.empty()) {
      if (i + 1 == arguments.size()) {
        return util::Error(util::ErrorCode::kInvalidArgument,
                           fmt::format("{}: needs an argument: {}", argument, row->argument));
      }
      value = arguments[++i];
    }
    VIREO_TRY(row->apply(line, value));
  }
  return line;
}

std::string command_line_help() {
  std::string text =
      "usage: vireo-system-x86_64 [options] [disk image]\n\n"
      "A PC in software. Options have the names and forms of QEMU's.\n\n";
  for (const OptionRow& row : option_table()) {
    const std::string left = fmt::format("-{} {}", row.name, row.argument);
    text += left.size() < 32 ? fmt::format("{:32}{}\n", left, row.help)
                             : fmt::format("{}\n{:32}{}\n", left, "", row.help);
  }
  return text;
}

}  // namespace vireo::system
