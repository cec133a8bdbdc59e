// The decoder agrees with capstone about lengths and mnemonics, over random bytes and over real
// code.

#include "target/i386/decode/decoder.h"

#include <capstone/capstone.h>
#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "target/i386/decode/tables.h"

namespace vireo::i386 {
namespace {

FeatureSet all_features() {
  FeatureSet features;
  for (unsigned i = 0; i < static_cast<unsigned>(Feature::kCount); ++i) {
    features.set(static_cast<Feature>(i), true);
  }
  return features;
}
const FeatureSet kAll = all_features();

class Capstone {
 public:
  explicit Capstone(unsigned bits) {
    const cs_mode mode = bits == 64 ? CS_MODE_64 : bits == 32 ? CS_MODE_32 : CS_MODE_16;
    EXPECT_EQ(cs_open(CS_ARCH_X86, mode, &handle_), CS_ERR_OK);
    insn_ = cs_malloc(handle_);
  }
  ~Capstone() {
    cs_free(insn_, 1);
    cs_close(&handle_);
  }
  /// Length, 0 if it is no instruction.
  unsigned decode(const uint8_t* bytes, size_t size) {
    uint64_t address = 0;
    if (!cs_disasm_iter(handle_, &bytes, &size, &address, insn_)) return 0;
    return insn_->size;
  }
  std::string mnemonic() const { return insn_->mnemonic; }
  std::string text() const { return mnemonic() + " " + insn_->op_str; }

