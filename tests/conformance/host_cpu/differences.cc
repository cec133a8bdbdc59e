// What differs between two results of one case, and what may.

#include "tests/conformance/host_cpu/differences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <tuple>

#include "target/i386/translate/translator.h"
#include "tcg/runtime/x87_state.h"
#include "tests/conformance/host_cpu/host_run.h"
#include "tests/conformance/host_cpu/open_result.h"
#include "util/bits.h"
#include "util/text.h"

namespace vireo::host_cpu {
namespace {

using i386::Insn;

constexpr uint64_t kC = 1, kP = 4, kA = 0x10, kZ = 0x40, kS = 0x80, kO = 0x800;
constexpr uint64_t kArithmetic = kC | kP | kA | kZ | kS | kO;

std::string bytes_of(const uint8_t* bytes, unsigned size) {
  return util::hex_bytes(std::as_bytes(std::span(bytes, size)));
}

tcg::X87State x87_of(const ProcessorState& state) {
  tcg::X87State x87;
  tcg::from_x87_image(state.x87, x87);
  return x87;
}

std::string text_of(const tcg::X87Register& reg) {
  return hex(reg.sign_exponent) + ":" + hex(reg.significand);
}

bool is_same(const tcg::X87State& a, const tcg::X87State& b) {
  const auto words = [](const tcg::X87State& x87) {
    return std::tie(x87.control, x87.status, x87.top, x87.empty);
  };
  return words(a) == words(b) && std::equal(std::begin(a.registers), std::end(a.registers),
                                            b.registers, [](const auto& one, const auto& other) {
                                              return one.significand == other.significand &&
                                                     one.sign_exponent == other.sign_exponent;
                                            });
}

std::string x87_differences(const ProcessorState& before, const ProcessorState& host,
                            const ProcessorState& ours) {
  const tcg::X87State was = x87_of(before), theirs = x87_of(host), is = x87_of(ours);
  if (is_same(theirs, is)) return "";
  const auto words = [](const tcg::X87State& x87) {
    return "control " + hex(x87.control) + " status " + hex(x87.status) + " top " + hex(x87.top) +
           " empty " + hex(x87.empty);
  };
  std::string text;
  if (words(theirs) != words(is)) {
    text +=
        "\n  x87 was " + words(was) + ",\n    host " + words(theirs) + ",\n    ours " + words(is);
  }
  for (unsigned i = 0; i < 8; ++i) {
    if (text_of(theirs.registers[i]) == text_of(is.registers[i])) continue;
    text += "\n  x87 register " + std::to_string(i) + " was " + text_of(was.registers[i]) +
            ", host " + text_of(theirs.registers[i]) + ", ours " + text_of(is.registers[i]);
  }
  return text;
}

/// Offsets in the window of what a store of x87 state says of the last instruction, which
/// processors do not agree about.
bool is_x87_pointer(const Encoding& encoding, uint64_t offset) {
  const std::string name = encoding.insn.row->mnemonic;
  const bool is_16 = encoding.insn.operand_size == 2;
  if (name == "fnsave" || name == "fnstenv")
    return is_16 ? offset >= 6 && offset < 14 : offset >= 12 && offset < 28;
  const bool is_xsave = name.starts_with("xsave");
  if (name != "fxsave" && !is_xsave) return false;
  // MXCSR's mask is the processor's; bytes 464 to 511 are free for software: written or not.
  return (offset >= 6 && offset < 24) || (offset >= 28 && offset < 32) ||
         (offset >= 464 && offset < 512);
}

/// Reserved halves of words in FNSAVE's 32-bit format.
bool is_x87_filling(const Encoding& encoding, uint64_t offset) {
  const std::string name = encoding.insn.row->mnemonic;
  return (name == "fnsave" || name == "fnstenv") && encoding.insn.operand_size != 2 &&
         offset < 12 && (offset & 2) != 0;
}

std::string window_differences(const Encoding& encoding, const Case& before, const CaseResult& host,
                               const CaseResult& ours) {
  if (!std::memcmp(host.window, ours.window, before.patch_size)) return "";
  for (unsigned i = 0; i < before.patch_size; ++i) {
    if (host.window[i] == ours.window[i]) continue;
    const uint32_t offset = i - before.operand_at;
    if (is_x87_pointer(encoding, offset) || is_x87_filling(encoding, offset)) continue;
    const unsigned first = i & ~15u;
    return "\n  memory at data+" + hex(before.patch_at + first) + " (differs at " + hex(i - first) +
           ") was " + bytes_of(before.patch + first, 16) + ", host " +
           bytes_of(host.window + first, 16) + ", ours " + bytes_of(ours.window + first, 16);
  }
  return "";
}

bool is_memory_fault(const Ending& ending) {
  return ending.vector == i386::kPf || ending.vector == i386::kGp ||
         ending.vector == i386::kAcFault;
}

bool is_misaligned(const Ending& host, const Ending& ours) {
  return host.vector == i386::kAcFault || ours.vector == i386::kAcFault;
}

/// Whether the segment refuses a misaligned FXSAVE or FXRSTOR as well: a write of code, or more
/// than 64 KiB from its base. Then either may be raised (SDM volume 2, FXSAVE).
bool is_refused_twice(const Insn& insn, const Ending& host, const Ending& ours) {
  const bool segment_may_refuse = insn.memory.segment == i386::kCs || insn.address_size == 2;
  return segment_may_refuse && is_memory_fault(host) && ours.vector == i386::kGp;
}

/// Images of state, numbers of 80 bits, two bounds, two strings, elements one by one.
bool has_several_accesses(const Insn& insn) {
  using T = i386::Translator;
  const auto translate = insn.row->translate;
  constexpr unsigned kTenBytes = 10;
  return insn.operands[0].size == 0 || insn.operands[0].size == kTenBytes ||
         translate == &T::compare_string || translate == &T::bound ||
         translate == &T::masked_vector_load || translate == &T::masked_vector_store ||
         translate == &T::masked_move;
}

bool is_sha(const i386::Row& row) { return std::string_view(row.mnemonic).starts_with("sha"); }

/// Whether two endings differ in what processors may do: ARPL, of which the SDM does not say that
/// it writes what it does not change; SHA operands, which AMD's processors do not want aligned;
/// MOVSXD of 16 bits, for which they read 32; faults at addresses of the system,
/// whose error codes it hides; and operands of several accesses, whose order is the processor's.
bool is_same_fault(const Encoding& encoding, const Ending& host, const Ending& ours) {
  const i386::Row& row = *encoding.insn.row;
  if (row.translate == &i386::Translator::adjust_rpl && host.vector == Ending::kArrived)
    return ours.vector == i386::kPf || ours.vector == i386::kGp;
  if (is_sha(row) && ours.vector == i386::kGp) return true;
  if (is_short_movsxd(encoding.insn)) return is_memory_fault(host);
  // FXSAVE and FXRSTOR begin with the alignment.
  if (row.translate == &i386::Translator::save_state && is_misaligned(host, ours))
    return is_refused_twice(encoding.insn, host, ours);
  if (has_several_accesses(encoding.insn) && is_memory_fault(host) && is_memory_fault(ours))
    return true;
  return host.vector == i386::kPf && ours.vector == i386::kPf && host.fault_address >> 63 &&
         ours.fault_address >> 63;
}

/// CVTPI2PS from memory is no instruction of the MMX unit on AMD's processors, which asks for x87
/// exceptions first.
bool is_mmx_exception(const Encoding& encoding, const Ending& host, const Ending& ours) {
  return host.vector != ours.vector && ours.vector == i386::kMf &&
         open_result(encoding.insn, {}) == OpenResult::kMmxTransition;
}

bool is_refused_hint(const Encoding& encoding, const Ending& host, const Ending& ours) {
  return is_undefined_on_amd(*encoding.insn.row) && host.vector == i386::kUd &&
         ours.vector == Ending::kArrived;
}

/// They are undefined outside 64-bit mode.
void drop_upper_halves(ProcessorState& state) {
  for (uint64_t& value : state.general) value = static_cast<uint32_t>(value);
}

std::string memory_difference(const char* what, const uint8_t* host, const uint8_t* ours,
                              uint64_t size) {
  for (uint64_t i = 0; i < size; ++i) {
    if (host[i] != ours[i])
      return std::string("\n  ") + what + "+" + hex(i) + " host " + bytes_of(host + i, 8) +
             ", ours " + bytes_of(ours + i, 8);
  }
  return "";
}

std::string text_of(const Ending& ending) {
  if (ending.vector == Ending::kArrived) return "arrival at " + hex(ending.ip);
  return "exception " + std::to_string(ending.vector) + " error " + hex(ending.error) + " cr2 " +
         hex(ending.fault_address) + " at " + hex(ending.ip);
}

}  // namespace

std::string hex(uint64_t value) { return fmt::format("{:x}", value); }

uint64_t undefined_flags(const Insn& insn, const ProcessorState& before) {
  static const std::map<std::string, uint64_t> kUndefined = {{"and", kA},
                                                             {"or", kA},
                                                             {"xor", kA},
                                                             {"test", kA},
                                                             {"daa", kO},
                                                             {"das", kO},
                                                             {"aaa", kO | kS | kZ | kP},
                                                             {"aas", kO | kS | kZ | kP},
                                                             {"aam", kO | kA | kC},
                                                             {"aad", kO | kA | kC},
                                                             {"mul", kS | kZ | kA | kP},
                                                             {"imul", kS | kZ | kA | kP},
                                                             {"div", kArithmetic},
                                                             {"idiv", kArithmetic},
                                                             {"bt", kO | kS | kA | kP},
                                                             {"bts", kO | kS | kA | kP},
                                                             {"btr", kO | kS | kA | kP},
                                                             {"btc", kO | kS | kA | kP},
                                                             {"bsf", kArithmetic & ~kZ},
                                                             {"bsr", kArithmetic & ~kZ},
                                                             {"tzcnt", kO | kS | kA | kP},
                                                             {"lzcnt", kO | kS | kA | kP},
                                                             {"andn", kA | kP},
                                                             {"blsr", kA | kP},
                                                             {"blsmsk", kA | kP},
                                                             {"blsi", kA | kP},
                                                             {"bextr", kS | kA | kP},
                                                             {"bzhi", kA | kP}};
  static const std::set<std::string> kShifts = {"rol", "ror", "rcl", "rcr",  "shl",
                                                "shr", "sal", "sar", "shld", "shrd"};
  const auto found = kUndefined.find(insn.row->mnemonic);
  if (found != kUndefined.end()) return found->second;
  if (!kShifts.count(insn.row->mnemonic)) return 0;
  const i386::Operand& last = insn.operands[insn.operands[2].size ? 2 : 1];
  uint64_t count =
      last.kind == i386::Operand::Kind::kImmediate ? insn.immediate : before.general[1];
  count &= insn.operands[0].size == 8 ? 63 : 31;
  uint64_t undefined = count == 0 ? 0 : kA;
  if (insn.row->mnemonic[0] == 'r') undefined = 0;
  if (count != 1) undefined |= count ? kO : 0;
  // Beyond the operand's width C is undefined for SHL and SHR, everything for SHLD and SHRD.
  if (insn.operands[0].size * 8 < count && insn.operands[2].size) return kArithmetic;
  if (insn.operands[0].size * 8 <= count && insn.row->mnemonic[0] == 's') undefined |= kC;
  return undefined;
}

static std::string state_differences(const ProcessorState& before, const ProcessorState& host,
                                     const ProcessorState& ours, uint64_t ignored_flags) {
  std::string text;
  for (unsigned i = 0; i < 16; ++i) {
    if (host.general[i] == ours.general[i]) continue;
    text += "\n  r" + std::to_string(i) + " was " + hex(before.general[i]) + ", host " +
            hex(host.general[i]) + ", ours " + hex(ours.general[i]);
  }
  constexpr uint64_t kCompared =
      kArithmetic | i386::kDf | i386::kIopl | i386::kNt | i386::kAc | i386::kId;
  if ((host.flags ^ ours.flags) & kCompared & ~ignored_flags) {
    text += "\n  flags were " + hex(before.flags) + ", host " + hex(host.flags) + ", ours " +
            hex(ours.flags);
  }
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned size = host_has_avx() ? 32 : 16;
    if (!std::memcmp(host.vector[i], ours.vector[i], size)) continue;
    text += "\n  vector " + std::to_string(i) + " was " + bytes_of(before.vector[i], size) +
            ", host " + bytes_of(host.vector[i], size) + ", ours " + bytes_of(ours.vector[i], size);
  }
  text += x87_differences(before, host, ours);
  if (host.mxcsr != ours.mxcsr) {
    text += "\n  mxcsr host " + hex(host.mxcsr) + ", ours " + hex(ours.mxcsr);
  }
  return text;
}

