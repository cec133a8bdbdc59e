// The opcode maps, joined and sorted so that an opcode's rows are found by its number.

#include "target/i386/decode/tables.h"

#include <algorithm>
#include <array>
#include <vector>

namespace vireo::i386 {
namespace {

class OpcodeIndex {
 public:
  explicit OpcodeIndex(Map map) {
    if (map == Map::kOneByte) add(one_byte_rows()), add(x87_rows());
    if (map == Map::k0f) add(two_byte_rows()), add(system_rows());
    if (map == Map::k0f38 || map == Map::k0f3a) add(three_byte_rows(map));
    if (map != Map::kOneByte) add(simd_move_rows(map)), add(vector_rows(map));
    std::stable_sort(rows_.begin(), rows_.end(),
                     [](const Row& a, const Row& b) { return a.opcode < b.opcode; });
    for (const Row& row : rows_) ++first_[row.opcode + 1];
    for (unsigned i = 1; i <= 256; ++i) first_[i] += first_[i - 1];
  }

  std::span<const Row> rows() const { return rows_; }
  std::span<const Row> rows(uint8_t opcode) const {
    return rows().subspan(first_[opcode], first_[opcode + 1] - first_[opcode]);
  }

 private:
  void add(std::span<const Row> rows) { rows_.insert(rows_.end(), rows.begin(), rows.end()); }

  std::vector<Row> rows_;
  std::array<unsigned, 257> first_{};
};

const OpcodeIndex& index_of(Map map) {
  static const OpcodeIndex kIndexes[kMaps] = {OpcodeIndex(Map::kOneByte), OpcodeIndex(Map::k0f),
                                              OpcodeIndex(Map::k0f38), OpcodeIndex(Map::k0f3a)};
  return kIndexes[static_cast<unsigned>(map)];
}

}  // namespace

std::span<const Row> rows(Map map, uint8_t opcode) { return index_of(map).rows(opcode); }
std::span<const Row> rows(Map map) { return index_of(map).rows(); }

}  // namespace vireo::i386
