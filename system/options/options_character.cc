// Options that name byte streams and what is at their ends: serial ports, the monitor, the debug
// console.

#include <fmt/format.h>

#include "system/options/character_spec.h"
#include "system/options/command_line.h"

namespace vireo::system {

namespace {

util::Status apply_chardev(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-chardev", argument, "backend"));
  VIREO_TRY_ASSIGN(chardev, chardev_from_options(options));
  return add_chardev(line.configuration, std::move(chardev));
}

util::Status apply_serial(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(id, chardev_from_spec(line.configuration, "-serial", argument));
  line.configuration.serials.push_back(id);
  return {};
}

util::Status apply_monitor(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(id, chardev_from_spec(line.configuration, "-monitor", argument));
  line.configuration.monitor = id;
  line.configuration.monitor_given = true;
  return {};
}

util::Status apply_debugcon(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(id, chardev_from_spec(line.configuration, "-debugcon", argument));
  line.configuration.debugcon = id;
  return {};
}

util::Status apply_nographic(CommandLine& line, std::string_view) {
  line.configuration.no_graphic = true;
  line.configuration.display = "none";
  return {};
}

util::Status apply_display(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-display", argument, "type"));
  VIREO_TRY_ASSIGN(type, options.get_choice("type", "none", {"none"}));
  line.configuration.display = type;
  return {};
}

util::Status apply_parallel(CommandLine&, std::string_view argument) {
  if (argument == "none" || argument == "null") return {};
  return util::Error(util::ErrorCode::kUnsupported,
                     fmt::format("-parallel {}: only 'none' is supported", argument));
}

}  // namespace

std::span<const OptionRow> character_options() {
  static constexpr OptionRow kRows[] = {
      {"chardev", "backend,id=name[,key=value...]", "a byte stream for a -device", &apply_chardev},
      {"serial", "stdio|mon:stdio|file:path|null|none|pty|unix:path|tcp:host:port|chardev:id",
       "a serial port", &apply_serial},
      {"parallel", "none", "a parallel port", &apply_parallel},
      {"monitor", "stdio|none|...", "where the monitor is, as for -serial", &apply_monitor},
      {"debugcon", "stdio|file:path|...", "the debug console at port 0x402", &apply_debugcon},
      {"nographic", "", "no display; serial port and monitor on the terminal", &apply_nographic},
      {"display", "none", "how the display is shown", &apply_display},
  };
  return kRows;
}

}  // namespace vireo::system