std::string differences(const Encoding& encoding, const Case& before, const CaseResult& host,
                        CaseResult& ours) {
  take_open_result(encoding, before, host, ours);
  if (is_same_fault(encoding, host.ending, ours.ending)) return "";
  if (is_mmx_exception(encoding, host.ending, ours.ending)) return "";
  // AMD's processors have MXCSR.MM.
  if (host.state.mxcsr >> 17 & 1 && ours.ending.vector == i386::kGp) return "";
  if (!(host.ending == ours.ending) && !is_refused_hint(encoding, host.ending, ours.ending)) {
    return "\n  host's " + text_of(host.ending) + ",\n  ours   " + text_of(ours.ending);
  }
  ProcessorState theirs = host.state, is = ours.state;
  const std::string name = encoding.insn.row->mnemonic;
  // With an unmasked invalid or denormal operand AMD's processors set the conditions, the SDM's do
  // not.
  const bool invalid = theirs.x87[4] & ~theirs.x87[0] & 3;
  const bool compares =
      name.find("com") != std::string::npos || name == "ftst" || name.starts_with("fprem");
  if (name[0] == 'f' && compares && invalid) {
    for (ProcessorState* state : {&theirs, &is}) state->x87[5] |= 0x47, state->flags = 2;
  }
  // FLD of an unmasked denormal number loads it on AMD's processors.
  if (name == "fld" && theirs.x87[4] & ~theirs.x87[0] & 2) return "";
  // FCOMI and its like clear C1 on Intel's processors and leave it on AMD's.
  if (name.ends_with("comi") || name.ends_with("compi")) theirs.x87[5] |= 2, is.x87[5] |= 2;
  if (encoding.bits == 32) drop_upper_halves(theirs), drop_upper_halves(is);
  const uint64_t ignored =
      host.ending.vector == Ending::kArrived ? undefined_flags(encoding.insn, before.state) : 0;
  return state_differences(before.state, theirs, is, ignored) +
         window_differences(encoding, before, host, ours);
}

