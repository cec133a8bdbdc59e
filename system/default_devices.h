#pragma once

#include "system/options/configuration.h"
#include "util/result.h"

namespace vireo::system {

/// Turns what the short options stand for into devices, and adds what a machine has unless
/// -nodefaults says otherwise: ids for drives, disks and cards for drives and networks, a serial
/// port and a monitor on the terminal. Errors: places that are taken twice.
util::Status complete_defaults(Configuration& configuration);

}  // namespace vireo::system
