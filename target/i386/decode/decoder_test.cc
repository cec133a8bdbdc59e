// The decoder agrees with capstone about lengths and mnemonics, over random bytes and over real
// code.

#include "target/i386/decode/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "target/i386/decode/capstone_comparison.h"
#include "target/i386/decode/program_text.h"

namespace vireo::i386 {
namespace {

using Tally = DecoderTally;

void compare(unsigned bits, Capstone& capstone, const uint8_t* bytes, unsigned size, Tally& tally) {
  compare_decoders(bits, capstone, {bytes, size}, tally);
}

void report(const Tally& tally) {
  for (const auto& [what, example] : tally.differences) ADD_FAILURE() << what << ": " << example;
}

void compare_random(unsigned bits, unsigned rounds) {
  Capstone capstone(bits);
  std::mt19937 random(bits);
  Tally tally;
  for (unsigned i = 0; i < rounds; ++i) {
    uint8_t bytes[15];
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    if (i & 1) bytes[0] = 0x0f;
    if (i % 4 == 2)
      bytes[0] = 0xc4, bytes[1] = static_cast<uint8_t>((bytes[1] & 0xe0) | (1 + i / 4 % 3));
    if (i % 16 == 4) bytes[0] = 0xc5;
    compare(bits, capstone, bytes, sizeof bytes, tally);
  }
  report(tally);
}

TEST(Decoder, AgreesOnRandomBytes64) { compare_random(64, 200000); }
TEST(Decoder, AgreesOnRandomBytes32) { compare_random(32, 200000); }
TEST(Decoder, AgreesOnRandomBytes16) { compare_random(16, 200000); }

void compare_file(const char* path) {
  const std::vector<uint8_t> text = program_text(path);
  if (text.empty()) GTEST_SKIP() << path << " has no .text";
  Capstone capstone(64);
  Tally tally;
  for (size_t at = 0; at + 15 < text.size();) {
    compare(64, capstone, &text[at], 15, tally);
    const unsigned length = capstone.decode(&text[at], 15);
    at += length ? length : 1;
  }
  EXPECT_GT(tally.compared, 1000u);
  report(tally);
}

TEST(ProgramText, IsCodeOfProgramsOnly) {
#ifdef __x86_64__
  const auto text = program_text("/proc/self/exe");
  const auto* const code = reinterpret_cast<const uint8_t*>(&compare_file);
  EXPECT_NE(std::search(text.begin(), text.end(), code, code + 64), text.end());
#endif
  EXPECT_TRUE(program_text("/proc/self/cmdline").empty());
  EXPECT_TRUE(program_text("/nonexistent").empty());
}

TEST(Decoder, AgreesOnTheShell) { compare_file("/bin/bash"); }
TEST(Decoder, AgreesOnTheLibrary) { compare_file("/lib/x86_64-linux-gnu/libc.so.6"); }

}  // namespace
}  // namespace vireo::i386
