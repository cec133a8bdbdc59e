// Writes docs/reference/x86.md: each instruction of the decoder's tables and each CPUID feature,
// how it is proven and how it runs.

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "target/i386/cpu/models.h"
#include "target/i386/decode/tables.h"
#include "target/i386/helper/functions.h"
#include "target/i386/translate/block.h"
#include "target/i386/translate/translator.h"
#include "tests/conformance/host_cpu/asm_guests.h"
#include "tests/conformance/host_cpu/encoding.h"
#include "tests/conformance/host_cpu/not_compared.h"
#include "tests/conformance/host_cpu/open_result.h"

namespace vireo::host_cpu {
namespace {

using i386::Feature;
using i386::Map;
using i386::Row;

constexpr Map kMaps[] = {Map::kOneByte, Map::k0f, Map::k0f38, Map::k0f3a};

class EncodingReader final : public accel::CodeReader {
 public:
  explicit EncodingReader(const Encoding& encoding) : encoding_(encoding) {}
  std::span<const std::byte> bytes_at(uint64_t) override {
    return std::as_bytes(std::span(encoding_.bytes));
  }

 private:
  const Encoding& encoding_;
};

/// What only looks whether an instruction may run, not what it does.
bool is_check(const std::string& helper) {
  return helper.starts_with("check_") || helper.starts_with("raise_");
}

/// What translating an instruction leaves to helpers, and whether its IR has a vector operation.
struct Translation {
  std::set<std::string> helpers;
  bool has_vector = false, has_x87 = false;
  bool needs_no_helper = false;  ///< In some form.
};

void look_at(const Encoding& encoding, Translation& found) {
  using namespace i386;
  static constexpr FeatureSet kFeatures = FeatureSet::all();
  const uint64_t flat =
      kModeCode32 | kModeStack32 | kModeProtected | kModeLongActive | kModeFlatData;
  const BlockStart start{.mode = encoding.bits == 64 ? flat | kMode64 : flat,
                         .ip = arena().code_address(Arena::kStart),
                         .linear = arena().code_address(Arena::kStart),
                         .max_insns = 1};
  EncodingReader reader(encoding);
  tcg::Block block;
  uint64_t fault = 0;
  if (!translate_block(start, kFeatures, reader, block, fault)) return;
  bool calls = false;
  for (const tcg::Inst& inst : block.insts) {
    found.has_vector |= inst.op == tcg::Opcode::kVector;
    found.has_x87 |= inst.op == tcg::Opcode::kX87 || inst.op == tcg::Opcode::kX87Load ||
                     inst.op == tcg::Opcode::kX87Store;
    if (inst.op != tcg::Opcode::kCallHelper) continue;
    const std::string name = helper_table()[inst.aux].name;
    if (is_check(name)) continue;
    found.helpers.insert(name);
    calls |= (inst.extra & tcg::kCallKind) == tcg::kPlainCall;
  }
  found.needs_no_helper |= !calls;
}

Translation translation_of(Map map, const Row& row) {
  Translation found;
  Random random(1);
  const unsigned bits = row.attributes & i386::no64 ? 32 : 64;
  unsigned samples = 0;
  for (unsigned tries = 0; samples < 16 && tries < 500; ++tries) {
    Encoding encoding;
    if (!make_encoding(bits, map, row, random, encoding)) continue;
    ++samples;
    look_at(encoding, found);
  }
  return found;
}

std::string text_of(const Translation& translation) {
  std::string text;
  for (const std::string& name : translation.helpers) text += (text.empty() ? "" : ", ") + name;
  if (!text.empty())
    return (translation.needs_no_helper ? "code; helper `" : "helper `") + text + "`";
  if (translation.has_vector) return "vector code";
  return translation.has_x87 ? "x87 code" : "code";
}

std::string opcode_of(Map map, const Row& row) {
  constexpr const char* kNames[] = {"", "0F ", "0F38 ", "0F3A "};
  char text[24];
  std::snprintf(text, sizeof text, "%s%s%02X", i386::is_vex(row.attributes) ? "VEX " : "",
                kNames[static_cast<unsigned>(map)], row.opcode);
  std::string opcode = text;
  if (row.attributes & i386::has_reg) opcode += "/" + std::to_string(i386::reg_of(row.attributes));
  return opcode;
}

/// Those of which a row needs one; none where every CPU has it.
std::vector<std::string> features_of(const Row& row) {
  std::vector<std::string> names;
  if (i386::is_available(row.attributes, {})) return names;
  const auto table = i386::feature_table();
  for (size_t i = 0; i < table.size(); ++i) {
    if (i386::is_available(row.attributes, i386::FeatureSet(static_cast<Feature>(i))))
      names.emplace_back(table[i].name);
  }
  return names;
}

/// The comparison with the host, the guests in assembly, or why there is neither.
std::string proof_of(const Row& row, const AsmGuests& guests) {
  const std::string in_assembly = to_text(guests.with(row));
  if (const NotCompared* reason = not_compared(row)) {
    std::string proof = in_assembly;
    if (reason->proof) proof += (proof.empty() ? "" : ", ") + std::string(reason->proof);
    return (proof.empty() ? "nothing" : proof) + "; not the host: " + reason->why;
  }
  if (only_faults(row))
    return "host: its fault; " + (in_assembly.empty() ? "nothing else" : in_assembly);
  if (is_undefined_on_amd(row)) return "host, if it is Intel's: undefined on AMD's";
  const char* open = open_result_text(row);
  return open ? std::string("host, ") + open : "host";
}

/// Whether the host's processor shows what the row does.
bool is_compared(const Row& row) { return !not_compared(row) && !only_faults(row); }

/// The same row is another instruction with REX.W.
bool is_compare_exchange_wide(const Row& row) {
  return row.translate == &i386::Translator::compare_exchange_wide;
}

std::string name_of(const Row& row) {
  return is_compare_exchange_wide(row) ? "cmpxchg8b, cmpxchg16b" : row.mnemonic;
}

std::string needs_of(const Row& row) {
  if (is_compare_exchange_wide(row)) return "cx8; cx16 with REX.W";
  std::string text;
  for (const std::string& name : features_of(row)) text += (text.empty() ? "" : " or ") + name;
  return text;
}

/// What of a row is not the same on each backend.
const char* backend_difference(const Row& row) {
  const std::string_view name = row.mnemonic;
  const bool is_approximation = name.find("rcp") != name.npos || name.find("rsqrt") != name.npos;
  return is_approximation ? "results: the host's own on the code generator" : "";
}

void print_instructions(const AsmGuests& guests) {
  struct Line {
    std::string opcodes, last;
  };
  std::map<std::array<std::string, 5>, Line> lines;
  for (const Map map : kMaps) {
    for (const Row& row : i386::rows(map)) {
      Line& line = lines[{name_of(row), needs_of(row), text_of(translation_of(map, row)),
                          backend_difference(row), proof_of(row, guests)}];
      const std::string opcode = opcode_of(map, row);
      if (opcode != line.last) line.opcodes += (line.opcodes.empty() ? "" : ", ") + opcode;
      line.last = opcode;
    }
  }
  std::printf(
      "| instruction | opcodes | feature | runs as | backends differ in | proven by |\n"
      "|---|---|---|---|---|---|\n");
  for (const auto& [key, line] : lines) {
    const auto& [mnemonic, feature, how, difference, proof] = key;
    std::printf("| %s | %s | %s | %s | %s | %s |\n", mnemonic.c_str(), line.opcodes.c_str(),
                feature.c_str(), how.c_str(), difference.c_str(), proof.c_str());
  }
}

/// What tells of features that are no rows of the tables, or have rules beside them: guests whose
/// names begin so.
const std::map<std::string_view, std::vector<std::string>> kFeatureGuests = {
    {"fpu", {"unit_availability", "x87_"}},
    {"vme", {"vm86"}},
    {"de", {"breakpoints"}},
    {"pse", {"paging_32", "large_pages"}},
    {"tsc", {"privilege"}},
    {"pae", {"paging_pae"}},
    {"mce", {"msr_values"}},
    {"apic", {"apic_timer", "shadows"}},
    {"mtrr", {"msr_values"}},
    {"pge", {"global_pages"}},
    {"mca", {"msr_values"}},
    {"pat", {"msr_access", "paging_4_level"}},
    {"pse36", {"pse36"}},
    {"fxsr", {"encoding"}},
    {"sse", {"unit_availability"}},
    {"mmx", {"unit_availability"}},
    {"cx16", {"encoding"}},
    {"pcid", {"global_pages"}},
    {"x2apic", {"apic_timer", "msr_values"}},
    {"tsc-deadline", {"apic_timer"}},
    {"xsave", {"xsave_areas", "control_registers"}},
    {"avx", {"vex"}},
    {"aes", {"crypto"}},
    {"pclmulqdq", {"crypto"}},
    {"sha-ni", {"crypto"}},
    {"tsc-adjust", {"msr_access"}},
    {"smep", {"smep_smap"}},
    {"smap", {"smep_smap"}},
    {"umip", {"umip", "privilege"}},
    {"pku", {"protection_keys"}},
    {"la57", {"paging_5_level"}},
    {"xgetbv1", {"xsave_supervisor"}},
    {"xsaves", {"xsave_supervisor"}},
    {"nx", {"paging_pae", "paging_4_level"}},
    {"pdpe1gb", {"large_pages", "paging_4_level"}},
    {"lm", {"long_", "iret_long", "paging_4_level"}},
    {"3dnowprefetch", {"hints"}},
};

struct FeatureRows {
  unsigned count = 0;
  bool are_compared = false;
  AsmGuests::Names guests;  ///< Of those that are not.

