// What all kinds of picture files begin with.

#include "ui/surface.h"

namespace vireo::ui {

util::Result<std::vector<uint8_t>> rgb_bytes(const Surface& surface) {
  if (surface.width == 0 || surface.height == 0) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       "the screen shows nothing that could be written");
  }
  std::vector<uint8_t> bytes;
  bytes.reserve(surface.pixels.size() * 3);
  for (const uint32_t pixel : surface.pixels) {
    for (const unsigned shift : {16u, 8u, 0u}) {
      bytes.push_back(static_cast<uint8_t>(pixel >> shift));
    }
  }
  return bytes;
}

}  // namespace vireo::ui
