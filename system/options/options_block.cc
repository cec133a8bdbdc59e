// Options that name disks.

#include <fmt/format.h>

#include "system/options/command_line.h"

namespace vireo::system {

namespace {

const std::vector<std::string_view> kInterfaces = {"ide", "virtio", "floppy", "pflash", "none"};
const std::vector<std::string_view> kFormats = {"raw"};

util::Status apply_drive(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-drive", argument));
  VIREO_TRY(options.check_keys({"file", "if", "format", "id", "media", "index", "bus", "unit",
                                "readonly", "read-only", "snapshot", "cache", "aio", "discard",
                                "werror", "rerror", "serial"}));
  DriveOption drive;
  drive.file = options.get("file");
  drive.id = options.get("id");
  VIREO_TRY_ASSIGN(interface, options.get_choice("if", "ide", kInterfaces));
  drive.interface = interface;
  VIREO_TRY_ASSIGN(format, options.get_choice("format", "", kFormats));
  drive.format = format;
  VIREO_TRY_ASSIGN(media, options.get_choice("media", "disk", {"disk", "cdrom"}));
  drive.media = media;
  VIREO_TRY_ASSIGN(snapshot, options.get_bool("snapshot", false));
  drive.snapshot = snapshot;
  VIREO_TRY_ASSIGN(read_only, options.get_bool(options.has("readonly") ? "readonly" : "read-only",
                                               drive.media == "cdrom"));
  drive.read_only = read_only;
  if (options.has("index")) {
    VIREO_TRY_ASSIGN(index, options.get_number("index", 0, 31));
    drive.index = static_cast<int>(index);
  } else if (drive.interface == "pflash" && options.has("unit")) {
    VIREO_TRY_ASSIGN(unit, options.get_number("unit", 0, 31));
    drive.index = static_cast<int>(unit);
  }
  if (drive.file.empty() && drive.media == "disk") {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("-drive {}: file= is missing", argument));
  }
  if (drive.interface == "none" && drive.id.empty()) {
    return util::Error(
        util::ErrorCode::kInvalidArgument,
        fmt::format("-drive {}: if=none needs id=, for a -device to refer to", argument));
  }
  drive.origin = options;
  line.configuration.drives.push_back(std::move(drive));
  return {};
}

util::Status add_drive(CommandLine& line, std::string_view origin, std::string_view file,
                       std::string_view interface, std::string_view media, int index) {
  DriveOption drive;
  VIREO_TRY_ASSIGN(options, KeyValues::parse(origin, ""));
  drive.origin = options;
  drive.file = file;
  drive.interface = interface;
  drive.media = media;
  drive.read_only = media == "cdrom";
  drive.index = index;
  line.configuration.drives.push_back(std::move(drive));
  return {};
}

template <int index>
util::Status apply_hard_disk(CommandLine& line, std::string_view file) {
  static constexpr std::string_view kNames[] = {"-hda", "-hdb", "-hdc", "-hdd"};
  return add_drive(line, kNames[index], file, "ide", "disk", index);
}

template <int index>
util::Status apply_floppy(CommandLine& line, std::string_view file) {
  static constexpr std::string_view kNames[] = {"-fda", "-fdb"};
  return add_drive(line, kNames[index], file, "floppy", "disk", index);
}

util::Status apply_cdrom(CommandLine& line, std::string_view file) {
  return add_drive(line, "-cdrom", file, "ide", "cdrom", 2);
}

util::Status apply_snapshot(CommandLine& line, std::string_view) {
  line.configuration.snapshot_all = true;
  return {};
}

}  // namespace

std::span<const OptionRow> block_options() {
  static constexpr OptionRow kRows[] = {
      {"hda", "file", "first IDE disk", &apply_hard_disk<0>},
      {"hdb", "file", "second IDE disk", &apply_hard_disk<1>},
      {"hdc", "file", "third IDE disk", &apply_hard_disk<2>},
      {"hdd", "file", "fourth IDE disk", &apply_hard_disk<3>},
      {"cdrom", "file", "CD-ROM image, in the place of the third IDE disk", &apply_cdrom},
      {"fda", "file", "first floppy disk", &apply_floppy<0>},
      {"fdb", "file", "second floppy disk", &apply_floppy<1>},
      {"drive",
       "file=path[,if=ide|virtio|floppy|pflash|none][,format=raw][,media=disk|cdrom][,index=n][,id="
       "name]"
       "[,readonly=on][,snapshot=on]",
       "a disk", &apply_drive},
      {"snapshot", "", "write to temporary files instead of the images", &apply_snapshot},
  };
  return kRows;
}

}  // namespace vireo::system
