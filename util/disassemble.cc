// Listings of machine code; the only place outside of tests that knows capstone.

#include "util/disassemble.h"

#include <fmt/format.h>

#ifdef VIREO_HAVE_CAPSTONE
#include <capstone/capstone.h>
#endif

#include "util/text.h"

namespace vireo::util {

namespace {

#ifdef VIREO_HAVE_CAPSTONE
class Disassembler {
 public:
  explicit Disassembler(InstructionSet set) {
    const bool opened = cs_open(set == InstructionSet::aarch64 ? CS_ARCH_ARM64 : CS_ARCH_X86,
                                mode_of(set), &handle_) == CS_ERR_OK;
    if (opened) insn_ = cs_malloc(handle_);
  }
  ~Disassembler() {
    if (insn_ == nullptr) return;
    cs_free(insn_, 1);
    cs_close(&handle_);
  }
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;

  /// The length of the first instruction, and its text; 0 if there is none.
  size_t next(std::span<const std::byte> code, uint64_t address, std::string& text) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(code.data());
    size_t size = code.size();
    if (insn_ == nullptr || !cs_disasm_iter(handle_, &bytes, &size, &address, insn_)) return 0;
    text = insn_->mnemonic;
    if (insn_->op_str[0] != '\0') text.append(" ").append(insn_->op_str);
    return insn_->size;
  }

 private:
  static cs_mode mode_of(InstructionSet set) {
    switch (set) {
      case InstructionSet::x86_16:
        return CS_MODE_16;
      case InstructionSet::x86_32:
        return CS_MODE_32;
      case InstructionSet::x86_64:
        return CS_MODE_64;
      case InstructionSet::aarch64:
        break;
    }
    return CS_MODE_LITTLE_ENDIAN;
  }

  csh handle_ = 0;
  cs_insn* insn_ = nullptr;
};
#else
class Disassembler {
 public:
  explicit Disassembler(InstructionSet) {}
  size_t next(std::span<const std::byte>, uint64_t, std::string&) { return 0; }
};
#endif

}  // namespace

std::vector<ListedInsn> disassemble(InstructionSet set, std::span<const std::byte> code,
                                    uint64_t address) {
  Disassembler disassembler(set);
  std::vector<ListedInsn> insns;
  while (!code.empty()) {
    ListedInsn insn{.address = address, .bytes = {}, .text = {}};
    size_t length = disassembler.next(code, address, insn.text);
    if (length == 0) {
      insn.text = fmt::format(".byte {:#04x}", static_cast<uint8_t>(code[0]));
      length = 1;
    }
    insn.bytes = code.first(length);
    code = code.subspan(length);
    address += length;
    insns.push_back(std::move(insn));
  }
  return insns;
}

std::string to_line(const ListedInsn& insn) {
  return fmt::format("{:#018x}:  {:<23}  {}\n", insn.address, hex_bytes(insn.bytes, " "),
                     insn.text);
}

}  // namespace vireo::util
