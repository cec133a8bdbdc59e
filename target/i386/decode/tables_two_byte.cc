// The two-byte opcode map but for system and vector instructions (SDM volume 2, table A-3).

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
constexpr Row kRows[] = {
    {0x0b, "ud2", operands(""), 0, &T::undefined},
    {0x0d, "prefetchw", operands("Mb"), memory_only, &T::prefetch},
    {0x0d, "nop", operands("Ev"), register_only, &T::no_operation},
    {0x18, "prefetchnta", operands("Mb"), reg(0) | memory_only, &T::prefetch},
    {0x18, "prefetcht0", operands("Mb"), reg(1) | memory_only, &T::prefetch},
    {0x18, "prefetcht1", operands("Mb"), reg(2) | memory_only, &T::prefetch},
    {0x18, "prefetcht2", operands("Mb"), reg(3) | memory_only, &T::prefetch},
    {0x18, "nop", operands("Ev"), 0, &T::no_operation},
    {0x19, "nop", operands("Ev"), 0, &T::no_operation},
    {0x1a, "nop", operands("Ev"), 0, &T::no_operation},
    {0x1b, "nop", operands("Ev"), 0, &T::no_operation},
    {0x1c, "nop", operands("Ev"), 0, &T::no_operation},
    {0x1d, "nop", operands("Ev"), 0, &T::no_operation},
    {0x1e, "nop", operands("Ev"), 0, &T::no_operation},
    {0x1f, "nop", operands("Ev"), 0, &T::no_operation},
    {0x40, "cmovo", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kO)},
    {0x41, "cmovno", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kNo)},
    {0x42, "cmovb", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kB)},
    {0x43, "cmovae", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kAe)},
    {0x44, "cmove", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kE)},
    {0x45, "cmovne", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kNe)},
    {0x46, "cmovbe", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kBe)},
    {0x47, "cmova", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kA)},
    {0x48, "cmovs", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kS)},
    {0x49, "cmovns", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kNs)},
    {0x4a, "cmovp", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kP)},
    {0x4b, "cmovnp", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kNp)},
    {0x4c, "cmovl", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kL)},
    {0x4d, "cmovge", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kGe)},
    {0x4e, "cmovle", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kLe)},
    {0x4f, "cmovg", operands("Gv,Ev"), needs(Feature::kCmov), &T::move_if, as(Condition::kG)},
    {0x80, "jo", operands("Jz"), force64, &T::jump_if, as(Condition::kO)},
    {0x81, "jno", operands("Jz"), force64, &T::jump_if, as(Condition::kNo)},
    {0x82, "jb", operands("Jz"), force64, &T::jump_if, as(Condition::kB)},
    {0x83, "jae", operands("Jz"), force64, &T::jump_if, as(Condition::kAe)},
    {0x84, "je", operands("Jz"), force64, &T::jump_if, as(Condition::kE)},
    {0x85, "jne", operands("Jz"), force64, &T::jump_if, as(Condition::kNe)},
    {0x86, "jbe", operands("Jz"), force64, &T::jump_if, as(Condition::kBe)},
    {0x87, "ja", operands("Jz"), force64, &T::jump_if, as(Condition::kA)},
    {0x88, "js", operands("Jz"), force64, &T::jump_if, as(Condition::kS)},
    {0x89, "jns", operands("Jz"), force64, &T::jump_if, as(Condition::kNs)},
    {0x8a, "jp", operands("Jz"), force64, &T::jump_if, as(Condition::kP)},
    {0x8b, "jnp", operands("Jz"), force64, &T::jump_if, as(Condition::kNp)},
    {0x8c, "jl", operands("Jz"), force64, &T::jump_if, as(Condition::kL)},
    {0x8d, "jge", operands("Jz"), force64, &T::jump_if, as(Condition::kGe)},
    {0x8e, "jle", operands("Jz"), force64, &T::jump_if, as(Condition::kLe)},
    {0x8f, "jg", operands("Jz"), force64, &T::jump_if, as(Condition::kG)},
    {0x90, "seto", operands("Eb"), 0, &T::set_if, as(Condition::kO)},
    {0x91, "setno", operands("Eb"), 0, &T::set_if, as(Condition::kNo)},
    {0x92, "setb", operands("Eb"), 0, &T::set_if, as(Condition::kB)},
    {0x93, "setae", operands("Eb"), 0, &T::set_if, as(Condition::kAe)},
    {0x94, "sete", operands("Eb"), 0, &T::set_if, as(Condition::kE)},
    {0x95, "setne", operands("Eb"), 0, &T::set_if, as(Condition::kNe)},
    {0x96, "setbe", operands("Eb"), 0, &T::set_if, as(Condition::kBe)},
    {0x97, "seta", operands("Eb"), 0, &T::set_if, as(Condition::kA)},
    {0x98, "sets", operands("Eb"), 0, &T::set_if, as(Condition::kS)},
    {0x99, "setns", operands("Eb"), 0, &T::set_if, as(Condition::kNs)},
    {0x9a, "setp", operands("Eb"), 0, &T::set_if, as(Condition::kP)},
    {0x9b, "setnp", operands("Eb"), 0, &T::set_if, as(Condition::kNp)},
    {0x9c, "setl", operands("Eb"), 0, &T::set_if, as(Condition::kL)},
    {0x9d, "setge", operands("Eb"), 0, &T::set_if, as(Condition::kGe)},
    {0x9e, "setle", operands("Eb"), 0, &T::set_if, as(Condition::kLe)},
    {0x9f, "setg", operands("Eb"), 0, &T::set_if, as(Condition::kG)},
    {0xa0, "push", operands(""), default64, &T::push_segment, kFs},
    {0xa1, "pop", operands(""), default64, &T::pop_segment, kFs},
    {0xa8, "push", operands(""), default64, &T::push_segment, kGs},
    {0xa9, "pop", operands(""), default64, &T::pop_segment, kGs},
    {0xa3, "bt", operands("Ev,Gv"), 0, &T::bit_test},
    {0xab, "bts", operands("Ev,Gv"), lockable, &T::bit_update, as(RmwKind::kBts)},
    {0xb3, "btr", operands("Ev,Gv"), lockable, &T::bit_update, as(RmwKind::kBtr)},
    {0xbb, "btc", operands("Ev,Gv"), lockable, &T::bit_update, as(RmwKind::kBtc)},
    {0xba, "bt", operands("Ev,Ib"), reg(4), &T::bit_test},
    {0xba, "bts", operands("Ev,Ib"), reg(5) | lockable, &T::bit_update, as(RmwKind::kBts)},
    {0xba, "btr", operands("Ev,Ib"), reg(6) | lockable, &T::bit_update, as(RmwKind::kBtr)},
    {0xba, "btc", operands("Ev,Ib"), reg(7) | lockable, &T::bit_update, as(RmwKind::kBtc)},
    {0xa4, "shld", operands("Ev,Gv,Ib"), 0, &T::double_shift, as(Opcode::kShld)},
    {0xa5, "shld", operands("Ev,Gv,CL"), 0, &T::double_shift, as(Opcode::kShld)},
    {0xac, "shrd", operands("Ev,Gv,Ib"), 0, &T::double_shift, as(Opcode::kShrd)},
    {0xad, "shrd", operands("Ev,Gv,CL"), 0, &T::double_shift, as(Opcode::kShrd)},
    {0xaf, "imul", operands("Gv,Ev"), 0, &T::multiply},
    {0xb0, "cmpxchg", operands("Eb,Gb"), lockable, &T::compare_exchange},
    {0xb1, "cmpxchg", operands("Ev,Gv"), lockable, &T::compare_exchange},
    {0xb2, "lss", operands("Gv,Mp"), memory_only, &T::load_far_pointer, kSs},
    {0xb4, "lfs", operands("Gv,Mp"), memory_only, &T::load_far_pointer, kFs},
    {0xb5, "lgs", operands("Gv,Mp"), memory_only, &T::load_far_pointer, kGs},
    {0xb6, "movzx", operands("Gv,Eb"), 0, &T::move_zero_extended},
    {0xb7, "movzx", operands("Gv,Ew"), 0, &T::move_zero_extended},
    {0xbe, "movsx", operands("Gv,Eb"), 0, &T::move_sign_extended},
    {0xbf, "movsx", operands("Gv,Ew"), 0, &T::move_sign_extended},
    {0xb8, "popcnt", operands("Gv,Ev"), prefix_f3 | needs(Feature::kPopcnt), &T::count_bits, as(Opcode::kPopcnt)},
    {0xb9, "ud1", operands("Gv,Ev"), 0, &T::undefined},
    {0xbc, "tzcnt", operands("Gv,Ev"), prefix_f3 | needs(Feature::kBmi1), &T::count_bits, as(Opcode::kTzcnt)},
    {0xbc, "bsf", operands("Gv,Ev"), 0, &T::bit_scan, as(Opcode::kBsf)},
    {0xbd, "lzcnt", operands("Gv,Ev"), prefix_f3 | needs(Feature::kAbm), &T::count_bits, as(Opcode::kLzcnt)},
    {0xbd, "bsr", operands("Gv,Ev"), 0, &T::bit_scan, as(Opcode::kBsr)},
    {0xc0, "xadd", operands("Eb,Gb"), lockable, &T::exchange_add},
    {0xc1, "xadd", operands("Ev,Gv"), lockable, &T::exchange_add},
    {0xc3, "movnti", operands("My,Gy"), prefix_none | memory_only | needs(Feature::kSse2), &T::move},
    {0xc7, "cmpxchg8b", operands("M"), reg(1) | memory_only | lockable | needs(Feature::kCx8), &T::compare_exchange_wide},
    {0xc8, "bswap", operands("Zv"), 0, &T::byte_swap},
    {0xc9, "bswap", operands("Zv"), 0, &T::byte_swap},
    {0xca, "bswap", operands("Zv"), 0, &T::byte_swap},
    {0xcb, "bswap", operands("Zv"), 0, &T::byte_swap},
    {0xcc, "bswap", operands("Zv"), 0, &T::byte_swap},
    {0xcd, "bswap", operands("Zv"), 0, &T::byte_swap},
    {0xce, "bswap", operands("Zv"), 0, &T::byte_swap},
    {0xcf, "bswap", operands("Zv"), 0, &T::byte_swap},
    {0xff, "ud0", operands("Gv,Ev"), 0, &T::undefined},
};
// clang-format on

}  // namespace

std::span<const Row> two_byte_rows() { return kRows; }

}  // namespace vireo::i386
