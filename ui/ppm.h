#pragma once

#include <string>

#include "ui/surface.h"
#include "util/result.h"

namespace vireo::ui {

/// Writes `surface` as a binary portable pixmap (P6). Errors: an empty surface, what the host says;
/// no partial file is left.
util::Status write_ppm(const Surface& surface, const std::string& path);

}  // namespace vireo::ui