  void add(const Row& row, const AsmGuests& all) {
    ++count;
    are_compared |= is_compared(row);
    if (!is_compared(row)) std::ranges::copy(all.with(row), std::back_inserter(guests));
  }
};

std::map<std::string, FeatureRows> rows_by_feature(const AsmGuests& guests) {
  std::map<std::string, FeatureRows> found;
  for (const Map map : kMaps) {
    for (const Row& row : i386::rows(map)) {
      for (const std::string& name : features_of(row)) found[name].add(row, guests);
      if (is_compare_exchange_wide(row)) found["cx16"].are_compared = true;
    }
  }
  return found;
}

std::string proof_of_feature(const std::string& name, const FeatureRows& rows,
                             const AsmGuests& guests) {
  const auto listed = kFeatureGuests.find(name);
  const std::string in_assembly =
      to_text(listed == kFeatureGuests.end() ? rows.guests : guests.named(listed->second));
  if (rows.are_compared || name == "fpu")
    return in_assembly.empty() ? "host" : "host, " + in_assembly;
  return in_assembly.empty() ? "`i386` unit tests" : in_assembly;
}

void print_features(const AsmGuests& guests) {
  std::map<std::string, FeatureRows> rows_of = rows_by_feature(guests);
  constexpr const char* kRegisters[] = {"EAX", "EBX", "ECX", "EDX"};
  std::printf(
      "| feature | CPUID | implemented | rows of the tables that need it | proven by |\n"
      "|---|---|---|---|---|\n");
  const auto features = i386::feature_table();
  for (size_t i = 0; i < features.size(); ++i) {
    const i386::FeatureInfo& info = features[i];
    const std::string name(info.name);
    const bool has = i386::implemented_features().has(static_cast<Feature>(i));
    const FeatureRows& rows = rows_of[name];
    std::printf("| %s | %X.%u %s bit %u | %s | %u | %s |\n", name.c_str(), info.leaf, info.subleaf,
                kRegisters[info.reg], unsigned{info.bit}, has ? "yes" : "no", rows.count,
                has ? proof_of_feature(name, rows, guests).c_str() : "");
  }
}

struct Rule {
  const char* name;
  std::vector<std::string> guests;  ///< How their names begin.
};

/// What every CPU has, or what no bit of CPUID tells of.
const Rule kRules[] = {
    {"real-address and unreal mode", {"real_mode"}},
    {"virtual-8086 mode", {"vm86"}},
    {"segments: loads, types, limits, privilege",
     {"segment_", "far_pointers", "descriptor_queries", "stack_width"}},
    {"far transfers, call gates", {"far_transfer", "call_gate"}},
    {"interrupt, trap and task gates, IRET", {"interrupt_gate", "iret_protected"}},
    {"hardware task switches", {"task_"}},
    {"privileged instructions, IOPL, I/O permission", {"privilege", "io_permission"}},
    {"long mode: segments, tables, interrupts",
     {"long_", "iret_long", "near_branches", "fsgsbase"}},
    {"system calls", {"system_calls"}},
    {"control registers, MSRs", {"control_registers", "msr_"}},
    {"paging, page faults", {"paging_", "large_pages", "pse36", "access_order", "code_fetch"}},
    {"what the TLB keeps", {"global_pages", "large_pages", "device_pages"}},
    {"debug registers, single steps", {"breakpoints", "single_step"}},
    {"alignment checks", {"alignment"}},
    {"exceptions, their priorities, double and triple faults",
     {"arithmetic_faults", "priorities", "double_fault", "triple_fault"}},
    {"NMI, the shadows of STI and MOV SS, HLT", {"shadows", "smm_nmi"}},
    {"local APIC timer", {"apic_timer"}},
    {"system-management mode: SMI, RSM, SMRAM, SMBASE",
     {"smi_", "smm_", "smbase", "smram", "rsm_"}},
    {"when x87, MMX, SSE and AVX are available", {"unit_availability", "vex", "crypto", "x87_"}},
    {"XSAVE's areas", {"xsave_"}},
    {"encodings that do not exist, features that are off",
     {"encoding", "instructions_off", "features_off"}},
    {"hints, MONITOR and MWAIT", {"hints"}},
    {"code at several addresses, code that modifies itself", {"flat_user_code", "self_modifying"}},
};

void print_rules(const AsmGuests& guests) {
  std::printf("| rules | proven by |\n|---|---|\n");
  for (const Rule& rule : kRules)
    std::printf("| %s | %s |\n", rule.name, to_text(guests.named(rule.guests)).c_str());
  const std::string others = to_text(guests.others());
  if (!others.empty()) std::printf("| others | %s |\n", others.c_str());
}

constexpr char kIntroduction[] = R"(# The x86 CPU

Generated by `scripts/references`; do not edit.

## CPUID features

A feature that is not implemented is never shown to a guest; `-cpu` says what it leaves out. Rows for which one of two features will do count with each.

)";

constexpr char kSystem[] = R"(
## The rest of the system

)";

