#pragma once

#include "tcg/backend/x86_64/code_map.h"
#include "tcg/backend/x86_64/encoder.h"
#include "tcg/backend/x86_64/thunks.h"

namespace vireo::tcg::x86_64 {

/// Emits what links from other pages and jump caches go to: guest IP in kAddressReg (needed only if
/// the page is relocatable), flags in memory. If the block's page is mapped there it goes on at
/// `memory_entry`, else it leaves for a lookup. Sets BlockData::checked_slot.
void emit_checked_entry(Encoder& encoder, const Thunks& thunks, BlockData& block,
                        const uint8_t* memory_entry);

/// Adds without touching flags.
void emit_add(Encoder& encoder, Reg to, int64_t value);

}  // namespace vireo::tcg::x86_64
