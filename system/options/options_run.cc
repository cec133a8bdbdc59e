// Options on how the machine runs: devices, start and end, logging.

#include <fmt/format.h>

#include "system/options/command_line.h"
#include "system/options/help.h"
#include "util/log.h"

namespace vireo::system {

namespace {

util::Status apply_device(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-device", argument, "driver"));
  const std::string type = options.get("driver");
  if (type == "help" || type == "?") return line.text = device_list_help(), util::Status{};
  VIREO_TRY_ASSIGN(help, device_help(type));
  if (options.has("help") || options.has("?")) return line.text = help, util::Status{};
  options.remove("driver");
  line.configuration.devices.push_back({.type = type, .options = options, .origin = {}});
  return {};
}

util::Status apply_global(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-global", argument));
  core::PropertyDefault row{options.get("driver"), options.get("property"), options.get("value")};
  if (!options.has("driver") && options.entries().size() == 1) {
    const auto& [key, value] = options.entries().front();
    const size_t dot = key.find('.');
    if (dot != std::string::npos) row = {key.substr(0, dot), key.substr(dot + 1), value};
  }
  if (row.type.empty() || row.property.empty()) {
    return util::Error(
        util::ErrorCode::kInvalidArgument,
        fmt::format("-global {}: expected type.property=value, or driver=type,property=name,"
                    "value=value",
                    argument));
  }
  auto status = check_property(row);
  if (!status) return std::move(status).error().with_context("-global");
  line.configuration.globals.push_back(std::move(row));
  return {};
}

util::Status apply_no_reboot(CommandLine& line, std::string_view) {
  line.configuration.on_reboot = Action::shutdown;
  return {};
}
util::Status apply_no_shutdown(CommandLine& line, std::string_view) {
  line.configuration.on_shutdown = Action::pause;
  return {};
}
util::Status apply_no_defaults(CommandLine& line, std::string_view) {
  line.configuration.no_defaults = true;
  line.configuration.default_nic = false;
  return {};
}
util::Status apply_paused(CommandLine& line, std::string_view) {
  line.configuration.start_paused = true;
  return {};
}
util::Status apply_nothing(CommandLine&, std::string_view) { return {}; }

util::Status apply_action(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-action", argument));
  VIREO_TRY(options.check_keys({"reboot", "shutdown", "panic", "watchdog"}));
  Configuration& configuration = line.configuration;
  VIREO_TRY_ASSIGN(reboot, options.get_choice("reboot", "", {"reset", "shutdown"}));
  if (!reboot.empty()) {
    configuration.on_reboot = reboot == "reset" ? Action::reset : Action::shutdown;
  }
  VIREO_TRY_ASSIGN(shutdown, options.get_choice("shutdown", "", {"poweroff", "pause"}));
  if (!shutdown.empty()) {
    configuration.on_shutdown = shutdown == "pause" ? Action::pause : Action::poweroff;
  }
  VIREO_TRY_ASSIGN(panic,
                   options.get_choice("panic", "", {"pause", "shutdown", "exit-failure", "none"}));
  if (!panic.empty()) {
    configuration.on_panic = panic == "pause"          ? Action::pause
                             : panic == "none"         ? Action::none
                             : panic == "exit-failure" ? Action::exit_failure
                                                       : Action::shutdown;
  }
  return {};
}

util::Status apply_log_items(CommandLine& line, std::string_view argument) {
  if (argument == "help" || argument == "?") return line.text = util::log_help(), util::Status{};
  auto status = util::set_log_items(argument);
  if (!status) return std::move(status).error().with_context("-d");
  return {};
}
util::Status apply_log_file(CommandLine& line, std::string_view argument) {
  if (argument.empty()) {
    return util::Error(util::ErrorCode::kInvalidArgument, "-D '': expected the name of a file");
  }
  line.configuration.log_file = argument;
  return {};
}
util::Status apply_log_filter(CommandLine&, std::string_view argument) {
  auto status = util::set_log_filter(argument);
  if (!status) return std::move(status).error().with_context("-dfilter");
  return {};
}

util::Status apply_perf_map(CommandLine& line, std::string_view) {
  line.configuration.perf_map = true;
  return {};
}

util::Status apply_pid_file(CommandLine& line, std::string_view argument) {
  line.configuration.pid_file = argument;
  return {};
}
util::Status apply_daemonize(CommandLine& line, std::string_view) {
  line.configuration.daemonize = true;
  return {};
}
util::Status apply_help(CommandLine& line, std::string_view) {
  line.text = command_line_help();
  return {};
}
util::Status apply_version(CommandLine& line, std::string_view) {
  line.text = fmt::format("Vireo emulator version {}\n", VIREO_VERSION);
  return {};
}

}  // namespace

std::span<const OptionRow> run_options() {
  static constexpr OptionRow kRows[] = {
      {"device", "type[,property=value...]",
       "a device ('help' lists them, 'type,help' its properties)", &apply_device},
      {"global", "type.property=value", "a property for all devices of a type", &apply_global},
      {"nodefaults", "", "no default devices", &apply_no_defaults},
      {"no-user-config", "", "accepted; there are no configuration files to leave out",
       &apply_nothing},
      {"S", "", "start stopped", &apply_paused},
      {"no-reboot", "", "exit instead of rebooting", &apply_no_reboot},
      {"no-shutdown", "", "stop instead of exiting at shutdown", &apply_no_shutdown},
      {"action", "reboot=reset|shutdown,shutdown=poweroff|pause,panic=...",
       "what guest events lead to", &apply_action},
      {"d", "item[,item...]", "log ('help' lists the items)", &apply_log_items},
      {"D", "file", "log there instead of standard error", &apply_log_file},
      {"dfilter", "range[,range...]", "log only for these guest addresses", &apply_log_filter},
      {"perfmap", "", "tell perf about generated code, in /tmp/perf-PID.map", &apply_perf_map},
      {"pidfile", "file", "write the process id there", &apply_pid_file},
      {"daemonize", "", "go to the background once started", &apply_daemonize},
      {"help", "", "this text", &apply_help},
      {"h", "", "this text", &apply_help},
      {"version", "", "the version", &apply_version},
  };
  return kRows;
}

}  // namespace vireo::system
