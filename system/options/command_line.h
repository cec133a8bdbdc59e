#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "system/options/configuration.h"
#include "util/result.h"

namespace vireo::system {

/// What a command line asks for: a machine, or a text on standard output (-help, -device help).
struct CommandLine {
  Configuration configuration;
  std::string text;  ///< Not empty: print it and exit with 0.
  std::string program = "vireo-system-x86_64";
};

/// One option of the command line. The table of all of them is the only place that names them.
struct OptionRow {
  std::string_view name;      ///< Without the dash.
  std::string_view argument;  ///< For the help; empty if the option takes none.
  std::string_view help;
  util::Status (*apply)(CommandLine& line, std::string_view argument);
};

/// All options, in the order of the help.
std::span<const OptionRow> option_table();

/// Errors: an unknown option (with the nearest one), a missing argument, a wrong key or value.
util::Result<CommandLine> parse_command_line(std::span<const std::string_view> arguments);

/// The `-help` text.
std::string command_line_help();

// The rows' groups, each in a file of its own (options_*.cc).
std::span<const OptionRow> machine_options();
std::span<const OptionRow> block_options();
std::span<const OptionRow> network_options();
std::span<const OptionRow> character_options();
std::span<const OptionRow> run_options();

}  // namespace vireo::system
