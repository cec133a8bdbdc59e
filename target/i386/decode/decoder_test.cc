// The decoder agrees with capstone about lengths and mnemonics, over random bytes and over real
// code.

#include "target/i386/decode/decoder.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "target/i386/decode/capstone_comparison.h"

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

std::vector<uint8_t> text_section(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> image((std::istreambuf_iterator<char>(file)), {});
  if (image.size() < sizeof(Elf64_Ehdr)) return {};
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(image.data());
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(image.data() + header->e_shoff);
  const char* names = image.data() + sections[header->e_shstrndx].sh_offset;
  for (unsigned i = 0; i < header->e_shnum; ++i) {
    if (std::strcmp(names + sections[i].sh_name, ".text") != 0) continue;
    const char* text = image.data() + sections[i].sh_offset;
    return {text, text + sections[i].sh_size};
  }
  return {};
}

void compare_file(const char* path) {
  const std::vector<uint8_t> text = text_section(path);
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

TEST(Decoder, AgreesOnTheShell) { compare_file("/bin/bash"); }
TEST(Decoder, AgreesOnTheLibrary) { compare_file("/lib/x86_64-linux-gnu/libc.so.6"); }

}  // namespace
}  // namespace vireo::i386
