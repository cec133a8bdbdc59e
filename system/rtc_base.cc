// Start values of the real-time clock.

#include "system/rtc_base.h"

#include <fmt/format.h>

#include <ctime>
#include <string>

#include "core/clock/guest_clock.h"

namespace vireo::system {

util::Result<int64_t> rtc_start_seconds(std::string_view base) {
  const std::time_t now = core::host_utc_ns() / 1'000'000'000;
  if (base == "utc") return static_cast<int64_t>(now);
  std::tm fields{};
  if (base == "localtime") {
    ::localtime_r(&now, &fields);
    return static_cast<int64_t>(::timegm(&fields));
  }
  const std::string text(base);
  for (const char* form : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"}) {
    fields = {};
    const char* end = ::strptime(text.c_str(), form, &fields);
    if (end != nullptr && *end == 0) return static_cast<int64_t>(::timegm(&fields));
  }
  return util::Error(
      util::ErrorCode::kInvalidArgument,
      fmt::format("-rtc base={}: expected utc, localtime or a date such as 2026-01-31T12:00:00",
                  base));
}

}  // namespace vireo::system
