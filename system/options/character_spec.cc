// The forms in which users name byte streams.

#include "system/options/character_spec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "util/text.h"

namespace vireo::system {

namespace {

const std::vector<std::string_view> kBackends = {"stdio", "file", "null", "pty", "socket"};
const std::vector<std::string_view> kForms = {"stdio",     "mon:stdio",     "file:PATH",
                                              "null",      "none",          "pty",
                                              "unix:PATH", "tcp:HOST:PORT", "chardev:ID"};

std::string next_id(const Configuration& configuration, std::string_view origin) {
  return fmt::format("compat{}{}", origin, configuration.chardevs.size());
}

util::Error bad_spec(std::string_view origin, std::string_view spec) {
  return {util::ErrorCode::kInvalidArgument,
          fmt::format("{} {}: expected one of {}{}", origin, spec, fmt::join(kForms, ", "),
                      util::did_you_mean(spec, kForms))};
}

// "tcp:host:port,server=on" and "unix:path,server=on" as keys of the socket back end.
util::Result<KeyValues> socket_options(std::string_view origin, std::string_view spec) {
  const bool is_unix = spec.starts_with("unix:");
  std::string_view rest = spec.substr(is_unix ? 5 : 4);
  const size_t comma = rest.find(',');
  const std::string_view address = rest.substr(0, comma);
  VIREO_TRY_ASSIGN(
      options, KeyValues::parse(origin, comma == std::string_view::npos ? std::string_view{}
                                                                        : rest.substr(comma + 1)));
  if (is_unix) {
    options.set("path", address);
    return options;
  }
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return bad_spec(origin, spec);
  options.set("host", address.substr(0, colon));
  options.set("port", address.substr(colon + 1));
  return options;
}

util::Result<ChardevOption> parse_spec(std::string_view origin, std::string_view spec) {
  ChardevOption chardev;
  VIREO_TRY_ASSIGN(empty, KeyValues::parse(origin, ""));
  chardev.options = empty;
  if (spec == "stdio" || spec == "null" || spec == "pty") {
    chardev.backend = spec;
  } else if (spec == "vc") {
    chardev.backend = "null";
  } else if (spec.starts_with("file:") && spec.size() > 5) {
    chardev.backend = "file";
    chardev.options.set("path", spec.substr(5));
  } else if (spec.starts_with("unix:") || spec.starts_with("tcp:")) {
    chardev.backend = "socket";
    VIREO_TRY_ASSIGN(options, socket_options(origin, spec));
    chardev.options = options;
  } else {
    return bad_spec(origin, spec);
  }
  return chardev;
}

util::Status check_socket(const ChardevOption& chardev) {
  VIREO_TRY(chardev.options.check_keys({"backend", "id", "path", "host", "port", "server", "wait",
                                        "nodelay", "mux", "ipv4", "ipv6"}));
  for (const auto* key : {"server", "wait", "nodelay"}) {
    const auto parsed = chardev.options.get_bool(key, false);
    if (!parsed) return parsed.error();
  }
  return {};
}

}  // namespace

util::Result<ChardevOption> chardev_from_options(const KeyValues& options) {
  VIREO_TRY_ASSIGN(backend, options.get_choice("backend", "", kBackends));
  ChardevOption chardev{.id = options.get("id"), .backend = backend, .options = options};
  if (chardev.id.empty() || backend.empty()) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("-chardev: {} is missing",
                                   backend.empty() ? "the back end, such as stdio," : "id="));
  }
  if (backend == "socket") VIREO_TRY(check_socket(chardev));
  if (backend == "file" && options.get("path").empty()) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("-chardev file,id={}: path= is missing", chardev.id));
  }
  VIREO_TRY_ASSIGN(mux, options.get_bool("mux", false));
  chardev.mux = mux;
  return chardev;
}

util::Result<std::string> chardev_from_spec(Configuration& configuration, std::string_view origin,
                                            std::string_view spec) {
  if (spec == "none") return std::string("none");
  if (spec.starts_with("chardev:")) return std::string(spec.substr(8));
  const bool with_monitor = spec.starts_with("mon:");
  VIREO_TRY_ASSIGN(chardev, parse_spec(origin, with_monitor ? spec.substr(4) : spec));
  if (chardev.backend == "socket") VIREO_TRY(check_socket(chardev));
  chardev.mux = with_monitor;
  chardev.id = next_id(configuration, origin);
  const std::string id = chardev.id;
  VIREO_TRY(add_chardev(configuration, std::move(chardev)));
  if (with_monitor) configuration.monitor = id;
  return id;
}

util::Status add_chardev(Configuration& configuration, ChardevOption chardev) {
  for (const ChardevOption& other : configuration.chardevs) {
    const bool both_stdio = other.backend == "stdio" && chardev.backend == "stdio";
    if (other.id != chardev.id && !both_stdio) continue;
    return util::Error(util::ErrorCode::kInvalidArgument,
                       both_stdio
                           ? std::string("stdio is used twice; 'mon:stdio' shares it between a "
                                         "serial port and the monitor")
                           : fmt::format("-chardev id={}: the id is already taken", chardev.id));
  }
  configuration.chardevs.push_back(std::move(chardev));
  return {};
}

}  // namespace vireo::system
