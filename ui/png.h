#pragma once

#include <string>

#include "ui/surface.h"
#include "util/result.h"

namespace vireo::ui {

/// Writes `surface` as a PNG file of 8-bit RGB. Errors: an empty surface, what the host says, or a
/// build without libpng; no partial file is left.
util::Status write_png(const Surface& surface, const std::string& path);

}  // namespace vireo::ui
