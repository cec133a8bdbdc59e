// Portable pixmaps: a line of text, and three bytes a pixel.

#include "ui/ppm.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace vireo::ui {

util::Status write_ppm(const Surface& surface, const std::string& path) {
  using util::Error;
  using util::ErrorCode;
  VIREO_TRY_ASSIGN(bytes, rgb_bytes(surface));
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) {
    return Error(ErrorCode::kIo, fmt::format("cannot create '{}': {}", path, std::strerror(errno)));
  }
  file << fmt::format("P6\n{} {}\n255\n", surface.width, surface.height);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file) return {};
  const int failure = errno;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return Error(ErrorCode::kIo, fmt::format("cannot write '{}': {}", path, std::strerror(failure)));
}

}  // namespace vireo::ui
