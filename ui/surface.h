#pragma once

#include <cstdint>
#include <vector>

#include "util/result.h"

namespace vireo::ui {

/// A picture of a screen: rows from the top, pixels from the left, each 0x00RRGGBB.
struct Surface {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint32_t> pixels;

  void resize(uint32_t new_width, uint32_t new_height) {
    width = new_width;
    height = new_height;
    pixels.assign(size_t{width} * height, 0);
  }
  uint32_t* row(uint32_t y) { return pixels.data() + size_t{y} * width; }
  const uint32_t* row(uint32_t y) const { return pixels.data() + size_t{y} * width; }
};

/// The pixels as files of pictures hold them: red, green, blue, a byte each. Errors: nothing is
/// shown.
util::Result<std::vector<uint8_t>> rgb_bytes(const Surface& surface);

/// What can be looked at: a graphics card's output. Machine lock held.
class Screen {
 public:
  virtual ~Screen() = default;
  /// Draws what is shown now into `surface`, whatever size that has.
  virtual void render(Surface& surface) = 0;
};

}  // namespace vireo::ui
