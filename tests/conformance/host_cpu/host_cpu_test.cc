// Every row of the decoder's tables that user mode may run, against the processor that the test
// runs on: random operands, registers, flags and memory.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "target/i386/decode/tables.h"
#include "tests/conformance/host_cpu/encoding.h"
#include "tests/conformance/host_cpu/guest_run.h"

namespace vireo::host_cpu {
namespace {

using i386::Insn;
using i386::Map;
using i386::Row;

constexpr uint64_t kC = 1, kP = 4, kA = 0x10, kZ = 0x40, kS = 0x80, kO = 0x800;
constexpr uint64_t kArithmetic = kC | kP | kA | kZ | kS | kO;

/// The arithmetic flags that an instruction leaves undefined (SDM volume 1, appendix A).
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

/// Whether the SDM leaves the result itself undefined, or processors differ in it.
bool has_undefined_result(const Insn& insn, const ProcessorState& before) {
  const std::string name = insn.row->mnemonic;
  if (name.find("rcp") != std::string::npos || name.find("rsqrt") != std::string::npos)
    return true;  // Approximations.
  if (name == "bswap") return insn.operand_size == 2;
  if (name == "rdpid") return true;  // The system's number of the processor.
  // From memory, AMD's processors leave the x87 tags alone.
  if (name == "cvtpi2ps" && insn.modrm < 0xc0) return true;
  static const std::set<std::string> kTranscendental = {"f2xm1",   "fyl2x",   "fptan", "fpatan",
                                                        "fyl2xp1", "fsincos", "fsin",  "fcos"};
  if (kTranscendental.count(name)) return true;
  if (name == "shld" || name == "shrd") {
    const uint64_t count = insn.operands[2].kind == i386::Operand::Kind::kImmediate
                               ? insn.immediate
                               : before.general[1];
    return insn.operand_size == 2 && (count & 31) > 16;
  }
  return false;
}

std::string hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string bytes_of(const uint8_t* bytes, unsigned size) {
  std::string text;
  char digits[4];
  for (unsigned i = 0; i < size; ++i) {
    std::snprintf(digits, sizeof digits, "%02x", bytes[i]);
    text += digits;
  }
  return text;
}

tcg::X87State x87_of(const ProcessorState& state) {
  tcg::X87State x87;
  tcg::from_x87_image(state.x87, x87);
  return x87;
}

std::string text_of(const tcg::X87Register& reg) {
  return hex(reg.sign_exponent) + ":" + hex(reg.significand);
}

std::string x87_differences(const Insn& insn, const ProcessorState& before,
                            const ProcessorState& host, const ProcessorState& ours) {
  const tcg::X87State was = x87_of(before);
  tcg::X87State theirs = x87_of(host), is = x87_of(ours);
  // FCOMI and its like clear C1 on Intel's processors and leave it on AMD's.
  constexpr uint16_t kC1 = 0x200;
  const std::string name = insn.row->mnemonic;
  if (name.ends_with("comi") || name.ends_with("compi")) theirs.status |= kC1, is.status |= kC1;
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

/// What differs between the host's and our state behind the same instruction; empty if nothing
/// does.
std::string differences(const Insn& insn, const ProcessorState& before, const ProcessorState& host,
                        const ProcessorState& ours) {
  const uint64_t ignored_flags = undefined_flags(insn, before);
  std::string text;
  for (unsigned i = 0; i < 16; ++i) {
    if (host.general[i] == ours.general[i]) continue;
    text += "\n  r" + std::to_string(i) + " was " + hex(before.general[i]) + ", host " +
            hex(host.general[i]) + ", ours " + hex(ours.general[i]);
  }
  constexpr uint64_t kDirection = 0x400;
  if ((host.flags ^ ours.flags) & (kArithmetic | kDirection) & ~ignored_flags) {
    text += "\n  flags were " + hex(before.flags) + ", host " + hex(host.flags) + ", ours " +
            hex(ours.flags);
  }
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned size = host_has_avx() ? 32 : 16;
    if (!std::memcmp(host.vector[i], ours.vector[i], size)) continue;
    text += "\n  vector " + std::to_string(i) + " was " + bytes_of(before.vector[i], size) +
            ", host " + bytes_of(host.vector[i], size) + ", ours " + bytes_of(ours.vector[i], size);
  }
  text += x87_differences(insn, before, host, ours);
  if (host.mxcsr != ours.mxcsr) {
    text += "\n  mxcsr host " + hex(host.mxcsr) + ", ours " + hex(ours.mxcsr);
  }
  return text;
}

/// Branches of another size go elsewhere on AMD's processors, and
/// 0F 0D with registers is undefined there.
bool differs_by_vendor(const Row& row) {
  return (row.attributes & i386::force64) ||
         (row.opcode == 0x0d && (row.attributes & i386::register_only));
}

class HostComparison {
 public:
  HostComparison(unsigned bits, GuestRunner& guest) : bits_(bits), guest_(guest) {}

