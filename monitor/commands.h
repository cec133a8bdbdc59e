#pragma once

#include <string>
#include <string_view>

namespace vireo::monitor {

class Control;

/// Carries out one line of the human monitor and returns what to print (with a final line feed, or
/// empty). Errors are text too, beginning with "Error: ".
std::string run_command(Control& control, std::string_view line);

}  // namespace vireo::monitor
