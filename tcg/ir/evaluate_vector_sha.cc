// Steps of SHA-1 and SHA-256 (FIPS 180-4) as the SHA extensions have them. Words are numbered from
// the lowest lane; SHA-1 keeps its first word in the highest.

#include <bit>

#include "tcg/ir/evaluate_vector.h"

namespace vireo::tcg {
namespace {

uint32_t word(const VectorValue& value, unsigned lane) { return value.lane<uint32_t>(lane); }

uint32_t choose(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (~x & z); }
uint32_t majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (x & z) ^ (y & z); }
uint32_t parity(uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; }

/// SHA1RNDS4: four rounds of the quarter that the immediate names. The first word of b has E added
/// to it already.
void sha1_rounds(VectorOperation& o) {
  struct Quarter {
    uint32_t (*mix)(uint32_t, uint32_t, uint32_t);
    uint32_t constant;
  };
  constexpr Quarter kQuarters[] = {
      {choose, 0x5a827999}, {parity, 0x6ed9eba1}, {majority, 0x8f1bbcdc}, {parity, 0xca62c1d6}};
  const Quarter& quarter = kQuarters[o.imm & 3];
  uint32_t a = word(o.a, 3), b = word(o.a, 2), c = word(o.a, 1), d = word(o.a, 0), e = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t next =
        quarter.mix(b, c, d) + std::rotl(a, 5) + word(o.b, 3 - i) + e + quarter.constant;
    e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
  }
  o.result.set_lane(3, a);
  o.result.set_lane(2, b);
  o.result.set_lane(1, c);
  o.result.set_lane(0, d);
}

void sha1_next_e(VectorOperation& o) {
  o.result = o.b;
  o.result.set_lane(3, word(o.b, 3) + std::rotl(word(o.a, 3), 30));
}

void sha1_message_1(VectorOperation& o) {
  o.result.set_lane(3, word(o.a, 1) ^ word(o.a, 3));
  o.result.set_lane(2, word(o.a, 0) ^ word(o.a, 2));
  o.result.set_lane(1, word(o.b, 3) ^ word(o.a, 1));
  o.result.set_lane(0, word(o.b, 2) ^ word(o.a, 0));
}

void sha1_message_2(VectorOperation& o) {
  const uint32_t first = std::rotl(word(o.a, 3) ^ word(o.b, 2), 1);
  o.result.set_lane(3, first);
  o.result.set_lane(2, std::rotl(word(o.a, 2) ^ word(o.b, 1), 1));
  o.result.set_lane(1, std::rotl(word(o.a, 1) ^ word(o.b, 0), 1));
  o.result.set_lane(0, std::rotl(word(o.a, 0) ^ first, 1));
}

uint32_t big_sigma_0(uint32_t x) { return std::rotr(x, 2) ^ std::rotr(x, 13) ^ std::rotr(x, 22); }
uint32_t big_sigma_1(uint32_t x) { return std::rotr(x, 6) ^ std::rotr(x, 11) ^ std::rotr(x, 25); }
uint32_t small_sigma_0(uint32_t x) { return std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3; }
uint32_t small_sigma_1(uint32_t x) { return std::rotr(x, 17) ^ std::rotr(x, 19) ^ x >> 10; }

/// SHA256RNDS2: a has C, D, G, H, b has A, B, E, F; c has two words with their constants added.
void sha256_rounds(VectorOperation& o) {
  uint32_t a = word(o.b, 3), b = word(o.b, 2), c = word(o.a, 3), d = word(o.a, 2);
  uint32_t e = word(o.b, 1), f = word(o.b, 0), g = word(o.a, 1), h = word(o.a, 0);
  for (unsigned i = 0; i < 2; ++i) {
    const uint32_t sum = choose(e, f, g) + big_sigma_1(e) + word(o.c, i) + h;
    const uint32_t next = sum + majority(a, b, c) + big_sigma_0(a);
    h = g, g = f, f = e, e = d + sum;
    d = c, c = b, b = a, a = next;
  }
  o.result.set_lane(3, a);
  o.result.set_lane(2, b);
  o.result.set_lane(1, e);
  o.result.set_lane(0, f);
}

void sha256_message_1(VectorOperation& o) {
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t next = i < 3 ? word(o.a, i + 1) : word(o.b, 0);
    o.result.set_lane(i, word(o.a, i) + small_sigma_0(next));
  }
}

void sha256_message_2(VectorOperation& o) {
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t before = i < 2 ? word(o.b, i + 2) : word(o.result, i - 2);
    o.result.set_lane(i, word(o.a, i) + small_sigma_1(before));
  }
}

using enum VectorOpcode;
constexpr VectorRow kRows[] = {
    {kSha1rnds4, sha1_rounds},       {kSha1nexte, sha1_next_e},     {kSha1msg1, sha1_message_1},
    {kSha1msg2, sha1_message_2},     {kSha256rnds2, sha256_rounds}, {kSha256msg1, sha256_message_1},
    {kSha256msg2, sha256_message_2},
};

}  // namespace

std::span<const VectorRow> vector_sha_rows() { return kRows; }

}  // namespace vireo::tcg
