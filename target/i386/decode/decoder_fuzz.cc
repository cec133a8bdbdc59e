// Looks for bytes that the decoder takes differently from capstone, or that break its promises:
// instructions made of the tables, with bytes changed, inserted and left out.
//
//     decoder_fuzz [seconds [seed]]
//     decoder_fuzz corpus FOLDER
//
// decoder_libfuzzer makes the same checks under libFuzzer; the second form writes what it begins
// with.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include "target/i386/decode/capstone_comparison.h"
#include "target/i386/decode/decoder.h"
#include "target/i386/decode/tables.h"
#include "util/text.h"

namespace vireo::i386 {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr unsigned kModes[] = {16, 32, 64};

[[noreturn]] void fail(const char* what, const Bytes& bytes) {
  std::printf("%s: %s\n", what, util::hex_bytes(std::as_bytes(std::span(bytes)), " ").c_str());
  std::abort();
}

/// The promises of decoder.h: lengths are in bounds, and no byte behind an instruction counts.
void check_promises(unsigned bits, const FeatureSet& features, const Bytes& bytes) {
  const DecodeMode mode{static_cast<uint8_t>(bits), features};
  Insn insn, again;
  const DecodeStatus status = decode(mode, bytes, insn);
  if (insn.length > kMaxInsnLength || insn.length > bytes.size()) fail("too long", bytes);
  if (status != DecodeStatus::kOk) return;
  if (insn.length == 0) fail("empty", bytes);
  const std::span<const uint8_t> exact(bytes.data(), insn.length);
  if (decode(mode, exact, again) != DecodeStatus::kOk || again.row != insn.row)
    fail("needs bytes behind it", bytes);
  if (decode(mode, exact.first(exact.size() - 1), again) != DecodeStatus::kNeedsMore)
    fail("does not need its last byte", bytes);
}

struct Checker {
  Capstone capstones[3]{Capstone(16), Capstone(32), Capstone(64)};
  FeatureSet all = FeatureSet::all();
  DecoderTally tally;

  void check(const Bytes& bytes) {
    for (unsigned i = 0; i < 3; ++i) {
      check_promises(kModes[i], all, bytes);
      check_promises(kModes[i], FeatureSet(), bytes);
      compare_decoders(kModes[i], capstones[i], bytes, tally);
    }
  }
};

int report(const DecoderTally& tally) {
  for (const auto& [what, example] : tally.differences)
    std::printf("%s: %s\n", what.c_str(), example.c_str());
  std::printf("%u encodings, %zu differences without a reason\n", tally.compared,
              tally.differences.size());
  return tally.differences.empty() ? 0 : 1;
}

#ifdef VIREO_LIBFUZZER
void check_or_abort(const uint8_t* data, size_t size) {
  static Checker checker;
  checker.check({data, data + size});
  if (checker.tally.differences.empty()) return;
  report(checker.tally);
  std::fflush(stdout);
  std::abort();
}
#else
/// An instruction of each row, as far as its opcode and what it demands go.
std::vector<Bytes> corpus() {
  std::vector<Bytes> all;
  for (const Map map : {Map::kOneByte, Map::k0f, Map::k0f38, Map::k0f3a}) {
    for (const Row& row : rows(map)) {
      const Attributes prefix = row.attributes & prefix_mask;
      Bytes bytes;
      if (is_vex(row.attributes)) {
        const unsigned pp = prefix == prefix_66   ? 1
                            : prefix == prefix_f3 ? 2
                            : prefix == prefix_f2 ? 3
                                                  : 0;
        const unsigned w = row.attributes & vex_w1 ? 0x80 : 0, l = row.attributes & vex_l1 ? 4 : 0;
        bytes = {0xc4, static_cast<uint8_t>(0xe0 | static_cast<unsigned>(map)),
                 static_cast<uint8_t>(w | 0x78 | l | pp)};
      } else {
        if (prefix == prefix_66) bytes.push_back(0x66);
        if (prefix == prefix_f3) bytes.push_back(0xf3);
        if (prefix == prefix_f2) bytes.push_back(0xf2);
        if (map != Map::kOneByte) bytes.push_back(0x0f);
        if (map == Map::k0f38) bytes.push_back(0x38);
        if (map == Map::k0f3a) bytes.push_back(0x3a);
      }
      bytes.push_back(row.opcode);
      const unsigned mod = row.attributes & register_only ? 0xc0 : 0;
      bytes.push_back(
          static_cast<uint8_t>(mod | reg_of(row.attributes) << 3 | rm_of(row.attributes)));
      all.push_back(bytes);
    }
  }
  return all;
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  Bytes next(const std::vector<Bytes>& from) {
    Bytes bytes = from[random_() % from.size()];
    if (random_() % 4 == 0) randomize_operands(bytes);
    for (unsigned n = random_() % 4; n > 0; --n) change(bytes);
    while (bytes.size() < 16) bytes.push_back(static_cast<uint8_t>(random_()));
    bytes.resize(random_() % 8 == 0 ? 1 + random_() % 16 : 16);
    return bytes;
  }

 private:
  void randomize_operands(Bytes& bytes) { bytes.back() = static_cast<uint8_t>(random_()); }

  void change(Bytes& bytes) {
    constexpr uint8_t kPrefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e,
                                     0x64, 0x65, 0x40, 0x48, 0x4f, 0xc4, 0xc5, 0x0f};
    const auto at = static_cast<ptrdiff_t>(random_() % bytes.size());
    switch (random_() % 5) {
      case 0:
        bytes[static_cast<size_t>(at)] ^= static_cast<uint8_t>(1u << random_() % 8);
        break;
      case 1:
        bytes[static_cast<size_t>(at)] = static_cast<uint8_t>(random_());
        break;
      case 2:
        bytes.insert(bytes.begin() + at, static_cast<uint8_t>(random_()));
        break;
      case 3:
        bytes.insert(bytes.begin(), kPrefixes[random_() % std::size(kPrefixes)]);
        break;
      default:
        if (bytes.size() > 1) bytes.erase(bytes.begin() + at);
    }
  }

  std::mt19937_64 random_;
};

int fuzz(double seconds, uint64_t seed) {
  Checker checker;
  Mutator mutator(seed);
  const std::vector<Bytes> from = corpus();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    for (unsigned i = 0; i < 1000; ++i) checker.check(mutator.next(from));
  }
  return report(checker.tally);
}

/// A file a row, its operands being zero.
int write_corpus(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  size_t number = 0;
  for (Bytes& bytes : corpus()) {
    bytes.resize(kMaxInsnLength);
    std::ofstream file(folder / std::to_string(number++), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!file) return 1;
  }
  return 0;
}
#endif

}  // namespace
}  // namespace vireo::i386

#ifdef VIREO_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size != 0) vireo::i386::check_or_abort(data, size);
  return 0;
}
#else
int main(int count, char** arguments) {
  using namespace vireo::i386;
  if (count == 3 && std::strcmp(arguments[1], "corpus") == 0) return write_corpus(arguments[2]);
  const double seconds = count > 1 ? std::strtod(arguments[1], nullptr) : 20;
  return fuzz(seconds, count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1);
}
#endif
