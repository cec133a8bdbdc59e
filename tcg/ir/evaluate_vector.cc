// Looking up what a vector operation computes.

#include "tcg/ir/evaluate_vector.h"

#include <array>

#include "tcg/ir/vector_info.h"

namespace vireo::tcg {
namespace {

using Table = std::array<VectorEvaluator, static_cast<unsigned>(VectorOpcode::kCount)>;

Table make_table() {
  Table table{};
  for (auto rows :
       {vector_integer_rows(), vector_shuffle_rows(), vector_float_rows(), vector_convert_rows(),
        vector_avx_rows(), vector_aes_rows(), vector_sha_rows(), vector_text_rows()}) {
    for (const VectorRow& row : rows) table[static_cast<unsigned>(row.op)] = row.evaluate;
  }
  return table;
}

}  // namespace

VectorEvaluator vector_evaluator(VectorOpcode op) {
  static const Table table = make_table();
  return table[static_cast<unsigned>(op)];
}

bool keeps_first_operand(VectorOpcode op) {
  const VectorShape shape = info(op).shape;
  return shape == VectorShape::kMerge || shape == VectorShape::kMergeImm ||
         shape == VectorShape::kFromInteger || shape == VectorShape::kFromIntegerImm ||
         shape == VectorShape::kFused;
}

}  // namespace vireo::tcg
