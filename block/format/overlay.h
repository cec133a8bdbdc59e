#pragma once

#include <memory>

#include "block/node.h"

namespace vireo::block {

/// Keeps writes in `store` (empty, as large as `base`) and leaves `base` as it is: snapshot=on.
std::unique_ptr<Node> make_overlay(std::unique_ptr<Node> base, std::unique_ptr<Node> store);

}  // namespace vireo::block
