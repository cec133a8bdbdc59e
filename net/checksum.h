#pragma once

#include <cstdint>
#include <span>

namespace vireo::net {

/// Adds the 16-bit words of a ones' complement sum up to one.
uint16_t fold_sum(uint64_t sum);

/// The ones' complement sum of the bytes as 16-bit words in network order (RFC 1071), folded to 16
/// bits and not complemented; a last odd byte is a high one.
uint16_t internet_sum(std::span<const uint8_t> bytes);

}  // namespace vireo::net
