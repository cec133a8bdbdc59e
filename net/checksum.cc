#include "net/checksum.h"

#include "util/byte_order.h"

namespace vireo::net {

uint16_t fold_sum(uint64_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// Ones' complement addition does not mind the order of bytes: words are added as they lie there,
// four at a time, carries come in again below, and the sum is turned round at the end.
uint16_t internet_sum(std::span<const uint8_t> bytes) {
  uint64_t sum = 0;
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= bytes.size(); at += sizeof(uint64_t)) {
    const auto words = util::load_little<uint64_t>(&bytes[at]);
    sum += words;
    sum += sum < words;
  }
  sum = (sum & 0xffffffff) + (sum >> 32);
  for (; at + sizeof(uint16_t) <= bytes.size(); at += sizeof(uint16_t)) {
    sum += util::load_little<uint16_t>(&bytes[at]);
  }
  if (at < bytes.size()) sum += bytes[at];
  return util::swap_bytes(fold_sum(sum));
}

}  // namespace vireo::net
