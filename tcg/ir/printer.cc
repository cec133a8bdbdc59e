// Text of the IR, for `-d op` and for tests.

#include "tcg/ir/printer.h"

#include <fmt/format.h>

#include <iterator>

#include "tcg/ir/vector_info.h"

namespace vireo::tcg {
namespace {

constexpr const char* kTypeNames[] = {"void", "i8",  "i16",  "i32",  "i64",
                                      "v32",  "v64", "v128", "v256", "f80"};
constexpr const char* kConditionNames[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                           "s", "ns", "p", "np", "l", "ge", "le", "g"};
constexpr const char* kRmwNames[] = {"xchg", "add", "adc", "sub", "sbb", "and", "or",
                                     "xor",  "neg", "not", "shl", "shr", "sar", "rol",
                                     "ror",  "rcl", "rcr", "bts", "btr", "btc"};
constexpr const char* kExitNames[] = {
    "lookup", "poll", "exception", "halt", "mode_change", "interrupt_window", "code_modified"};

template <size_t N>
const char* name(const char* const (&names)[N], unsigned index) {
  return index < N ? names[index] : "?";
}

class Printer {
 public:
  explicit Printer(const Inst& inst) : inst_(inst) {}

  std::string print(ValueId index) {
    if (gives_value()) put("v{} = ", index);
    put("{}", mnemonic());
    if (inst_.type != Type::kVoid) put(".{}", name(kTypeNames, static_cast<unsigned>(inst_.type)));
    print_selector();
    print_operands();
    print_immediate();
    print_memory_flags();
    print_flags();
    return std::move(text_);
  }

 private:
  template <class... Arguments>
  void put(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
  }
  void put_part(const std::string& part) {
    put("{}{}", first_part_ ? " " : ", ", part);
    first_part_ = false;
  }

  bool gives_value() const {
    return info(inst_.op).result != OpcodeInfo::ResultKind::kNone && inst_.type != Type::kVoid;
  }
  bool is_vector_op() const { return inst_.op == Opcode::kVector; }
  const VectorOpcodeInfo& row() const { return info(static_cast<VectorOpcode>(inst_.aux)); }
  const char* mnemonic() const { return is_vector_op() ? row().text : info(inst_.op).text; }

  void print_selector() {  // What aux selects.
    switch (inst_.op) {
      case Opcode::kGetReg:
      case Opcode::kSetReg:
      case Opcode::kGetRegHigh8:
      case Opcode::kSetRegHigh8:
        return put_part(fmt::format("{}{}", is_vector(inst_.type) ? "x" : "r", inst_.aux));
      case Opcode::kSetcc:
      case Opcode::kSelect:
      case Opcode::kBranchFlags:
        return put_part(name(kConditionNames, inst_.aux));
      case Opcode::kRmw:
        return put_part(name(kRmwNames, inst_.aux));
      case Opcode::kCallHelper:
        return put_part(fmt::format("helper {}", inst_.aux));
      case Opcode::kX87:
      case Opcode::kX87Load:
      case Opcode::kX87Store:
        return put_part(fmt::format("{:02x} {:02x}", inst_.aux >> 8, inst_.aux & 0xff));
      case Opcode::kExitRuntime:
        return put_part(name(kExitNames, inst_.aux));
      default:
        return;
    }
  }

  void print_operands() {
    if (inst_.op == Opcode::kAddress) return print_address();
    for (ValueId operand : {inst_.a, inst_.b, inst_.c}) {
      if (operand != kNoValue) put_part(fmt::format("v{}", operand));
    }
  }
  void print_address() {
    std::string sum;
    if (inst_.a != kNoValue) sum = fmt::format("v{}", inst_.a);
    if (inst_.b != kNoValue) {
      sum += fmt::format("{}v{}*{}", sum.empty() ? "" : " + ", inst_.b, 1u << (inst_.aux & 3));
    }
    put_part(sum + offset());
  }

  std::string offset() const {
    const auto displacement = static_cast<int64_t>(inst_.imm);
    if (displacement == 0) return "";
    return displacement < 0 ? fmt::format(" - {:#x}", uint64_t{0} - inst_.imm)
                            : fmt::format(" + {:#x}", inst_.imm);
  }

  void print_immediate() {
    switch (inst_.op) {
      case Opcode::kConstant:
      case Opcode::kLoadState:
      case Opcode::kStoreState:
      case Opcode::kInsnStart:
      case Opcode::kPushReturn:
      case Opcode::kBranchRuntime:
        return put_part(fmt::format("{:#x}", inst_.imm));
      case Opcode::kBranchFlags:
      case Opcode::kBranchNonzero:
      case Opcode::kExitDirect:
        put_part(fmt::format("{:#x}", inst_.imm));
        return put(" slot {}", inst_.extra);
      case Opcode::kExitRuntime:
        if (!inst_.extra) put_part(fmt::format("{:#x}", inst_.imm));
        return;
      case Opcode::kVector:
        if (has_immediate(row().shape)) put_part(fmt::format("{:#x}", inst_.imm));
        return;
      default:
        if (is_memory()) put("{}", offset());
    }
  }

  bool is_memory() const { return inst_.op >= Opcode::kLoad && inst_.op <= Opcode::kProbe; }
  void print_memory_flags() {
    if (!is_memory()) return;
    if (inst_.extra & kMemoryLocked) put(" locked");
    if (inst_.extra & kMemoryAligned) put(" aligned16");
    if (inst_.extra & kMemoryUser) put(" user");
    if (inst_.extra & kMemoryStack) put(" stack");
    if (inst_.extra & kMemoryNonTemporal) put(" non-temporal");
  }

  void print_flags() {
    if (inst_.flags == kNoFlags) return;
    put(" {{");
    constexpr std::pair<Flag, char> kLetters[] = {{kFlagO, 'o'}, {kFlagS, 's'}, {kFlagZ, 'z'},
                                                  {kFlagA, 'a'}, {kFlagP, 'p'}, {kFlagC, 'c'}};
    for (auto [flag, letter] : kLetters) {
      if (inst_.flags & flag) text_ += letter;
    }
    put("}}");
  }

  const Inst& inst_;
  std::string text_;
  bool first_part_ = true;
};

}  // namespace

std::string to_string(const Block& block, ValueId index) {
  return Printer(block.insts[index]).print(index);
}

std::string to_string(const Block& block) {
  std::string text;
  for (size_t i = 0; i < block.insts.size(); ++i) {
    if (block.insts[i].op != Opcode::kInsnStart) text += "  ";
    text += to_string(block, static_cast<ValueId>(i)) + "\n";
  }
  return text;
}

}  // namespace vireo::tcg
