// From QEMU's short options to the devices that they mean.

#include "system/default_devices.h"

#include <fmt/format.h>

#include <set>

#include "core/device/registry.h"
#include "net/user.h"
#include "system/options/character_spec.h"
#include "util/text.h"

namespace vireo::system {

namespace {

constexpr std::string_view kDefaultCard = "virtio-net-pci";

std::string origin_of(const DriveOption& drive) {
  return fmt::format("{} {}", drive.origin.origin(), drive.file);
}

DeviceOption device(std::string_view type,
                    std::initializer_list<std::pair<const char*, std::string>> properties) {
  DeviceOption option{.type = std::string(type), .options = {}, .origin = {}};
  for (const auto& [key, value] : properties) {
    if (!value.empty()) option.options.set(key, value);
  }
  return option;
}

// Gives drives their place (index counts on within an interface) and id.
util::Status place_drives(Configuration& configuration) {
  std::set<std::pair<std::string, int>> taken;
  for (DriveOption& drive : configuration.drives) {
    if (drive.interface == "none") continue;
    if (drive.index >= 0 && !taken.insert({drive.interface, drive.index}).second) {
      return util::Error(
          util::ErrorCode::kInvalidArgument,
          fmt::format("{} {}: index {} of interface {} is used twice", drive.origin.origin(),
                      drive.file, drive.index, drive.interface));
    }
  }
  for (DriveOption& drive : configuration.drives) {
    for (int index = 0; drive.interface != "none" && drive.index < 0; ++index) {
      if (taken.insert({drive.interface, index}).second) drive.index = index;
    }
    if (drive.id.empty()) {
      drive.id = fmt::format("{}{}-{}", drive.interface, drive.index,
                             drive.media == "cdrom" ? "cd" : "hd");
    }
  }
  return {};
}

// One controller for the drives that there are.
util::Status add_floppies(Configuration& configuration) {
  DeviceOption controller{.type = "isa-fdc", .options = {}, .origin = {}};
  bool any = false;
  for (const DriveOption& drive : configuration.drives) {
    if (drive.interface != "floppy") continue;
    if (drive.index > 1) {
      return util::Error(util::ErrorCode::kInvalidArgument,
                         fmt::format("{}: index={}: floppy drives have places 0 and 1",
                                     drive.origin.origin(), drive.index));
    }
    controller.options.set(drive.index == 0 ? "driveA" : "driveB", drive.id);
    if (any) controller.origin += ", ";
    controller.origin += origin_of(drive);
    any = true;
  }
  if (any) configuration.devices.push_back(std::move(controller));
  return {};
}

// The flash that firmware starts in, and one for its variables.
util::Status add_flash(Configuration& configuration) {
  for (const DriveOption& drive : configuration.drives) {
    if (drive.interface != "pflash") continue;
    if (static_cast<size_t>(drive.index) >= configuration.flash.size()) {
      return util::Error(
          util::ErrorCode::kInvalidArgument,
          fmt::format("{}: unit={}: flash has places 0 and 1", drive.origin.origin(), drive.index));
    }
    configuration.flash[static_cast<size_t>(drive.index)] = drive.id;
  }
  const bool has_code = !configuration.flash[0].empty();
  if (!has_code && !configuration.flash[1].empty()) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       "-drive if=pflash,unit=1: firmware starts in unit 0, which is missing");
  }
  if (has_code && !configuration.bios.empty()) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       "-bios: firmware is in -drive if=pflash,unit=0 already");
  }
  return {};
}

util::Status add_disks(Configuration& configuration) {
  VIREO_TRY(place_drives(configuration));
  for (const DriveOption& drive : configuration.drives) {
    if (drive.interface == "virtio") {
      configuration.devices.push_back(device("virtio-blk-pci", {{"drive", drive.id}}));
      configuration.devices.back().origin = origin_of(drive);
    } else if (drive.interface == "ide") {
      if (drive.index > 3) {
        return util::Error(
            util::ErrorCode::kInvalidArgument,
            fmt::format("{}: index={}: IDE has places 0 to 3", drive.origin.origin(), drive.index));
      }
      configuration.devices.push_back(device(drive.media == "cdrom" ? "ide-cd" : "ide-hd",
                                             {{"drive", drive.id},
                                              {"bus", fmt::format("ide.{}", drive.index / 2)},
                                              {"unit", std::to_string(drive.index % 2)}}));
      configuration.devices.back().origin = origin_of(drive);
    }
  }
  VIREO_TRY(add_flash(configuration));
  return add_floppies(configuration);
}

// First, so that it takes the first slot; a display card by -device replaces it.
void add_display(Configuration& configuration) {
  constexpr const char* kCard = "VGA";
  if (configuration.vga == "none" || configuration.no_defaults) return;
  for (const DeviceOption& option : configuration.devices) {
    if (option.type == kCard) return;
  }
  configuration.devices.insert(configuration.devices.begin(), device(kCard, {}));
}

util::Status add_cards(Configuration& configuration) {
  if (configuration.default_nic && !configuration.no_defaults && net::has_user_network()) {
    VIREO_TRY_ASSIGN(options, KeyValues::parse("-nic", "user", "type"));
    configuration.netdevs.push_back({.id = "nic0", .type = "user", .options = options});
    configuration.nics.push_back({.netdev = "nic0", .model = "", .mac = ""});
  }
  for (const NicOption& nic : configuration.nics) {
    std::string model =
        nic.model.empty() || nic.model == "virtio" ? std::string(kDefaultCard) : nic.model;
    if (core::DeviceRegistry::global().find(model) == nullptr) {
      return util::Error(
          util::ErrorCode::kNotFound,
          fmt::format("-nic model={}: there is no such card; use {}", model, kDefaultCard));
    }
    configuration.devices.push_back(device(model, {{"netdev", nic.netdev}, {"mac", nic.mac}}));
  }
  return {};
}

// -nographic puts serial port and monitor on the terminal; without a display there is nothing else
// to see.
util::Status add_terminal(Configuration& configuration) {
  if (configuration.no_defaults || !configuration.serials.empty()) return {};
  if (!configuration.no_graphic && configuration.monitor_given) return {};
  bool stdio_free = true;
  for (const ChardevOption& chardev : configuration.chardevs) {
    stdio_free = stdio_free && chardev.backend != "stdio";
  }
  if (!configuration.no_graphic || !stdio_free) return {};
  const bool with_monitor = !configuration.monitor_given;
  VIREO_TRY_ASSIGN(
      id, chardev_from_spec(configuration, "-nographic", with_monitor ? "mon:stdio" : "stdio"));
  configuration.serials.push_back(id);
  return {};
}

util::Status check_combinations(const Configuration& configuration) {
  const auto alone = [](const char* option) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("{}: needs -kernel, which is missing", option));
  };
  if (configuration.kernel.empty() && !configuration.initrd.empty()) return alone("-initrd");
  if (configuration.kernel.empty() && !configuration.append.empty()) return alone("-append");
  if (configuration.daemonize && configuration.no_graphic) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       "-daemonize: has no terminal for -nographic; use -display none");
  }
  return {};
}

}  // namespace

util::Status complete_defaults(Configuration& configuration) {
  VIREO_TRY(check_combinations(configuration));
  VIREO_TRY(add_terminal(configuration));
  add_display(configuration);
  if (!configuration.debugcon.empty()) {
    configuration.devices.push_back(device("isa-debugcon", {{"chardev", configuration.debugcon}}));
  }
  VIREO_TRY(add_disks(configuration));
  return add_cards(configuration);
}

}  // namespace vireo::system