 private:
  csh handle_;
  cs_insn* insn_;
};

std::string hex(const uint8_t* bytes, unsigned size) {
  std::string text;
  char digits[4];
  for (unsigned i = 0; i < size; ++i) {
    std::snprintf(digits, sizeof digits, "%02x ", bytes[i]);
    text += digits;
  }
  return text;
}

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

std::string without_prefixes(std::string name) {
  const size_t blank = name.rfind(' ');
  return blank == std::string::npos ? name : name.substr(blank + 1);
}

/// Predicates in the names of comparisons, sizes of what VCVTPD2DQ and the like read from memory.
bool is_same_vex(const std::string& name, const std::string& ours) {
  if (starts_with(ours, "vcmp") && starts_with(name, "vcmp")) {
    return name.substr(name.size() - 2) == ours.substr(4);
  }
  return starts_with(ours, "vcvt") && (name == ours + "x" || name == ours + "y");
}

/// Whether capstone's `name` is ours in another convention: sizes as suffixes, predicates in the
/// name, hints.
bool is_same(const std::string& name, const std::string& ours) {
  static const std::set<std::string> kSized = {"ins",  "outs", "movs",  "cmps", "stos",  "lods",
                                               "scas", "iret", "pusha", "popa", "pushf", "popf"};
  static const std::multimap<std::string, std::string> kSame = {
      {"mov", "movabs"},
      {"cwde", "cbw"},
      {"cwde", "cdqe"},
      {"cdq", "cwd"},
      {"cdq", "cqo"},
      {"fcompi", "fcomip"},
      {"fucompi", "fucomip"},
      {"fneni", "feni8087_nop"},
      {"fndisi", "fdisi8087_nop"},
      {"fnsetpm", "fsetpm"},
      {"jrcxz", "jecxz"},
      {"jrcxz", "jcxz"},
      {"movd", "movq"},
      {"xchg", "nop"},
      {"pause", "nop"},
      {"ljmp", "jmp"},
      {"lcall", "call"},
      {"pextrd", "pextrq"},
      {"pinsrd", "pinsrq"},
      {"vpextrd", "vpextrq"},
      {"vpinsrd", "vpinsrq"},
      {"vmovd", "vmovq"},
      {"cmpxchg8b", "cmpxchg16b"},
      {"retf", "retfq"},
      {"sysret", "sysretq"},
      {"sysexit", "sysexitq"},
      {"call", "lcall"},
      {"jmp", "ljmp"},
      {"salc", "setalc"},
      {"movsxd", "movsx"},
      {"fst", "fstp"},
      {"fstp", "fstpnce"},
      {"fcom", "fcompi"},
      {"shl", "sal"},
      {"sal", "shl"},
      {"int1", "icebp"},
      {"movsd", "movups"}};  // capstone 4 takes F2 0F 10 F6 for MOVUPS.
  if (name == ours || name == ours + "64" || is_same_vex(name, ours)) return true;
  if (kSized.count(ours) && name.substr(0, name.size() - 1) == ours) return true;
  if (starts_with(ours, "cmp") && starts_with(name, "cmp") && ours.size() == 5) {
    return name.substr(name.size() - 2) == ours.substr(3);
  }
  if (starts_with(ours, "pusha") || starts_with(ours, "popa"))
    return starts_with(name, ours.c_str());
  // Hints are one instruction that does nothing.
  if (ours == "nop")
    return starts_with(name, "prefetch") || starts_with(name, "endbr") || starts_with(name, "bnd");
  const auto [begin, end] = kSame.equal_range(ours);
  return std::any_of(begin, end, [&](const auto& pair) { return pair.second == name; });
}

/// Whether `bytes` are an instruction with VEX.W clear: capstone does not look at W where it has to
/// be 0.
bool is_valid_without_w(unsigned bits, const uint8_t* bytes) {
  uint8_t copy[15];
  std::memcpy(copy, bytes, sizeof copy);
  uint8_t* vex = std::find(copy, copy + 12, 0xc4);
  vex[2] &= 0x7f;
  Insn insn;
  return decode({static_cast<uint8_t>(bits), kAll}, copy, insn) == DecodeStatus::kOk;
}

/// Whether capstone takes for a VEX-encoded instruction what the manual says is none: a gather
/// whose registers are not three, or without SIB.
bool is_lax_about(unsigned bits, const std::string& name, const uint8_t* bytes, const Insn& insn) {
  if (!insn.vex) return false;
  if (starts_with(name, "vgather") || starts_with(name, "vpgather")) return true;
  return insn.vex_w && is_valid_without_w(bits, bytes);
}

/// Whether capstone knows an instruction that no CPU model of ours has, or takes for one what is
/// undefined.
bool is_not_offered(const std::string& name, const uint8_t* bytes, const Insn& insn) {
  static const std::set<std::string> kOther = {
      "clgi",    "stgi",    "skinit",  "invlpga", "encls",    "enclu",  "femms",   "getsec",
      "xbegin",  "xabort",  "xend",    "xtest",   "montmul",  "xstore", "pi2fd",   "pi2fw",
      "pswapd",  "pavgusb", "pmulhrw", "xsha1",   "xsha256",  "extrq",  "insertq", "movntss",
      "movntsd", "invept",  "invvpid", "ud2b",    "xstorerng"};
  const uint8_t vex = insn.opcode;
  if (kOther.count(name) || (name[0] == 'v' && !insn.vex) || starts_with(name, "pf") ||
      starts_with(name, "xcrypt") || starts_with(name, "bnd")) {
    return true;
  }
  // AVX-512's mask registers in VEX encodings, FMA4.
  const bool four_operands =
      (insn.opcode >= 0x5c && insn.opcode <= 0x7f) || insn.opcode == 0x48 || insn.opcode == 0x49;
  if (insn.vex && (name[0] == 'k' ||
                   (four_operands && (starts_with(name, "vf") || starts_with(name, "vpermil"))))) {
    return true;
  }
  // VEX, EVEX and XOP; LOCK on what cannot be locked; F2 and F3 before what has no such form;
  // control registers that do not exist, and MOV to CS.
  if (vex == 0xc4 || vex == 0xc5 || vex == 0x62 || vex == 0x8f) return true;
  if (insn.lock || insn.repeat) return true;
  return name == "mov" && ((bytes[insn.length - 2] & 0xfc) == 0x20 || insn.opcode == 0x8e ||
                           (insn.opcode & 0xfc) == 0x20);
}

/// Fences with any rm, hints and undefined ones that capstone does not know.
bool is_unknown_to_capstone(const std::string& ours) {
  static const std::set<std::string> kOurs = {
      "lfence", "mfence", "sfence", "nop",        "prefetchw", "ud0",  "ud1",    "movq",
      "test",   "mov",    "clwb",   "clflushopt", "smsw",      "lmsw", "rdpkru", "wrpkru"};
  return kOurs.count(ours);
}

struct Tally {
  unsigned compared = 0;
  std::map<std::string, std::string> differences;  ///< By kind; with an example.
};

void compare(unsigned bits, Capstone& capstone, const uint8_t* bytes, unsigned size, Tally& tally) {
  Insn insn;
  const DecodeStatus status = decode({static_cast<uint8_t>(bits), kAll}, {bytes, size}, insn);
  const unsigned expected = capstone.decode(bytes, size);
  ++tally.compared;
  const std::string name = expected ? without_prefixes(capstone.mnemonic()) : "";
  std::string what;
  if (expected == 0) {
    // Outside 64-bit mode the highest bit of VEX.vvvv does not count, but capstone looks at it.
    const bool wide_vvvv = insn.vex && bits != 64;
    const bool is_vaes = status == DecodeStatus::kOk && insn.vex_l &&
                         (starts_with(insn.row->mnemonic, "vaes") ||
                          starts_with(insn.row->mnemonic, "vpclmulqdq"));  // newer than capstone 4
    if (status == DecodeStatus::kOk && !wide_vvvv && !is_vaes &&
        !is_unknown_to_capstone(insn.row->mnemonic)) {
      what = std::string("only ours: ") + insn.row->mnemonic;
    }
  } else if (status != DecodeStatus::kOk) {
    const bool known = is_not_offered(name, bytes, insn) || is_lax_about(bits, name, bytes, insn);
    if (!known) what = "only capstone's: " + name;
  } else if (insn.length != expected) {
    // UD0 and UD1 have a ModRM byte; 66 does not shorten branches in 64-bit mode.
    const bool known =
        starts_with(name, "ud") || (bits == 64 && insn.operand_prefix && insn.has(force64));
    if (!known) what = "length: " + name;
  } else if (!is_same(name, insn.row->mnemonic)) {
    what = name + " is ours " + insn.row->mnemonic;
  }
  if (!what.empty())
    tally.differences.emplace(
        what, hex(bytes, expected ? expected : 15) + (expected ? capstone.text() : ""));
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
