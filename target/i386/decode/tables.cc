// The opcode maps, joined and sorted so that an opcode's rows are found by its number.

#include "target/i386/decode/tables.h"

#include <algorithm>
#include <array>
#include <vector>

namespace vireo::i386 {
namespace {

bool row_has_modrm(const Row& row) {
  if (row.attributes & (has_modrm | has_reg | has_rm | memory_only | register_only)) return true;
  const Place first = row.operands[0].place, second = row.operands[1].place;
  return (first >= Place::kE && first <= Place::kN) || (second >= Place::kE && second <= Place::kN);
}

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
    for (const Row& row : rows_) {
      has_modrm_[is_vex(row.attributes)][row.opcode] |= row_has_modrm(row);
    }
  }

  std::span<const Row> rows() const { return rows_; }
  std::span<const Row> rows(uint8_t opcode) const {
    return rows().subspan(first_[opcode], first_[opcode + 1] - first_[opcode]);
  }
  bool has_modrm(uint8_t opcode, bool vex) const { return has_modrm_[vex][opcode]; }

 private:
  void add(std::span<const Row> rows) { rows_.insert(rows_.end(), rows.begin(), rows.end()); }

  std::vector<Row> rows_;
  std::array<unsigned, 257> first_{};
  std::array<bool, 256> has_modrm_[2] = {};  // by VEX
};

const OpcodeIndex& index_of(Map map) {
  static const OpcodeIndex kIndexes[kMaps] = {OpcodeIndex(Map::kOneByte), OpcodeIndex(Map::k0f),
                                              OpcodeIndex(Map::k0f38), OpcodeIndex(Map::k0f3a)};
  return kIndexes[static_cast<unsigned>(map)];
}

}  // namespace

std::span<const Row> rows(Map map, uint8_t opcode) { return index_of(map).rows(opcode); }
bool has_modrm_byte(Map map, uint8_t opcode, bool vex) {
  return index_of(map).has_modrm(opcode, vex);
}
std::span<const Row> rows(Map map) { return index_of(map).rows(); }

}  // namespace vireo::i386
