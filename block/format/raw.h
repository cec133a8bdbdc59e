#pragma once

#include <memory>

#include "block/node.h"

namespace vireo::block {

/// The raw format: the bytes of the disk are those of the file. A last partial sector reads as
/// zeros to its end and cannot be written past the file's size.
std::unique_ptr<Node> make_raw(std::unique_ptr<Node> file);

}  // namespace vireo::block
