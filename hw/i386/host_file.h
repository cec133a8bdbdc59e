#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "util/result.h"

namespace vireo::hw {

/// The contents of a regular file of 1 to `max_size` bytes. Errors: missing, unreadable, a
/// directory, empty, larger.
util::Result<std::vector<std::byte>> read_host_file(const std::string& path, size_t max_size);

}  // namespace vireo::hw
