#pragma once

#include <capstone/capstone.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace vireo::i386 {

/// Capstone's decoder, for code of 16, 32 or 64 bits.
class Capstone {
 public:
  explicit Capstone(unsigned bits) {
    const cs_mode mode = bits == 64 ? CS_MODE_64 : bits == 32 ? CS_MODE_32 : CS_MODE_16;
    if (cs_open(CS_ARCH_X86, mode, &handle_) == CS_ERR_OK) insn_ = cs_malloc(handle_);
  }
  Capstone(const Capstone&) = delete;
  Capstone& operator=(const Capstone&) = delete;
  ~Capstone() {
    cs_free(insn_, 1);
    cs_close(&handle_);
  }
  /// Length, 0 if it is no instruction.
  unsigned decode(const uint8_t* bytes, size_t size) {
    uint64_t address = 0;
    if (!cs_disasm_iter(handle_, &bytes, &size, &address, insn_)) return 0;
    return insn_->size;
  }
  std::string mnemonic() const { return insn_->mnemonic; }
  std::string text() const { return mnemonic() + " " + insn_->op_str; }

 private:
  csh handle_ = 0;
  cs_insn* insn_ = nullptr;
};

/// What was compared, and what differs without a known reason.
struct DecoderTally {
  unsigned compared = 0;
  std::map<std::string, std::string> differences;  ///< By kind; with an example.
};

/// Decodes `bytes`, all features being there, by both, and compares lengths and mnemonics.
void compare_decoders(unsigned bits, Capstone& capstone, std::span<const uint8_t> bytes,
                      DecoderTally& tally);

}  // namespace vireo::i386
