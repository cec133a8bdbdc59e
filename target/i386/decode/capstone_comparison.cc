// Our decoder beside capstone's: names are the same but for conventions, lengths but for reasons.

#include "target/i386/decode/capstone_comparison.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>
#include <vector>

#include "target/i386/decode/decoder.h"
#include "util/text.h"

namespace vireo::i386 {
namespace {

constexpr FeatureSet kAll = FeatureSet::all();

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
      {"rdpid", "rdseed"},
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
bool is_valid_without_w(unsigned bits, std::span<const uint8_t> code) {
  std::vector<uint8_t> copy(code.begin(), code.end());
  const auto vex = std::find(copy.begin(), copy.end(), 0xc4);
  if (copy.end() - vex < 3) return false;
  vex[2] &= 0x7f;
  Insn insn;
  return decode({static_cast<uint8_t>(bits), kAll}, copy, insn) == DecodeStatus::kOk;
}

/// Whether capstone takes for a VEX-encoded instruction what the manual says is none: a gather
/// whose registers are not three, or without SIB.
bool is_lax_about(unsigned bits, const std::string& name, std::span<const uint8_t> code,
                  const Insn& insn) {
  if (!insn.vex) return false;
  if (starts_with(name, "vgather") || starts_with(name, "vpgather")) return true;
  return insn.vex_w && is_valid_without_w(bits, code);
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
      "lfence", "mfence", "sfence", "nop",    "prefetchw",     "ud0",
      "ud1",    "movq",   "test",   "mov",    "clwb",          "clflushopt",
      "smsw",   "lmsw",   "rdpkru", "wrpkru", "vbroadcasti128"};
  return kOurs.count(ours);
}

/// Instructions without a form for 66 ("NP" in the SDM), which capstone decodes with it.
bool takes_no_prefix(const std::string& name, const Insn& insn) {
  static const std::set<std::string> kNames = {
      "clac",    "emms",    "fxrstor", "fxsave",  "ldmxcsr", "lfence",  "mfence",
      "movhlps", "movlhps", "movnti",  "pcommit", "rcpps",   "rsqrtps", "stac",
      "sfence",  "stmxcsr", "xgetbv",  "xrstor",  "xsave",   "xsavec",  "xsetbv"};
  return insn.operand_prefix && (kNames.count(name) || starts_with(name, "sha") ||
                                 starts_with(name, "xsaves") || starts_with(name, "xrstors"));
}

/// Whether capstone takes another length for a branch: in 64-bit mode 66 does not shorten it, with
/// F2 or F3 capstone forgets that it does in 32-bit mode.
bool shortens_branch(unsigned bits, const std::string& name, const Insn& insn) {
  return (bits == 64 || insn.repeat) && insn.operand_prefix && (name[0] == 'j' || name == "call");
}

/// Capstone takes other operand sizes, so other lengths, with 66 beside F2 or F3, and with 67
/// before REX.W.
bool mixes_sizes_up(unsigned bits, const Insn& insn) {
  return (insn.operand_prefix && insn.repeat) || (bits == 64 && insn.address_size == 4 && insn.rex);
}

/// Whether capstone finds no instruction where there is one: it wants more bytes, for another size,
/// or it is RET imm16 with both 66 and REX.W.
bool is_lost_on_capstone(unsigned bits, const Insn& insn, size_t size) {
  constexpr unsigned kMostLonger = 4;  // Bytes, of an immediate or an absolute address.
  const bool is_wide_ret = insn.operand_prefix && insn.rex & 8 && insn.opcode == 0xc2 &&
                           starts_with(insn.row->mnemonic, "ret");
  return (mixes_sizes_up(bits, insn) && size < insn.length + kMostLonger) || is_wide_ret;
}

/// What capstone gets wrong about prefixes: it knows a mandatory one only directly before the
/// opcode and outside 16-bit code, lets 66 win over F2 and F3 (SDM volume 2, table 2-1 and appendix
/// A), and lets a VEX prefix follow others.
bool mixes_prefixes_up(unsigned bits, std::span<const uint8_t> code) {
  constexpr uint8_t kPrefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26,
                                   0x2e, 0x36, 0x3e, 0x64, 0x65};
  size_t legacy = 0, at = 0;
  for (; at < code.size(); ++at) {
    const bool is_rex = bits == 64 && (code[at] & 0xf0) == 0x40;
    const bool is_legacy =
        std::find(std::begin(kPrefixes), std::end(kPrefixes), code[at]) != std::end(kPrefixes);
    legacy += is_legacy;
    if (!is_rex && !is_legacy) break;
  }
  const bool is_extended = at < code.size() && code[at] == 0x0f;
  const bool is_vex = at < code.size() && (code[at] == 0xc4 || code[at] == 0xc5);
  if (is_vex) return bits == 16 || at > 0;
  const bool is_pause = at < code.size() && code[at] == 0x90;
  return (is_extended && (bits == 16 || legacy > 1)) ||
         ((is_extended || is_pause) && legacy > 0 && at > 1);
}

}  // namespace

void compare_decoders(unsigned bits, Capstone& capstone, std::span<const uint8_t> code,
                      DecoderTally& tally) {
  const uint8_t* const bytes = code.data();
  const size_t size = code.size();
  Insn insn;
  const DecodeStatus status = decode({static_cast<uint8_t>(bits), kAll}, code, insn);
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
        !is_unknown_to_capstone(insn.row->mnemonic) && !mixes_prefixes_up(bits, code) &&
        !is_lost_on_capstone(bits, insn, size)) {
      what = std::string("only ours: ") + insn.row->mnemonic;
    }
  } else if (status != DecodeStatus::kOk) {
    const bool is_longer = status == DecodeStatus::kNeedsMore || status == DecodeStatus::kTooLong;
    const bool known =
        is_not_offered(name, bytes, insn) || is_lax_about(bits, name, code, insn) ||
        mixes_prefixes_up(bits, code) || takes_no_prefix(name, insn) ||
        (name == "swapgs" && bits != 64) ||
        (is_longer && (starts_with(name, "ud") || shortens_branch(bits, name, insn) ||
                       mixes_sizes_up(bits, insn)));
    if (!known) what = "only capstone's: " + name;
  } else if (insn.length != expected) {
    // UD0 and UD1 have a ModRM byte; 66 does not shorten branches in 64-bit mode.
    const bool known = starts_with(name, "ud") || shortens_branch(bits, name, insn) ||
                       mixes_sizes_up(bits, insn) ||
                       (bits == 64 && insn.operand_prefix && insn.has(force64)) ||
                       starts_with(capstone.mnemonic(), "bnd");
    if (!known) what = "length: " + name;
  } else if (!is_same(name, insn.row->mnemonic) && !mixes_prefixes_up(bits, code)) {
    what = name + " is ours " + insn.row->mnemonic;
  }
  if (!what.empty()) {
    const auto shown = std::as_bytes(std::span(bytes, expected ? expected : size));
    tally.differences.emplace(
        what, util::hex_bytes(shown, " ") + (expected ? " " + capstone.text() : ""));
  }
}

}  // namespace vireo::i386
