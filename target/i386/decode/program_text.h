#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <vector>

namespace vireo::i386 {

/// Real code to work on: the largest section of code, .text, of an x86-64 ELF file. Empty if it is
/// none.
inline std::vector<uint8_t> program_text(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const auto read = [&file](uint64_t offset, void* into, uint64_t size) {
    file.seekg(static_cast<std::streamoff>(offset));
    return file.read(static_cast<char*>(into), static_cast<std::streamsize>(size)).good();
  };
  Elf64_Ehdr header{};
  if (!read(0, &header, sizeof header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_machine != EM_X86_64) {
    return {};
  }
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  if (!read(header.e_shoff, sections.data(), sections.size() * sizeof(Elf64_Shdr))) return {};
  Elf64_Shdr text{};
  for (const Elf64_Shdr& section : sections) {
    const bool is_code = section.sh_type == SHT_PROGBITS && (section.sh_flags & SHF_EXECINSTR) != 0;
    if (is_code && section.sh_size > text.sh_size) text = section;
  }
  std::vector<uint8_t> bytes(text.sh_size);
  if (!read(text.sh_offset, bytes.data(), bytes.size())) return {};
  return bytes;
}

}  // namespace vireo::i386
