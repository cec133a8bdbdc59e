#pragma once

#include <span>

#include "target/i386/decode/row.h"

namespace vireo::i386 {

/// Rows of `map` with `opcode`, in the order in which they are tried.
std::span<const Row> rows(Map map, uint8_t opcode);

/// Whether a ModRM byte follows `opcode`, with or without a VEX prefix before.
bool has_modrm_byte(Map map, uint8_t opcode, bool vex);

/// All rows of `map`, for tests and listings.
std::span<const Row> rows(Map map);

// The tables, by where they are written down; rows() joins them.
std::span<const Row> one_byte_rows();
std::span<const Row> x87_rows();
std::span<const Row> two_byte_rows();
std::span<const Row> system_rows();  ///< 0F 00, 01, 20-23, AE, C7 and other system instructions.
std::span<const Row> simd_move_rows(Map map);  ///< Vector loads, stores and moves.
/// One or two rows a row of tcg/ir/vector_opcodes.inc: SSE and MMX encodings.
std::span<const Row> vector_rows(Map map);
std::span<const Row> three_byte_rows(Map map);

}  // namespace vireo::i386
