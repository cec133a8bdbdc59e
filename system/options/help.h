#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/device/device.h"
#include "util/result.h"

namespace vireo::system {

struct CommandLine;

// What options have to know of the machines, CPUs and devices in this program.
std::vector<std::string_view> machine_names();
std::string machine_help();
std::string cpu_help();
/// `-device help`, or for one type `-device X,help`. Errors: no such device.
std::string device_list_help();
util::Result<std::string> device_help(std::string_view type);
/// Errors: no such device type or property, no such value.
util::Status check_property(const core::PropertyDefault& row);
util::Status check_cpu_model(std::string_view text);
util::Status check_rtc_base(std::string_view text);

/// The argument of -accel; -machine accel= takes it too.
util::Status apply_accelerator(CommandLine& line, std::string_view argument);

}  // namespace vireo::system
