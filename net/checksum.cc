#include "net/checksum.h"

#include "util/byte_order.h"

namespace vireo::net {

// Ones' complement addition does not mind the order of bytes: words are added as they lie there,
// two at a time, and the sum is turned round at the end.
uint16_t internet_sum(std::span<const uint8_t> bytes) {
  uint64_t sum = 0;
  size_t at = 0;
  for (; at + sizeof(uint32_t) <= bytes.size(); at += sizeof(uint32_t)) {
    sum += util::load_little<uint32_t>(&bytes[at]);
  }
  if (at + sizeof(uint16_t) <= bytes.size()) {
    sum += util::load_little<uint16_t>(&bytes[at]);
    at += sizeof(uint16_t);
  }
  if (at < bytes.size()) sum += bytes[at];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return util::swap_bytes(static_cast<uint16_t>(sum));
}

}  // namespace vireo::net
