#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tcg/backend/backend.h"
#include "util/disassemble.h"

namespace vireo::accel {

class GuestCpu;
class CodeReader;
struct CodePosition;

// What `-d in_asm,op,op_opt,out_asm` shows of a translation. Each looks at the log mask and at
// -dfilter by itself. `at` is where the block begins now.

/// The block's guest code, as it is now.
std::vector<std::byte> read_guest_code(CodeReader& code, uint64_t linear, size_t size);
/// A listing of guest code that begins at `linear`.
std::string list_guest_code(util::InstructionSet set, std::span<const std::byte> code,
                            uint64_t linear);
/// A listing of its host code, with marks where guest instructions begin.
std::string list_host_code(const tcg::Backend& backend, const tcg::TranslatedBlock& block,
                           const CodePosition& at);

void log_guest_code(const GuestCpu& cpu, CodeReader& code, const CodePosition& at,
                    uint32_t guest_size);
/// `item` is util::kLogOp or util::kLogOpOpt.
void log_ir(uint32_t item, const tcg::Block& ir, const CodePosition& at);
void log_host_code(const tcg::Backend& backend, const tcg::TranslatedBlock& block,
                   const CodePosition& at);

}  // namespace vireo::accel
