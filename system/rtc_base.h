#pragma once

#include <cstdint>
#include <string_view>

#include "util/result.h"

namespace vireo::system {

/// What the clock shows at start for -rtc base=, in seconds since 1970: "utc", "localtime", or
/// "YYYY-MM-DD" with an optional "Thh:mm:ss". Errors: anything else.
util::Result<int64_t> rtc_start_seconds(std::string_view base);

}  // namespace vireo::system
