// Writes docs/reference/x86.md: each instruction of the decoder's tables and each CPUID feature,
// how it is proven and how it runs.

#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "target/i386/cpu/models.h"
#include "target/i386/decode/tables.h"
#include "target/i386/helper/functions.h"
#include "target/i386/translate/block.h"
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
  return helper.starts_with("check_") || helper.starts_with("raise_") || helper == "mmx_enter";
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
    calls = true;
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

std::string feature_of(const Row& row) {
  const auto number = row.attributes >> 32 & 0xff;
  return number == 0 ? "" : std::string(i386::feature_table()[number - 1].name);
}

void print_instructions() {
  struct Line {
    std::string opcodes, last;
  };
  std::map<std::tuple<std::string, std::string, std::string, std::string>, Line> lines;
  for (const Map map : kMaps) {
    for (const Row& row : i386::rows(map)) {
      const std::string how = text_of(translation_of(map, row));
      const NotCompared* reason = not_compared(row);
      std::string proof = "host";
      if (const char* open = open_result_text(row)) proof += std::string(", ") + open;
      if (only_faults(row)) proof = "`asm/`; host: its fault";
      if (reason) proof = std::string(reason->proof) + "; not the host: " + reason->why;
      Line& line = lines[{row.mnemonic, feature_of(row), how, proof}];
      const std::string opcode = opcode_of(map, row);
      if (opcode != line.last) line.opcodes += (line.opcodes.empty() ? "" : ", ") + opcode;
      line.last = opcode;
    }
  }
  std::printf("| instruction | opcodes | feature | runs as | proven by |\n|---|---|---|---|---|\n");
  for (const auto& [key, line] : lines) {
    const auto& [mnemonic, feature, how, proof] = key;
    std::printf("| %s | %s | %s | %s | %s |\n", mnemonic.c_str(), line.opcodes.c_str(),
                feature.c_str(), how.c_str(), proof.c_str());
  }
}

void print_features() {
  std::map<std::string, unsigned> rows_of;
  for (const Map map : kMaps) {
    for (const Row& row : i386::rows(map)) ++rows_of[feature_of(row)];
  }
  constexpr const char* kRegisters[] = {"EAX", "EBX", "ECX", "EDX"};
  std::printf(
      "| feature | CPUID | implemented | rows of the tables that need it |\n|---|---|---|---|\n");
  const auto features = i386::feature_table();
  for (size_t i = 0; i < features.size(); ++i) {
    const i386::FeatureInfo& info = features[i];
    std::printf("| %s | %X.%u %s bit %u | %s | %u |\n", std::string(info.name).c_str(), info.leaf,
                info.subleaf, kRegisters[info.reg], unsigned{info.bit},
                i386::implemented_features().has(static_cast<Feature>(i)) ? "yes" : "no",
                rows_of[std::string(info.name)]);
  }
}

constexpr char kIntroduction[] = R"(# The x86 CPU

Generated by `scripts/references`; do not edit.

## CPUID features

A feature that is not implemented is never shown to a guest; `-cpu` says what it leaves out.

)";

constexpr char kInstructions[] = R"(
## Instructions

Every row of the decoder's tables is implemented; what is in no row is undefined (#UD).

*Runs as*: **code** is host code on the x86-64 code generator. **Vector code** is the instruction itself where the host has it, and
`evaluate()`, called from host code, where it does not. **x87 code** is the host's x87 unit while all exceptions are masked, and helpers
otherwise. A **helper** is C++ that both backends call. The interpreter, the only backend on other hosts, runs everything else by
`evaluate()`.

*Proven by*: **host** is `tests/conformance/host_cpu`, the comparison with the host's processor on each backend; `asm/` is a guest in
`tests/asm/system/`. Privileged instructions are compared with the host in user mode, where they fault. A comparison needs a host that has
the feature.

)";

}  // namespace
}  // namespace vireo::host_cpu

int main() {
  std::fputs(vireo::host_cpu::kIntroduction, stdout);
  vireo::host_cpu::print_features();
  std::fputs(vireo::host_cpu::kInstructions, stdout);
  vireo::host_cpu::print_instructions();
}
