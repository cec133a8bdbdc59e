#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace vireo::system {

/// The path of firmware file `name`: as it is if it names an existing file, else in the `-L`
/// directories and where Debian and other systems install SeaBIOS. Errors: not found, with the
/// places that were tried.
util::Result<std::string> find_firmware(std::string_view name,
                                        const std::vector<std::string>& directories);

}  // namespace vireo::system
