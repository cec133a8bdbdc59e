#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace vireo::ui {

/// The Linux input event codes of a chord such as "ctrl-alt-delete", in the order in which the keys
/// go down. Names are QEMU's (QKeyCode). Errors: no such key, with the nearest.
util::Result<std::vector<uint16_t>> parse_chord(std::string_view text);

}  // namespace vireo::ui
