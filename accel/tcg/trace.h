#pragma once

#include "tcg/backend/backend.h"

namespace vireo::accel {

class GuestCpu;
class CodeReader;
struct CodePosition;

// What `-d in_asm,op,op_opt,out_asm` shows of a translation. Each looks at the log mask and at
// -dfilter by itself. `at` is where the block begins now.

/// A listing of the block's guest code.
std::string list_guest_code(const GuestCpu& cpu, CodeReader& code, const CodePosition& at,
                            uint32_t guest_size);
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
