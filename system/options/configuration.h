#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/device/device.h"
#include "system/options/key_values.h"

namespace vireo::system {

/// -drive and its short forms.
struct DriveOption {
  std::string id;
  std::string file;
  std::string format;             ///< Empty: probed.
  std::string interface = "ide";  ///< ide, virtio, floppy, none, ...
  std::string media = "disk";     ///< disk or cdrom
  int index = -1;                 ///< -1: the next free place.
  bool read_only = false;
  bool snapshot = false;
  KeyValues origin;
};

/// -netdev and the back-end half of -nic.
struct NetdevOption {
  std::string id;
  std::string type;   ///< user
  KeyValues options;  ///< Keys of that type.
};

/// A network card that -nic or -net asked for.
struct NicOption {
  std::string netdev;
  std::string model;
  std::string mac;
};

struct ChardevOption {
  std::string id;
  std::string backend;  ///< stdio, file, null, pty, socket, ...
  KeyValues options;
  bool mux = false;  ///< Shared between a device and the monitor (C-a c).
};

struct DeviceOption {
  std::string type;
  KeyValues options;   ///< Properties, with bus, addr and id.
  std::string origin;  ///< The option that means it, for messages; empty: -device.
};

enum class Action : uint8_t { reset, shutdown, pause, poweroff, exit_failure, none };

/// A machine as the user described it: what the command line (and later config files and QMP) are
/// views of.
struct Configuration {
  static constexpr uint64_t kUsualCodeCacheBytes = uint64_t{64} << 20;

  std::string machine = "pc";
  std::string cpu_model = "max";
  std::string accelerator = "tcg";
  std::string accelerator_backend = "jit";
  /// Host code; what is known of it takes half as much again. With the default a process stays
  /// within 150 MiB beyond its guest's RAM.
  uint64_t code_cache_bytes = kUsualCodeCacheBytes;
  bool perf_map = false;
  bool profile = false;  ///< -accel tcg,profile=on
  uint64_t ram_bytes = uint64_t{128} << 20;
  unsigned cpus = 1;
  std::string name = "vireo";
  std::array<uint8_t, 16> uuid{};  ///< In the order of the text; zeros for none.
  std::string bios;
  std::vector<std::string> firmware_paths;  ///< -L, searched first.
  std::string kernel, initrd, append;
  std::string boot_order = "cad";
  bool boot_menu = false;
  std::string rtc_base = "utc";  ///< utc, localtime or a date
  std::string vga = "std";
  std::string display = "none";
  bool usb = false;
  std::array<std::string, 2> flash;  // ids of drives; set by complete_defaults
  bool system_management = true;     // -machine smm=
  bool no_defaults = false;
  bool start_paused = false;
  Action on_reboot = Action::reset;
  Action on_shutdown = Action::poweroff;
  Action on_panic = Action::shutdown;
  std::string pid_file;
  bool daemonize = false;
  bool no_graphic = false;

  std::vector<DriveOption> drives;
  bool snapshot_all = false;
  std::vector<NetdevOption> netdevs;
  std::vector<NicOption> nics;
  bool default_nic = true;  ///< Neither -nic, -net nor -netdev was given.
  std::vector<ChardevOption> chardevs;
  std::vector<DeviceOption> devices;
  std::vector<std::string> serials;  ///< Chardev ids, or "none".
  std::string monitor;               ///< Chardev id; empty: none.
  bool monitor_given = false;
  std::string debugcon;  ///< Chardev id of -debugcon.
  std::vector<core::PropertyDefault> globals;

  std::string log_file;
};

}  // namespace vireo::system
