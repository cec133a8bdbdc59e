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
  if (surface.width == 0 || surface.height == 0) {
    return Error(ErrorCode::kInvalidArgument, "the screen shows nothing that could be written");
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) {
    return Error(ErrorCode::kIo, fmt::format("cannot create '{}': {}", path, std::strerror(errno)));
  }
  std::string bytes = fmt::format("P6\n{} {}\n255\n", surface.width, surface.height);
  for (const uint32_t pixel : surface.pixels) {
    for (const unsigned shift : {16u, 8u, 0u}) bytes += static_cast<char>(pixel >> shift);
  }
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file) return {};
  const int failure = errno;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return Error(ErrorCode::kIo, fmt::format("cannot write '{}': {}", path, std::strerror(failure)));
}

}  // namespace vireo::ui
