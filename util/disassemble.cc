// Listings of machine code; the only place outside of tests that knows capstone.

#include "util/disassemble.h"

#include <fmt/format.h>

#include <type_traits>

#ifdef VIREO_HAVE_CAPSTONE
#include <capstone/capstone.h>
#include <dlfcn.h>
#endif

#include "util/text.h"

namespace vireo::util {

namespace {

#ifdef VIREO_HAVE_CAPSTONE
/// Loaded when the first listing is made: its tables take 3 MiB.
struct Capstone {
  decltype(&cs_open) open = nullptr;
  decltype(&cs_close) close = nullptr;
  decltype(&cs_malloc) allocate = nullptr;
  decltype(&cs_free) free = nullptr;
  decltype(&cs_disasm_iter) next = nullptr;

  Capstone() {
    const std::string name = fmt::format("libcapstone.so.{}", CS_API_MAJOR);
    void* const library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    const auto find = [library](auto& function, const char* symbol) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, symbol));
      return function != nullptr;
    };
    usable = find(open, "cs_open") && find(close, "cs_close") && find(allocate, "cs_malloc") &&
             find(free, "cs_free") && find(next, "cs_disasm_iter");
  }
  bool usable = false;
};

const Capstone& capstone() {
  static const Capstone library;
  return library;
}

class Disassembler {
 public:
  explicit Disassembler(InstructionSet set) {
    if (!library_.usable) return;
    const cs_arch architecture = set == InstructionSet::aarch64 ? CS_ARCH_ARM64 : CS_ARCH_X86;
    const bool opened = library_.open(architecture, mode_of(set), &handle_) == CS_ERR_OK;
    if (opened) insn_ = library_.allocate(handle_);
  }
  ~Disassembler() {
    if (insn_ == nullptr) return;
    library_.free(insn_, 1);
    library_.close(&handle_);
  }
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;

  /// The length of the first instruction, and its text; 0 if there is none.
  size_t next(std::span<const std::byte> code, uint64_t address, std::string& text) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(code.data());
    size_t size = code.size();
    if (insn_ == nullptr || !library_.next(handle_, &bytes, &size, &address, insn_)) return 0;
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

  const Capstone& library_ = capstone();
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