std::string sequence_differences(const Batch& batch, const BatchResult& host,
                                 const BatchResult& ours) {
  const CaseResult &theirs = host.results[0], &is = ours.results[0];
  ProcessorState their_state = theirs.state, our_state = is.state;
  if (batch.bits == 32) drop_upper_halves(their_state), drop_upper_halves(our_state);
  std::string text = state_differences(batch.cases[0].state, their_state, our_state, 0);
  if (!(theirs.ending == is.ending)) {
    text += "\n  host's " + text_of(theirs.ending) + ",\n  ours   " + text_of(is.ending);
  }
  return text + memory_difference("data", host.memory, ours.memory, sizeof host.memory) +
         memory_difference("code", host.code, ours.code, sizeof host.code);
}

std::string describe(const Case& from) {
  std::string text;
  const ProcessorState& state = from.state;
  for (unsigned i = 0; i < 16; ++i) {
    if (state.general[i]) text += " r" + std::to_string(i) + "=" + hex(state.general[i]);
  }
  text += " flags=" + hex(state.flags) + " mxcsr=" + hex(state.mxcsr);
  const uint8_t zeros[32] = {};
  for (unsigned i = 0; i < 16; ++i) {
    if (std::memcmp(state.vector[i], zeros, 32))
      text += "\n  vector" + std::to_string(i) + "=" + bytes_of(state.vector[i], 32);
  }
  text += "\n  x87=" + bytes_of(state.x87, 12);
  for (unsigned i = 0; i < 8; ++i) text += " " + bytes_of(state.x87 + 28 + i * 10, 10);
  const unsigned shown = from.patch_size < 128 ? from.patch_size : 128;
  return text + "\n  data+" + hex(from.patch_at) + "=" + bytes_of(from.patch, shown);
}

}  // namespace vireo::host_cpu
