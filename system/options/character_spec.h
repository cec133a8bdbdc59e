#pragma once

#include <string>
#include <string_view>

#include "system/options/configuration.h"
#include "util/result.h"

namespace vireo::system {

/// -chardev's keys as a ChardevOption. Errors: an unknown back end or key, no id.
util::Result<ChardevOption> chardev_from_options(const KeyValues& options);

/// Understands the short forms of -serial and -monitor ("mon:stdio", "file:log",
/// "unix:path,server=on"); adds the chardev that they describe and returns its id, or "none".
util::Result<std::string> chardev_from_spec(Configuration& configuration, std::string_view origin,
                                            std::string_view spec);

/// Errors: the id is taken.
util::Status add_chardev(Configuration& configuration, ChardevOption chardev);

}  // namespace vireo::system