  void compare_row(Map map, const Row& row, unsigned rounds) {
    unsigned ran = 0;
    std::string first_difference;
    fill_memory(random_);
    for (unsigned i = 0; i < rounds && first_difference.empty(); ++i) {
      Sample sample{};
      if (differs_by_vendor(row) || !make_sample(bits_, map, row, random_, sample)) continue;
      ran += compare(sample, first_difference);
    }
    if (!first_difference.empty()) ADD_FAILURE() << row.mnemonic << first_difference;
    rows_compared_ += ran != 0;
    if (ran == 0) skipped_.insert(row.mnemonic);
  }

  unsigned rows_compared() const { return rows_compared_; }
  const std::set<std::string>& skipped() const { return skipped_; }

 private:
  using Memory = std::vector<uint8_t>;
  static Memory memory() { return {arena().data, arena().data + Arena::kDataSize}; }
  static void restore(const Memory& memory) {
    std::memcpy(arena().data, memory.data(), memory.size());
  }

  /// Outside 64-bit mode they are undefined behind an instruction.
  static void drop_upper_halves(ProcessorState& state) {
    for (uint64_t& value : state.general) value = static_cast<uint32_t>(value);
  }

  /// Returns whether the host could run it.
  bool compare(const Sample& sample, std::string& difference) {
    const Memory before = memory();
    ProcessorState ours = sample.state, host = sample.state;
    const Outcome our_outcome = guest_.run(bits_, ours);
    if (!guest_.problem().empty()) {
      difference = "\n  ill-formed IR: " + guest_.problem() + "\n" + guest_.listing();
      return true;
    }
    if (our_outcome == Outcome::kOther) return false;
    const Memory our_memory = memory();
    restore(before);
    const Outcome host_outcome = run_on_host(bits_, sample.insn.length, host);
    if (bits_ == 32) drop_upper_halves(host), drop_upper_halves(ours);
    if (has_undefined_result(sample.insn, sample.state)) return true;
    if (our_outcome != host_outcome) {
      difference = "\n  host's outcome " + std::to_string(static_cast<int>(host_outcome)) +
                   ", ours " + std::to_string(static_cast<int>(our_outcome));
    } else if (host_outcome == Outcome::kDone) {
      difference = differences(sample.insn, sample.state, host, ours);
      if (memory() != our_memory) difference += memory_difference(before, our_memory);
    }
    if (!difference.empty()) {
      difference =
          " " + bytes_of(arena().code, sample.insn.length) + difference + "\n" + guest_.listing();
    }
    return true;
  }

  static std::string memory_difference(const Memory& before, const Memory& ours) {
    for (uint64_t i = 0; i < Arena::kDataSize; ++i) {
      if (arena().data[i] == ours[i]) continue;
      return "\n  memory at " + hex(reinterpret_cast<uint64_t>(arena().data) + i) + " was " +
             hex(before[i]) + ", host " + hex(arena().data[i]) + ", ours " + hex(ours[i]);
    }
    return "";
  }

  const unsigned bits_;
  GuestRunner& guest_;
  Random random_{12345};
  unsigned rows_compared_ = 0;
  std::set<std::string> skipped_;
};

void compare_all(unsigned bits, GuestRunner& guest) {
  constexpr unsigned kRounds = 150;
  HostComparison comparison(bits, guest);
  for (const Map map : {Map::kOneByte, Map::k0f, Map::k0f38, Map::k0f3a}) {
    for (const Row& row : i386::rows(map)) comparison.compare_row(map, row, kRounds);
  }
  std::string skipped;
  for (const std::string& name : comparison.skipped()) skipped += " " + name;
  std::printf("%u rows compared; not compared:%s\n", comparison.rows_compared(), skipped.c_str());
  EXPECT_GT(comparison.rows_compared(), 500u);
}

TEST(HostCpu, InterpreterAgrees) {
  GuestRunner guest(tcg::make_interpreter_backend);
  ASSERT_TRUE(guest.available());
  compare_all(64, guest);
}

TEST(HostCpu, InterpreterAgreesIn32Bits) {
  if (!host_has_32bit_segment()) GTEST_SKIP() << "this system has no 32-bit code segment";
  GuestRunner guest(tcg::make_interpreter_backend);
  ASSERT_TRUE(guest.available());
  compare_all(32, guest);
}

TEST(HostCpu, JitAgrees) {
  GuestRunner guest(tcg::make_jit_backend);
  if (!guest.available()) GTEST_SKIP() << "no code generator for this host";
  compare_all(64, guest);
  if (host_has_32bit_segment()) compare_all(32, guest);
}

/// As on a host whose processor has no AVX.
TEST(HostCpu, JitAgreesWithoutWideRegisters) {
  GuestRunner guest(tcg::make_jit_backend, false);
  if (!guest.available()) GTEST_SKIP() << "no code generator for this host";
  compare_all(64, guest);
}

}  // namespace
}  // namespace vireo::host_cpu
