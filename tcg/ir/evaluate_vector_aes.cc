// AES rounds (FIPS 197) and products of polynomials over GF(2), as AES-NI and PCLMULQDQ have them.

#include <array>
#include <bit>

#include "tcg/ir/evaluate_vector.h"

namespace vireo::tcg {
namespace {

/// A product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
constexpr uint8_t multiply(unsigned a, unsigned b) {
  unsigned product = 0;
  for (; b != 0; b >>= 1) {
    if (b & 1) product ^= a;
    a = a << 1 ^ (a & 0x80 ? 0x11b : 0);
  }
  return static_cast<uint8_t>(product);
}

using Substitution = std::array<uint8_t, 256>;

/// The S-box: the inverse, and an affine map of its bits. 3 generates all elements but 0.
constexpr Substitution make_substitution() {
  Substitution box{};
  uint8_t element = 1, inverse = 1;
  constexpr uint8_t kGenerator = 3, kInverseOfGenerator = 0xf6;
  for (unsigned i = 0; i < 255; ++i) {
    const unsigned bits = inverse * 0x0101u;
    const unsigned mapped = bits ^ bits >> 4 ^ bits >> 5 ^ bits >> 6 ^ bits >> 7;
    box[element] = static_cast<uint8_t>(mapped ^ 0x63);
    element = multiply(element, kGenerator);
    inverse = multiply(inverse, kInverseOfGenerator);
  }
  box[0] = 0x63;
  return box;
}
constexpr Substitution kSubstitution = make_substitution();

constexpr Substitution invert(const Substitution& box) {
  Substitution inverse{};
  for (unsigned i = 0; i < 256; ++i) inverse[box[i]] = static_cast<uint8_t>(i);
  return inverse;
}
constexpr Substitution kInverseSubstitution = invert(kSubstitution);

/// Byte i of the state is in row i % 4 and column i / 4.
using State = std::array<uint8_t, 16>;

/// Row r is rotated by r columns (to the left, or back), and each byte replaced.
State shift_and_substitute(const VectorValue& from, bool inverse) {
  State state;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned row = i % 4, column = i / 4;
    const unsigned other = (inverse ? column - row : column + row) % 4;
    const uint8_t byte = from.bytes[4 * other + row];
    state[i] = inverse ? kInverseSubstitution[byte] : kSubstitution[byte];
  }
  return state;
}

/// Multiplies each column by the circulant matrix whose first row is `factors`.
State mix_columns(const State& from, const std::array<uint8_t, 4>& factors) {
  State state{};
  for (unsigned i = 0; i < 16; ++i) {
    for (unsigned k = 0; k < 4; ++k) {
      state[i] ^= multiply(from[i / 4 * 4 + (i + k) % 4], factors[k]);
    }
  }
  return state;
}
State mix(const State& from) { return mix_columns(from, {2, 3, 1, 1}); }
State unmix(const State& from) { return mix_columns(from, {14, 11, 13, 9}); }

void add_round_key(VectorOperation& o, const State& state) {
  for (unsigned i = 0; i < 16; ++i) o.result.bytes[i] = state[i] ^ o.b.bytes[i];
}

void encrypt(VectorOperation& o) { add_round_key(o, mix(shift_and_substitute(o.a, false))); }
void encrypt_last(VectorOperation& o) { add_round_key(o, shift_and_substitute(o.a, false)); }
void decrypt(VectorOperation& o) { add_round_key(o, unmix(shift_and_substitute(o.a, true))); }
void decrypt_last(VectorOperation& o) { add_round_key(o, shift_and_substitute(o.a, true)); }

void unmix_key(VectorOperation& o) {  // AESIMC
  State key;
  std::memcpy(key.data(), o.b.bytes, sizeof key);
  key = unmix(key);
  std::memcpy(o.result.bytes, key.data(), sizeof key);
}

uint32_t substitute_word(uint32_t word) {
  uint32_t result = 0;
  for (unsigned i = 0; i < 32; i += 8) result |= uint32_t{kSubstitution[word >> i & 0xff]} << i;
  return result;
}

void assist_key_generation(VectorOperation& o) {  // AESKEYGENASSIST
  for (unsigned i = 0; i < 4; i += 2) {
    const uint32_t word = substitute_word(o.b.lane<uint32_t>(i + 1));
    o.result.set_lane(i, word);
    o.result.set_lane(i + 1, std::rotr(word, 8) ^ o.imm);
  }
}

void multiply_polynomials(VectorOperation& o) {  // PCLMULQDQ
  const auto a = o.a.lane<uint64_t>(o.imm & 1), b = o.b.lane<uint64_t>(o.imm >> 4 & 1);
  uint64_t low = b & 1 ? a : 0, high = 0;
  for (unsigned i = 1; i < 64; ++i) {
    if ((b >> i & 1) == 0) continue;
    low ^= a << i;
    high ^= a >> (64 - i);
  }
  o.result.set_lane(0, low);
  o.result.set_lane(1, high);
}

using enum VectorOpcode;
constexpr VectorRow kRows[] = {
    {kAesenc, encrypt},
    {kAesenclast, encrypt_last},
    {kAesdec, decrypt},
    {kAesdeclast, decrypt_last},
    {kAesimc, unmix_key},
    {kAeskeygenassist, assist_key_generation},
    {kPclmulqdq, multiply_polynomials},
};

}  // namespace

std::span<const VectorRow> vector_aes_rows() { return kRows; }

}  // namespace vireo::tcg
