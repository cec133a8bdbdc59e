#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace vireo::util {

/// Instruction sets that listings know. x86's are told apart by the default operand size.
enum class InstructionSet : uint8_t { x86_16, x86_32, x86_64, aarch64 };

/// What this process itself is made of.
constexpr InstructionSet host_instruction_set() {
#if defined(__aarch64__)
  return InstructionSet::aarch64;
#else
  return InstructionSet::x86_64;
#endif
}

/// A line of a listing. `bytes` are those of the code that was given.
struct ListedInsn {
  uint64_t address = 0;
  std::span<const std::byte> bytes;
  std::string text;  ///< "mov eax, dword ptr [rbx]" (the manuals' operand order).
};

/// Lists `code`, whose first byte is at `address`. What is no instruction is listed as ".byte", as
/// everything is in a build without capstone.
std::vector<ListedInsn> disassemble(InstructionSet set, std::span<const std::byte> code,
                                    uint64_t address);

/// "0xffffffff81000000:  48 89 e5                 mov rbp, rsp\n"
std::string to_line(const ListedInsn& insn);

}  // namespace vireo::util
