// Opens what the configuration names on the host, and hands it to devices.

#include "system/backends.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "chardev/factory.h"
#include "core/machine_lock.h"
#include "net/user.h"
#include "system/firmware.h"
#include "util/text.h"

namespace vireo::system {

namespace {

constexpr unsigned kIoThreads = 4;

template <class Map>
std::vector<std::string_view> names_of(const Map& map) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

}  // namespace

Backends::Backends(util::EventLoop& loop, std::function<void()> quit)
    : loop_(loop), quit_(std::move(quit)), threads_(kIoThreads), io_{loop, threads_} {}

Backends::~Backends() = default;

util::Status Backends::open(const Configuration& configuration) {
  firmware_paths_ = configuration.firmware_paths;
  for (const DriveOption& drive : configuration.drives) {
    VIREO_TRY(open_drive(drive, configuration.snapshot_all));
  }
  for (const NetdevOption& netdev : configuration.netdevs) VIREO_TRY(open_netdev(netdev));
  // Last, since a terminal in raw mode would garble the errors of the others.
  for (const ChardevOption& chardev : configuration.chardevs) {
    VIREO_TRY(open_chardev(chardev, configuration));
  }
  return {};
}

util::Status Backends::open_chardev(const ChardevOption& option,
                                    const Configuration& configuration) {
  chardev::Spec spec{.id = option.id, .backend = option.backend};
  spec.path = option.options.get("path");
  spec.host = option.options.get("host");
  spec.port = option.options.get("port");
  VIREO_TRY_ASSIGN(server, option.options.get_bool("server", false));
  VIREO_TRY_ASSIGN(wait, option.options.get_bool("wait", true));
  spec.server = server;
  spec.wait = wait;
  spec.signals = !option.mux && !configuration.no_graphic;
  VIREO_TRY_ASSIGN(stream, chardev::open(spec, loop_));
  if (option.mux) {
    muxes_[option.id] = std::make_unique<chardev::Mux>(std::move(stream), quit_);
  } else {
    chardevs_[option.id] = std::move(stream);
  }
  return {};
}

util::Status Backends::open_drive(const DriveOption& option, bool snapshot) {
  const block::DriveSpec spec{.id = option.id,
                              .file = option.file,
                              .format = option.format,
                              .read_only = option.read_only,
                              .snapshot = option.snapshot || snapshot,
                              .cdrom = option.media == "cdrom"};
  auto drive = block::open_drive(io_, spec);
  if (!drive) return std::move(drive).error().with_context(option.origin.origin());
  if (option.interface == "pflash") {
    auto preloaded = (*drive)->preload();
    if (!preloaded) return std::move(preloaded).error().with_context(option.origin.origin());
  }
  (*drive)->set_quiet_listener([this] {
    if (waits_for_quiet_ && quiet()) loop_.post(std::exchange(waits_for_quiet_, {}));
  });
  if (!drives_.try_emplace(option.id, std::move(*drive)).second) {
    return util::Error(
        util::ErrorCode::kInvalidArgument,
        fmt::format("{}: id '{}' is already taken", option.origin.origin(), option.id));
  }
  return {};
}

util::Status Backends::open_netdev(const NetdevOption& option) {
  const KeyValues& keys = option.options;
  VIREO_TRY_ASSIGN(restricted, keys.get_bool("restrict", false));
  const net::UserConfig config{.id = option.id,
                               .network = keys.get("net", "10.0.2.0/24"),
                               .host = keys.get("host"),
                               .dhcp_start = keys.get("dhcpstart"),
                               .dns = keys.get("dns"),
                               .hostname = keys.get("hostname"),
                               .domain = keys.get("domainname"),
                               .tftp_path = keys.get("tftp"),
                               .boot_file = keys.get("bootfile"),
                               .restricted = restricted,
                               .forwards = keys.all("hostfwd")};
  auto backend = net::open_user(config);
  if (!backend) return std::move(backend).error().with_context(keys.origin());
  netdevs_[option.id] = std::move(*backend);
  return {};
}

chardev::Chardev* Backends::chardev(const std::string& id) {
  if (const auto mux = muxes_.find(id); mux != muxes_.end()) return &mux->second->add_end();
  const auto found = chardevs_.find(id);
  return found == chardevs_.end() ? nullptr : found->second.get();
}

block::Drive* Backends::drive(const std::string& id) {
  const auto found = drives_.find(id);
  return found == drives_.end() ? nullptr : found->second.get();
}

bool Backends::quiet() const {
  return std::ranges::all_of(drives_,
                             [](const auto& entry) { return entry.second->in_flight() == 0; });
}

void Backends::when_quiet(std::function<void()> function) {
  {
    const core::MachineLockGuard lock;
    if (!quiet()) {
      waits_for_quiet_ = std::move(function);
      return;
    }
  }
  function();
}

util::Result<void*> Backends::resolve(std::string_view kind, std::string_view name) {
  const std::string id(name);
  if (kind == "firmware") {
    VIREO_TRY_ASSIGN(path, find_firmware(name, firmware_paths_));
    return static_cast<void*>(&(firmware_[id] = path));
  }
  void* object = nullptr;
  std::vector<std::string_view> known;
  bool shared = false;
  if (kind == "chardev") {
    shared = muxes_.contains(id);
    object = chardev(id);
    known = names_of(chardevs_);
  } else if (kind == "drive") {
    object = drive(id);
    known = names_of(drives_);
  } else if (kind == "netdev") {
    const auto found = netdevs_.find(id);
    object = found == netdevs_.end() ? nullptr : found->second.get();
    known = names_of(netdevs_);
  }
  if (object == nullptr) {
    return util::Error(util::ErrorCode::kNotFound, fmt::format("there is no {} '{}'{}", kind, name,
                                                               util::did_you_mean(name, known)));
  }
  if (!shared && !taken_.insert(fmt::format("{}/{}", kind, name)).second) {
    return util::Error(util::ErrorCode::kBusy,
                       fmt::format("{} '{}' is used by another device", kind, name));
  }
  return object;
}

}  // namespace vireo::system