constexpr char kInstructions[] = R"(
## Instructions

Every row of the decoder's tables is implemented; what is in no row is undefined (#UD).

*Runs as*: **code** is host code on the x86-64 code generator. **Vector code** is the instruction itself where the host has it, and
`evaluate()`, called from host code, where it does not. **x87 code** is the host's x87 unit while all exceptions are masked, and helpers
otherwise. A **helper** is C++ that both backends call. The interpreter, the only backend on other hosts, runs everything else by
`evaluate()`. *Backends differ in* what is named; all else that the manual defines is the same to the bit.

*Proven by*: **host** is `tests/conformance/host_cpu`, the comparison of what the instruction does with the host's processor, on each
backend; it needs a host that has the feature. **host: its fault** is the same where a user's program sees no more than the exception.
`asm/` names guests in `tests/asm/system/` that have the instruction, three at most, those that have it most often first.

)";

}  // namespace
}  // namespace vireo::host_cpu

int main(int count, char** arguments) {
  if (count != 2) return 1;
  const vireo::host_cpu::AsmGuests guests(arguments[1]);
  std::fputs(vireo::host_cpu::kIntroduction, stdout);
  vireo::host_cpu::print_features(guests);
  std::fputs(vireo::host_cpu::kSystem, stdout);
  vireo::host_cpu::print_rules(guests);
  std::fputs(vireo::host_cpu::kInstructions, stdout);
  vireo::host_cpu::print_instructions(guests);
}
