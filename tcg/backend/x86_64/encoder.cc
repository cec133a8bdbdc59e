// x86-64 machine code (SDM volume 2, chapter 2: prefixes, REX, ModRM, SIB, displacement, immediate;
// VEX for BMI2).

#include "tcg/backend/x86_64/encoder.h"

#include <cstring>

namespace vireo::tcg::x86_64 {
namespace {

constexpr uint8_t kGsPrefix = 0x65;
/// The most that an instruction takes without its immediate, and what stores write behind it.
constexpr ptrdiff_t kRoom = 20;

bool fits8(int64_t value) { return value == static_cast<int8_t>(value); }
/// The three low bits of a register's encoding.
uint8_t low3(unsigned reg) { return reg & 7; }
/// The fourth; 0 for no register.
bool bit3(unsigned reg) { return (reg & 8) != 0; }

/// A REX prefix without bits selects SPL..DIL for byte operands 4..7.
bool byte_operands_need_rex(Code code, unsigned size, uint8_t reg, const Rm& rm) {
  const auto needs = [](unsigned r) { return r >= 4 && r <= 7; };
  if (rm.is_register() && needs(rm.reg)) return true;
  // Opcode digits do not name registers.
  const bool digit =
      code.map == kMapOne &&
      (code.byte == 0xfe || code.byte == 0xf6 || code.byte == 0x80 || code.byte == 0xc6 ||
       code.byte == 0xc0 || code.byte == 0xd0 || code.byte == 0xd2);
  const bool setcc = code.map == kMap0f && (code.byte & 0xf0) == 0x90;
  return size == 1 && !digit && !setcc && needs(reg);
}

// Below, `to` is where to write; bytes that may be absent are written all the same, and what comes
// next overwrites them.

uint8_t* put_memory(uint8_t* to, uint8_t reg, const Mem& mem) {
  const auto field = static_cast<uint8_t>(low3(reg) << 3);
  const uint8_t base = low3(mem.base), index = mem.index == kNoReg ? 4 : low3(mem.index);
  const auto sib = static_cast<uint8_t>(mem.scale << 6 | index << 3);
  const int32_t disp = mem.disp;
  if (mem.base == kNoReg) {  // [index * scale + disp32], or an absolute address
    *to++ = field | 4;
    *to++ = sib | 5;
    util::store_little<uint32_t>(to, static_cast<uint32_t>(disp));
    return to + 4;
  }
  const bool has_sib = mem.index != kNoReg || base == 4;
  // RBP and R13 as a base without displacement mean something else.
  const bool no_displacement = disp == 0 && base != 5;
  const bool short_displacement = fits8(disp);
  const uint8_t mode = no_displacement ? 0 : short_displacement ? 0x40 : 0x80;
  *to++ = mode | field | (has_sib ? 4 : base);
  *to = sib | base;
  to += has_sib;
  util::store_little<uint32_t>(to, static_cast<uint32_t>(disp));
  return to + (no_displacement ? 0 : short_displacement ? 1 : 4);
}

uint8_t* put_modrm(uint8_t* to, uint8_t reg, const Rm& rm) {
  if (!rm.is_register()) return put_memory(to, reg, rm.mem);
  *to++ = static_cast<uint8_t>(0xc0 | low3(reg) << 3 | low3(rm.reg));
  return to;
}

}  // namespace

bool Encoder::ensure_room() {
  if (end_ - cursor_ >= kRoom) [[likely]]
    return true;
  full_ = true;
  return false;
}

void Encoder::rm(Code code, unsigned size, uint8_t reg, const Rm& rm) {
  if (!ensure_room()) return;
  // MOVZX and MOVSX have a byte source and a wider target.
  const bool byte_source = code.map == kMap0f && (code.byte & ~8) == 0xb6;
  uint8_t rex = size == 8 ? 8 : 0;
  if (bit3(reg)) rex |= 4;
  if (bit3(rm.mem.index)) rex |= 2;
  if (bit3(rm.is_register() ? rm.reg : rm.mem.base)) rex |= 1;
  if ((size == 1 || byte_source) && byte_operands_need_rex(code, size, reg, rm)) rex |= 0x40;
  uint8_t* to = cursor_;
  *to = kGsPrefix;
  to += rm.mem.gs;
  *to = 0x66;
  to += size == 2;
  *to = code.prefix;
  to += code.prefix != 0;
  *to = 0x40 | rex;
  to += rex != 0;
  if (code.map != kMapOne) {
    *to++ = 0x0f;
    *to = code.map == kMap0f38 ? 0x38 : 0x3a;
    to += code.map != kMap0f;
  }
  *to++ = code.byte;
  cursor_ = put_modrm(to, reg, rm);
}

void Encoder::mov_to_imm(unsigned size, const Mem& to, int32_t value) {
  rm(sized(0xc6, size), size, 0, to);
  imm(static_cast<uint32_t>(value), size == 8 ? 4 : size);
}

void Encoder::mov_imm(unsigned size, Reg to, uint64_t value) {
  if (size == 1) {
    rm(sized(0xc6, 1), 1, 0, to);
    return imm(value, 1);
  }
  if (size == 2) {
    rm(sized(0xc6, 2), 2, 0, to);
    return imm(value, 2);
  }
  if (size == 4) value = static_cast<uint32_t>(value);
  if (value == static_cast<uint32_t>(value)) {
    if (bit3(to)) byte(0x41);
    byte(0xb8 | low3(to));
    return imm(value, 4);
  }
  if (static_cast<int64_t>(value) == static_cast<int32_t>(value)) {
    rm({kMapOne, 0xc7}, 8, 0, to);
    return imm(value, 4);
  }
  byte(bit3(to) ? 0x49 : 0x48);
  byte(0xb8 | low3(to));
  imm(value, 8);
}

void Encoder::movzx(Reg to, unsigned from_size, const Rm& from) {
  if (from_size == 4) return mov(4, to, from);
  rm({kMap0f, static_cast<uint8_t>(from_size == 1 ? 0xb6 : 0xb7)}, 4, to, from);
}

void Encoder::movsx(unsigned size, Reg to, unsigned from_size, const Rm& from) {
  if (from_size == 4) return rm({kMapOne, 0x63}, size, to, from);
  rm({kMap0f, static_cast<uint8_t>(from_size == 1 ? 0xbe : 0xbf)}, size, to, from);
}

void Encoder::alu(Alu op, unsigned size, Reg to, const Rm& from) {
  const uint8_t base = static_cast<uint8_t>(static_cast<unsigned>(op) << 3);
  rm(sized(base | 2, size), size, to, from);
}

void Encoder::alu_to(Alu op, unsigned size, const Mem& to, Reg from) {
  const uint8_t base = static_cast<uint8_t>(static_cast<unsigned>(op) << 3);
  rm(sized(base, size), size, from, to);
}

void Encoder::alu_imm(Alu op, unsigned size, const Rm& to, int32_t value) {
  const auto digit = static_cast<uint8_t>(op);
  if (size == 1) {
    rm({kMapOne, 0x80}, 1, digit, to);
    return imm(static_cast<uint8_t>(value), 1);
  }
  if (size == 2) value = static_cast<int16_t>(value);
  const bool is_short = fits8(value);
  rm({kMapOne, static_cast<uint8_t>(is_short ? 0x83 : 0x81)}, size, digit, to);
  imm(static_cast<uint32_t>(value), is_short ? 1 : size == 2 ? 2 : 4);
}

void Encoder::test_imm(unsigned size, const Rm& a, int32_t value) {
  rm(sized(0xf6, size), size, 0, a);
  imm(static_cast<uint32_t>(value), size == 8 ? 4 : size);
}

void Encoder::shift_imm(Shift op, unsigned size, const Rm& to, uint8_t count) {
  if (count == 1) return rm(sized(0xd0, size), size, static_cast<uint8_t>(op), to);
  rm(sized(0xc0, size), size, static_cast<uint8_t>(op), to);
  byte(count);
}

void Encoder::shift_cl(Shift op, unsigned size, const Rm& to) {
  rm(sized(0xd2, size), size, static_cast<uint8_t>(op), to);
}

void Encoder::group3(Group3 op, unsigned size, const Rm& operand) {
  rm(sized(0xf6, size), size, static_cast<uint8_t>(op), operand);
}

void Encoder::imul_imm(unsigned size, Reg to, const Rm& from, int32_t value) {
  if (size == 2) value = static_cast<int16_t>(value);
  const bool is_short = fits8(value);
  rm({kMapOne, static_cast<uint8_t>(is_short ? 0x6b : 0x69)}, size, to, from);
  imm(static_cast<uint32_t>(value), is_short ? 1 : size == 2 ? 2 : 4);
}

void Encoder::bswap(unsigned size, Reg reg) {
  const uint8_t rex = static_cast<uint8_t>((size == 8 ? 8 : 0) | (bit3(reg) ? 1 : 0));
  if (rex) byte(0x40 | rex);
  byte(0x0f);
  byte(0xc8 | low3(reg));
}

// Two or three bytes of VEX (SDM volume 2, 2.3.5).
void Encoder::vex(Code code, unsigned size, uint8_t reg, Reg vvvv, const Rm& rm,
                  unsigned vector_bytes) {
  if (!ensure_room()) return;
  const uint8_t prefix = code.prefix == 0x66 ? 1 : code.prefix == 0xf3 ? 2 : code.prefix ? 3 : 0;
  const bool base = bit3(rm.is_register() ? rm.reg : rm.mem.base);
  const bool index = bit3(rm.mem.index);
  const unsigned reg_bit = reg & 8 ? 0 : 0x80;
  const unsigned last = (~vvvv & 15u) << 3 | (vector_bytes == 32 ? 4 : 0) | prefix;
  uint8_t* to = cursor_;
  *to = kGsPrefix;
  to += rm.mem.gs;
  if (code.map == kMap0f && size != 8 && !base && !index) {
    *to++ = 0xc5;
    *to++ = static_cast<uint8_t>(reg_bit | last);
  } else {
    *to++ = 0xc4;
    *to++ = static_cast<uint8_t>(reg_bit | (index ? 0 : 0x40) | (base ? 0 : 0x20) | code.map);
    *to++ = static_cast<uint8_t>((size == 8 ? 0x80 : 0) | last);
  }
  *to++ = code.byte;
  cursor_ = put_modrm(to, reg, rm);
}

void Encoder::bextr(unsigned size, Reg to, const Rm& from, Reg which) {
  vex({kMap0f38, 0xf7}, size, to, which, from);
}

void Encoder::rorx(unsigned size, Reg to, const Rm& from, uint8_t count) {
  vex({kMap0f3a, 0xf0, 0xf2}, size, to, kRax, from);
  byte(count);
}

void Encoder::shift_x(Shift op, unsigned size, Reg to, const Rm& from, Reg count) {
  const uint8_t prefix = op == Shift::kShl ? 0x66 : op == Shift::kSar ? 0xf3 : 0xf2;
  vex({kMap0f38, 0xf7, prefix}, size, to, count, from);
}

void Encoder::mulx(unsigned size, Reg high, Reg low, const Rm& by) {
  vex({kMap0f38, 0xf6, 0xf2}, size, high, low, by);
}

void Encoder::push(Reg reg) {
  if (bit3(reg)) byte(0x41);
  byte(0x50 | low3(reg));
}

void Encoder::pop(Reg reg) {
  if (bit3(reg)) byte(0x41);
  byte(0x58 | low3(reg));
}

void Encoder::branch_field(Label label) {
  fixups_.push_back({static_cast<uint32_t>(size()), label});
  imm(0, 4);
}

void Encoder::resolve() {
  if (full_) return;
  for (const Fixup& fixup : fixups_) {
    const auto distance = static_cast<int32_t>(labels_[fixup.label] - (fixup.at + 4));
    std::memcpy(begin_ + fixup.at, &distance, sizeof distance);
  }
  fixups_.clear();
}

void Encoder::lea_label(Reg to, Label label) {
  byte(bit3(to) ? 0x4c : 0x48);
  byte(0x8d);
  byte(static_cast<uint8_t>(low3(to) << 3 | 5));  // RIP-relative
  branch_field(label);
}

void Encoder::jump(Label label) {
  byte(0xe9);
  branch_field(label);
}

void Encoder::jump_if(uint8_t condition, Label label) {
  byte(0x0f);
  byte(0x80 | condition);
  branch_field(label);
}

void Encoder::call(Label label) {
  byte(0xe8);
  branch_field(label);
}

void Encoder::relative(const void* target) {
  const auto* next = executable(size() + 4);
  imm(static_cast<uint32_t>(static_cast<const uint8_t*>(target) - next), 4);
}

void Encoder::jump_to(const void* target) {
  byte(0xe9);
  relative(target);
}

void Encoder::call_to(const void* target) {
  byte(0xe8);
  relative(target);
}

unsigned Encoder::padding_of_field(unsigned ahead) const {
  constexpr unsigned kQuadword = 8, kLast = kQuadword - 4;
  const unsigned place = (reinterpret_cast<uintptr_t>(cursor_) + ahead) % kQuadword;
  return place <= kLast ? 0 : kQuadword - place;
}

// CS segment overrides.
void Encoder::pad_branch(unsigned ahead) {
  for (unsigned count = padding_of_field(ahead); count > 0; --count) byte(0x2e);
}

// One NOP of up to three bytes (SDM volume 2, NOP).
void Encoder::align_field(unsigned ahead) {
  switch (padding_of_field(ahead)) {
    case 1:
      return byte(0x90);
    case 2:
      return imm(0x9066, 2);
    case 3:
      return imm(0x001f0f, 3);
    default:
      return;
  }
}

size_t Encoder::patchable_jump(Label label) {
  pad_branch(1);
  jump(label);
  return size() - 4;
}

size_t Encoder::patchable_call(Label label) {
  pad_branch(1);
  call(label);
  return size() - 4;
}

size_t Encoder::patchable_jump_if(uint8_t condition, Label label) {
  pad_branch(2);
  jump_if(condition, label);
  return size() - 4;
}

}  // namespace vireo::tcg::x86_64
