// Results that need not be the same to the last bit.

#include "tests/conformance/host_cpu/open_result.h"

#include <cmath>
#include <cstring>
#include <set>
#include <string>

#include "target/i386/cpu/state.h"
#include "tcg/runtime/x87_state.h"

namespace vireo::host_cpu {
namespace {

using i386::Insn;
using i386::Operand;
using i386::Row;

bool is_approximation(const std::string& name) {
  return name.find("rcp") != std::string::npos || name.find("rsqrt") != std::string::npos;
}

bool is_transcendental(const std::string& name) {
  static const std::set<std::string> kNames = {"f2xm1",   "fyl2x",   "fptan", "fpatan",
                                               "fyl2xp1", "fsincos", "fsin",  "fcos"};
  return kNames.count(name) != 0;
}

bool is_double_shift(const std::string& name) { return name == "shld" || name == "shrd"; }

/// Both have a relative error of up to 1.5 * 2^-12, and the smallest normal numbers may become zero
/// (SDM volume 2, RCPPS and RSQRTPS).
bool is_near(float one, float other) {
  constexpr double kError = 1.5 / 4096, kSmallest = 0x1p-126;
  if (std::signbit(one) != std::signbit(other)) return false;
  const double least = std::fmin(std::fabs(one), std::fabs(other)),
               most = std::fmax(std::fabs(one), std::fabs(other));
  if (least == 0) return most <= kSmallest * (1 + kError);
  return std::isnormal(one) && std::isnormal(other) && most - least <= 2 * kError * most;
}

void take_lanes(const Insn& insn, const CaseResult& host, CaseResult& ours) {
  const bool is_scalar = std::string_view(insn.row->mnemonic).ends_with("ss");
  const uint8_t* theirs = host.state.vector[insn.operands[0].reg];
  uint8_t* is = ours.state.vector[insn.operands[0].reg];
  for (unsigned at = 0; at < (is_scalar ? 4 : 32); at += 4) {
    float one, other;
    std::memcpy(&one, theirs + at, 4);
    std::memcpy(&other, is + at, 4);
    if (is_near(one, other)) std::memcpy(is + at, theirs + at, 4);
  }
}

tcg::X87State x87_of(const ProcessorState& state) {
  tcg::X87State x87;
  tcg::from_x87_image(state.x87, x87);
  return x87;
}

/// How many numbers of the format lie between.
uint64_t distance(const tcg::X87Register& one, const tcg::X87Register& other) {
  constexpr uint64_t kFar = ~uint64_t{0};
  if ((one.sign_exponent ^ other.sign_exponent) >> 15) return kFar;
  const auto place = [](const tcg::X87Register& reg) {
    return static_cast<__int128>(reg.sign_exponent & 0x7fff) << 63 |
           (reg.significand & ~(uint64_t{1} << 63));
  };
  const __int128 difference = place(one) - place(other);
  const __int128 size = difference < 0 ? -difference : difference;
  return size > 1000 ? kFar : static_cast<uint64_t>(size);
}

/// A finite number or infinity; what is no number of the format is far from all others.
double value_of(const tcg::X87Register& reg) {
  const double size =
      std::ldexp(static_cast<double>(reg.significand), (reg.sign_exponent & 0x7fff) - 16383 - 63);
  return reg.sign_exponent >> 15 ? -size : size;
}

/// Operands for which the SDM (volume 2) leaves the result undefined.
bool is_out_of_domain(const std::string& name, const tcg::X87State& before) {
  constexpr double kMostForLogarithm = 0.29289321881345254;  // 1 - sqrt(1/2)
  const double operand = std::fabs(value_of(before.registers[before.top]));
  if (name == "f2xm1") return operand > 1;
  return name == "fyl2xp1" && operand > kMostForLogarithm;
}

/// 2^1 - 1 and 2^-1 - 1, which not every processor takes for exact.
bool is_exact(const std::string& name, const tcg::X87State& before) {
  return name == "f2xm1" && std::fabs(value_of(before.registers[before.top])) == 1;
}

bool is_tiny(const tcg::X87Register& reg) { return (reg.sign_exponent & 0x7fff) <= 1; }

constexpr unsigned kExceptions = 0x3f, kUe = 0x10, kPe = 0x20, kSummary = 0x8080, kC1 = 0x200;

/// Takes `open` bits of the status, and makes what summarizes them fit.
void take_status(const tcg::X87State& theirs, unsigned open, tcg::X87State& is) {
  unsigned status = (is.status & ~(open | kSummary)) | (theirs.status & open);
  if (status & ~is.control & kExceptions) status |= kSummary;
  is.status = static_cast<uint16_t>(status);
}

/// What differs by more than the SDM allows remains. C1 and, with tiny results, UE tell of the
/// rounding.
void take_x87_result(const Insn& insn, const Case& before, const CaseResult& host,
                     CaseResult& ours) {
  const std::string name = insn.row->mnemonic;
  const tcg::X87State was = x87_of(before.state), theirs = x87_of(host.state);
  tcg::X87State is = x87_of(ours.state);
  const bool is_open = is_out_of_domain(name, was);
  constexpr unsigned kRounding = 0xc00;
  const uint64_t bound = (is.control & kRounding) == 0 ? 1 : 2;
  const unsigned first = name == "fptan" ? 1 : 0, last = name == "fsincos" ? 1 : first;
  unsigned open = is_open ? kC1 | kExceptions : is_exact(name, was) ? kC1 | kPe : kC1;
  for (unsigned i = first; i <= last; ++i) {
    tcg::X87Register& reg = is.registers[(is.top + i) & 7];
    const tcg::X87Register& their = theirs.registers[(is.top + i) & 7];
    if (is_tiny(their)) open |= kUe;
    if (is_open || distance(reg, their) <= bound) reg = their;
  }
  take_status(theirs, open, is);
  // An exception that is not masked keeps the operands.
  if (is_open && (is.control & kExceptions) != kExceptions) is = theirs;
  tcg::to_x87_image(is, ours.state.x87);
}

/// AMD's processors neither empty nor turn the x87 stack.
void take_mmx_transition(const CaseResult& host, CaseResult& ours) {
  const tcg::X87State theirs = x87_of(host.state);
  tcg::X87State is = x87_of(ours.state);
  is.top = theirs.top;
  is.empty = theirs.empty;
  tcg::to_x87_image(is, ours.state.x87);
}

void take_destination(const Encoding& encoding, const Case& before, const CaseResult& host,
                      CaseResult& ours) {
  constexpr unsigned kSize = 2;
  const Operand& to = encoding.insn.operands[0];
  if (to.is_register()) {
    std::memcpy(&ours.state.general[to.reg], &host.state.general[to.reg], kSize);
  } else if (before.operand_at <= before.patch_size - kSize) {
    std::memcpy(ours.window + before.operand_at, host.window + before.operand_at, kSize);
  }
}

}  // namespace

OpenResult open_result(const Insn& insn, const ProcessorState& before) {
  const std::string name = insn.row->mnemonic;
  if (is_approximation(name)) return OpenResult::kApproximation;
  if (is_transcendental(name)) return OpenResult::kTranscendental;
  if (name == "cvtpi2ps" && insn.modrm < 0xc0) return OpenResult::kMmxTransition;
  if (insn.operand_size != 2) return OpenResult::kNone;
  if (name == "bswap") return OpenResult::kDestination;
  if (!is_double_shift(name)) return OpenResult::kNone;
  const bool is_immediate = insn.operands[2].kind == Operand::Kind::kImmediate;
  const uint64_t count = is_immediate ? insn.immediate : before.general[i386::kRcx];
  return (count & 31) > 16 ? OpenResult::kDestination : OpenResult::kNone;
}

const char* open_result_text(const Row& row) {
  const std::string name = row.mnemonic;
  if (is_approximation(name)) return "results within a relative error of 1.5 * 2^-12 each";
  if (name == "f2xm1" || name == "fyl2xp1")
    return "results to 1 unit in the last place (2 if not rounded to nearest), without C1, which "
           "tells of their rounding; what is out of the domain has none";
  if (is_transcendental(name))
    return "results to 1 unit in the last place (2 if not rounded to nearest), without C1, which "
           "tells of their rounding";
  if (name == "cvtpi2ps")
    return "from memory without x87 tags, TOP and #MF, which AMD's leave alone";
  if (name == "bswap") return "but for 16 bits, whose result is undefined";
  if (is_double_shift(name)) return "but for 16 bits by more than 16, whose result is undefined";
  return nullptr;
}

void take_open_result(const Encoding& encoding, const Case& before, const CaseResult& host,
                      CaseResult& ours) {
  if (!(host.ending == ours.ending)) return;
  const OpenResult open = open_result(encoding.insn, before.state);
  if (host.ending.vector != Ending::kArrived && open != OpenResult::kMmxTransition) return;
  switch (open) {
    case OpenResult::kNone:
      break;
    case OpenResult::kDestination:
      take_destination(encoding, before, host, ours);
      break;
    case OpenResult::kApproximation:
      take_lanes(encoding.insn, host, ours);
      break;
    case OpenResult::kTranscendental:
      take_x87_result(encoding.insn, before, host, ours);
      break;
    case OpenResult::kMmxTransition:
      take_mmx_transition(host, ours);
      break;
  }
}

}  // namespace vireo::host_cpu
