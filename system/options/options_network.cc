// Options that name network back ends and cards.

#include <fmt/format.h>

#include "system/options/command_line.h"

namespace vireo::system {

namespace {

const std::vector<std::string_view> kTypes = {"user"};
const std::vector<std::string_view> kNetdevKeys = {
    "type", "id",       "net",  "host",     "hostfwd", "guestfwd", "restrict",   "dhcpstart",
    "dns",  "hostname", "tftp", "bootfile", "ipv6",    "ipv4",     "domainname", "dnssearch"};

util::Result<NetdevOption> make_netdev(const KeyValues& options) {
  VIREO_TRY_ASSIGN(type, options.get_choice("type", "", kTypes));
  if (type.empty()) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("{}: the type is missing, such as 'user'", options.origin()));
  }
  return NetdevOption{.id = options.get("id"), .type = type, .options = options};
}

util::Status add_netdev(CommandLine& line, NetdevOption netdev) {
  for (const NetdevOption& other : line.configuration.netdevs) {
    if (other.id != netdev.id) continue;
    return util::Error(
        util::ErrorCode::kInvalidArgument,
        fmt::format("{}: id '{}' is already taken", netdev.options.origin(), netdev.id));
  }
  line.configuration.netdevs.push_back(std::move(netdev));
  return {};
}

util::Status apply_netdev(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-netdev", argument, "type"));
  VIREO_TRY(options.check_keys(kNetdevKeys));
  if (options.get("id").empty()) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("-netdev {}: id= is missing", argument));
  }
  VIREO_TRY_ASSIGN(netdev, make_netdev(options));
  line.configuration.default_nic = false;
  return add_netdev(line, std::move(netdev));
}

util::Status add_nic(CommandLine& line, KeyValues options) {
  line.configuration.default_nic = false;
  const std::string model = options.get("model");
  const std::string mac = options.get("mac", options.get("macaddr"));
  for (const auto* key : {"model", "mac", "macaddr"}) options.remove(key);
  VIREO_TRY_ASSIGN(netdev, make_netdev(options));
  if (netdev.id.empty()) {
    netdev.id = fmt::format("nic{}", line.configuration.nics.size());
  }
  line.configuration.nics.push_back({.netdev = netdev.id, .model = model, .mac = mac});
  return add_netdev(line, std::move(netdev));
}

util::Status apply_nic(CommandLine& line, std::string_view argument) {
  if (argument == "none") return line.configuration.default_nic = false, util::Status{};
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-nic", argument, "type"));
  std::vector<std::string_view> keys = kNetdevKeys;
  keys.insert(keys.end(), {"model", "mac", "macaddr"});
  VIREO_TRY(options.check_keys(keys));
  return add_nic(line, std::move(options));
}

// The older pair "-net nic,model=..." and "-net user,...": a card and a back end that belong
// together.
util::Status apply_net(CommandLine& line, std::string_view argument) {
  if (argument == "none") return line.configuration.default_nic = false, util::Status{};
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-net", argument, "type"));
  Configuration& configuration = line.configuration;
  configuration.default_nic = false;
  if (options.get("type") == "nic") {
    VIREO_TRY(options.check_keys({"type", "model", "macaddr", "name", "netdev", "addr", "vlan"}));
    configuration.nics.push_back({.netdev = options.get("netdev", "net0"),
                                  .model = options.get("model"),
                                  .mac = options.get("macaddr")});
    return {};
  }
  std::vector<std::string_view> keys = kNetdevKeys;
  keys.push_back("vlan");
  VIREO_TRY(options.check_keys(keys));
  if (!options.has("id")) options.set("id", "net0");
  VIREO_TRY_ASSIGN(netdev, make_netdev(options));
  return add_netdev(line, std::move(netdev));
}

}  // namespace

std::span<const OptionRow> network_options() {
  static constexpr OptionRow kRows[] = {
      {"nic", "user[,model=card][,mac=address][,hostfwd=rule]...|none",
       "a network card with its back end", &apply_nic},
      {"netdev", "user,id=name[,hostfwd=tcp|udp:[addr]:port-[addr]:port][,tftp=dir]...",
       "a network back end for a -device", &apply_netdev},
      {"net", "nic[,model=card][,macaddr=address]|user[,...]|none", "the same in the older form",
       &apply_net},
  };
  return kRows;
}

}  // namespace vireo::system
