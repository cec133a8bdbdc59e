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

constexpr Attributes bmi1 = vex | vex_l0 | needs(Feature::kBmi1);
constexpr Attributes bmi2 = vex | vex_l0 | needs(Feature::kBmi2);

// clang-format off
constexpr Row k0f38Rows[] = {
    {0x82, "invpcid", operands("Gn,Mdq"), prefix_66 | memory_only | privileged | needs(Feature::kInvpcid), &T::invalidate_context},
    {0xf6, "adcx", operands("Gy,Ey"), prefix_66 | needs(Feature::kAdx), &T::add_with_flag, tcg::kFlagC},
    {0xf6, "adox", operands("Gy,Ey"), prefix_f3 | needs(Feature::kAdx), &T::add_with_flag, tcg::kFlagO},
    {0xf2, "andn", operands("Gy,Ky,Ey"), prefix_none | bmi1, &T::and_not},
    {0xf3, "blsr", operands("Ky,Ey"), prefix_none | reg(1) | bmi1, &T::lowest_set_bit, as(Opcode::kAnd)},
    {0xf3, "blsmsk", operands("Ky,Ey"), prefix_none | reg(2) | bmi1, &T::lowest_set_bit, as(Opcode::kXor)},
    {0xf3, "blsi", operands("Ky,Ey"), prefix_none | reg(3) | bmi1, &T::isolate_set_bit},
    {0xf5, "bzhi", operands("Gy,Ey,Ky"), prefix_none | bmi2, &T::zero_high_bits},
    {0xf5, "pext", operands("Gy,Ky,Ey"), prefix_f3 | bmi2, &T::gather_bits, as(Opcode::kPext)},
    {0xf5, "pdep", operands("Gy,Ky,Ey"), prefix_f2 | bmi2, &T::gather_bits, as(Opcode::kPdep)},
    {0xf6, "mulx", operands("Gy,Ky,Ey"), prefix_f2 | bmi2, &T::multiply_flagless},
    {0xf7, "bextr", operands("Gy,Ey,Ky"), prefix_none | bmi1, &T::extract_bits},
    {0xf7, "shlx", operands("Gy,Ey,Ky"), prefix_66 | bmi2, &T::shift_flagless, as(Opcode::kShl)},
    {0xf7, "sarx", operands("Gy,Ey,Ky"), prefix_f3 | bmi2, &T::shift_flagless, as(Opcode::kSar)},
    {0xf7, "shrx", operands("Gy,Ey,Ky"), prefix_f2 | bmi2, &T::shift_flagless, as(Opcode::kShr)},
    {0xf0, "crc32", operands("Gd,Eb"), prefix_f2 | needs(Feature::kSse42), &T::checksum},
    {0xf1, "crc32", operands("Gd,Ev"), prefix_f2 | needs(Feature::kSse42), &T::checksum},
    {0xf0, "movbe", operands("Gv,Mv"), memory_only | needs(Feature::kMovbe), &T::move_swapped},
    {0xf1, "movbe", operands("Mv,Gv"), memory_only | needs(Feature::kMovbe), &T::move_swapped},
};
constexpr Row k0f3aRows[] = {
    {0xf0, "rorx", operands("Gy,Ey,Ib"), prefix_f2 | bmi2, &T::shift_flagless, as(Opcode::kRor)},
};
// clang-format on

}  // namespace

std::span<const Row> three_byte_rows(Map map) {
  if (map == Map::k0f38) return k0f38Rows;
  return k0f3aRows;
}

}  // namespace vireo::i386
