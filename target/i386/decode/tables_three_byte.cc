// Integer and system instructions of the three-byte opcode maps (SDM volume 2, tables ).

#include "target/i386/decode/tables.h"
#include "target/i386/translate/helper_id.h"
#include "target/i386/translate/translator.h"

namespace vireo::i386 {
namespace {

using tcg::Condition;
using tcg::Opcode;
using tcg::RmwKind;
using T = Translator;

template <class Enum>
constexpr uint16_t as(Enum value) {
  return static_cast<uint16_t>(value);
}

// clang-format off
constexpr Row k0f38Rows[] = {
    {0x82, "invpcid", operands("Gn,Mdq"), prefix_66 | memory_only | privileged | needs(Feature::kInvpcid), &T::invalidate_context},
    {0xf0, "crc32", operands("Gd,Eb"), prefix_f2 | needs(Feature::kSse42), &T::checksum},
    {0xf1, "crc32", operands("Gd,Ev"), prefix_f2 | needs(Feature::kSse42), &T::checksum},
    {0xf0, "movbe", operands("Gv,Mv"), memory_only | needs(Feature::kMovbe), &T::move_swapped},
    {0xf1, "movbe", operands("Mv,Gv"), memory_only | needs(Feature::kMovbe), &T::move_swapped},
};
// clang-format on

}  // namespace

std::span<const Row> three_byte_rows(Map map) {
  if (map == Map::k0f38) return k0f38Rows;
  return {};
}

}  // namespace vireo::i386
