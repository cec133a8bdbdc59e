// Stands in for the PNG writer in a build without libpng.

#include "ui/png.h"

namespace vireo::ui {

util::Status write_png(const Surface&, const std::string&) {
  return util::Error(util::ErrorCode::kUnsupported,
                     "this program was built without libpng and cannot write PNG files");
}

}  // namespace vireo::ui
