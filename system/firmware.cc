// Where firmware images are installed.

#include "system/firmware.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

namespace vireo::system {

util::Result<std::string> find_firmware(std::string_view name,
                                        const std::vector<std::string>& directories) {
  std::error_code ignored;
  if (name.find('/') != std::string_view::npos || std::filesystem::exists(name, ignored)) {
    return std::string(name);
  }
  std::vector<std::string> places = directories;
  for (const char* place : {"/usr/share/seabios", "/usr/share/qemu", "/usr/local/share/qemu",
                            "/opt/homebrew/share/qemu"}) {
    places.emplace_back(place);
  }
  for (const std::string& place : places) {
    std::string path = fmt::format("{}/{}", place, name);
    if (std::filesystem::exists(path, ignored)) return path;
  }
  return util::Error(util::ErrorCode::kNotFound,
                     fmt::format("firmware '{}' is in none of {}; install the package 'seabios' or "
                                 "name its directory with -L",
                                 name, fmt::join(places, ", ")));
}

}  // namespace vireo::system
