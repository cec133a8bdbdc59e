#pragma once

#include <capstone/capstone.h>

#include <cstdint>
#include <span>
#include <string>

namespace vireo::tcg::x86_64 {

/// Host code as text for tests, an instruction a line: "add rax, rbx". Stops behind the first
/// unconditional jump if `until_jump`. Targets of jumps and calls are left out.
inline std::string listing(std::span<const std::byte> code, bool until_jump) {
  csh handle;
  if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) return "no disassembler";
  cs_insn* insns = nullptr;
  const size_t count = cs_disasm(handle, reinterpret_cast<const uint8_t*>(code.data()), code.size(),
                                 0x1000, 0, &insns);
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    const std::string mnemonic = insns[i].mnemonic, operands = insns[i].op_str;
    if (mnemonic == "nop") continue;
    const bool direct = operands.starts_with("0x");
    text += mnemonic + (operands.empty() || direct ? "" : " " + operands) + "\n";
    if (until_jump && mnemonic == "jmp") break;
  }
  cs_free(insns, count);
  cs_close(&handle);
  return text;
}

}  // namespace vireo::tcg::x86_64
