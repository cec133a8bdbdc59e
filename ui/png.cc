// PNG files, by libpng.

#include "ui/png.h"

#include <fmt/format.h>
#include <png.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace vireo::ui {

util::Status write_png(const Surface& surface, const std::string& path) {
  using util::Error;
  using util::ErrorCode;
  VIREO_TRY_ASSIGN(bytes, rgb_bytes(surface));
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) {
    return Error(ErrorCode::kIo, fmt::format("cannot create '{}': {}", path, std::strerror(errno)));
  }
  // The simplified interface of libpng needs no long jumps.
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = surface.width;
  image.height = surface.height;
  image.format = PNG_FORMAT_RGB;
  const bool written = png_image_write_to_stdio(&image, file, 0, bytes.data(), 0, nullptr) != 0;
  const bool closed = std::fclose(file) == 0;
  if (written && closed) return {};
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return Error(ErrorCode::kIo, fmt::format("cannot write '{}': {}", path,
                                           written ? std::strerror(errno) : image.message));
}

}  // namespace vireo::ui
