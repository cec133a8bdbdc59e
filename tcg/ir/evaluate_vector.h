#pragma once

// Between the files that define the vector operations.

#include <span>

#include "tcg/ir/evaluate.h"

namespace vireo::tcg {

struct VectorRow {
  VectorOpcode op;
  VectorEvaluator evaluate;
};
std::span<const VectorRow> vector_integer_rows();
std::span<const VectorRow> vector_shuffle_rows();
std::span<const VectorRow> vector_float_rows();
std::span<const VectorRow> vector_convert_rows();
std::span<const VectorRow> vector_avx_rows();
std::span<const VectorRow> vector_aes_rows();
std::span<const VectorRow> vector_sha_rows();
std::span<const VectorRow> vector_text_rows();

}  // namespace vireo::tcg
