// The encoder against a disassembler: every form, with every kind of register and displacement.

#include "tcg/backend/x86_64/encoder.h"

#include <gtest/gtest.h>

#include <functional>

#include "tcg/backend/x86_64/listing.h"

namespace vireo::tcg::x86_64 {
namespace {

std::string encode(const std::function<void(Encoder&)>& emit) {
  uint8_t buffer[64];
  Encoder encoder(buffer, buffer + sizeof buffer, 0);
  emit(encoder);
  std::string text =
      listing({reinterpret_cast<const std::byte*>(buffer), encoder.size()}, /*until_jump=*/false);
  if (!text.empty()) text.pop_back();
  return text;
}

constexpr const char* kNames[4][16] = {
    {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
     "r13b", "r14b", "r15b"},
    {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w",
     "r14w", "r15w"},
    {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d",
     "r13d", "r14d", "r15d"},
    {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
     "r14", "r15"}};
constexpr unsigned kSizes[] = {1, 2, 4, 8};
std::string name(unsigned size_index, unsigned reg) { return kNames[size_index][reg]; }

TEST(Encoder, RegistersOfEverySize) {
  for (unsigned s = 0; s < 4; ++s) {
    for (unsigned to = 0; to < 16; ++to) {
      for (unsigned from = 0; from < 16; ++from) {
        const auto a = static_cast<Reg>(to), b = static_cast<Reg>(from);
        EXPECT_EQ(encode([&](Encoder& e) { e.alu(Alu::kAdd, kSizes[s], a, b); }),
                  "add " + name(s, to) + ", " + name(s, from));
      }
    }
  }
}

TEST(Encoder, HighBytes) {
  constexpr const char* kHigh[] = {"ah", "ch", "dh", "bh"};
  for (unsigned high = 0; high < 4; ++high) {
    for (unsigned low = 0; low < 4; ++low) {
      const auto a = static_cast<Reg>(kAh + high), b = static_cast<Reg>(low);
      EXPECT_EQ(encode([&](Encoder& e) { e.mov(1, a, b); }),
                std::string("mov ") + kHigh[high] + ", " + name(0, low));
      EXPECT_EQ(encode([&](Encoder& e) { e.movzx(b, 1, a); }),
                "movzx " + name(2, low) + ", " + kHigh[high]);
    }
  }
}

TEST(Encoder, MemoryOperands) {
  for (const int32_t disp : {0, 8, -128, 0x1234}) {
    for (unsigned base = 0; base < 16; ++base) {
      for (unsigned index = 0; index < 16; ++index) {
        if (index == kRsp) continue;
        Mem mem{static_cast<Reg>(base), static_cast<Reg>(index), 2, disp};
        std::string text = "mov ecx, dword ptr [" + name(3, base) + " + " + name(3, index) + "*4";
        std::string tail = disp == 0      ? "]"
                           : disp == 8    ? " + 8]"
                           : disp == -128 ? " - 0x80]"
                                          : " + 0x1234]";
        EXPECT_EQ(encode([&](Encoder& e) { e.mov(4, kRcx, mem); }), text + tail);
        mem.index = kNoReg;
        EXPECT_EQ(encode([&](Encoder& e) { e.mov_to(8, mem, kR9); }),
                  "mov qword ptr [" + name(3, base) + tail + ", r9");
      }
    }
  }
  EXPECT_EQ(encode([](Encoder& e) {
              e.lea(8, kRax, {kNoReg, kRbx, 3, 16});
            }),
            "lea rax, [rbx*8 + 0x10]");
}

TEST(Encoder, Forms) {
  const struct {
    std::function<void(Encoder&)> emit;
    const char* text;
  } kCases[] = {
      {[](Encoder& e) { e.mov_imm(8, kR12, 0x1122334455667788); },
       "movabs r12, 0x1122334455667788"},
      {[](Encoder& e) { e.mov_imm(8, kR12, ~0ull); }, "mov r12, -1"},
      {[](Encoder& e) { e.mov_imm(8, kR12, 5); }, "mov r12d, 5"},
      {[](Encoder& e) { e.mov_imm(1, kRsi, 5); }, "mov sil, 5"},
      {[](Encoder& e) { e.mov_imm(1, kAh, 5); }, "mov ah, 5"},
      {[](Encoder& e) { e.mov_imm(2, kRsi, 5); }, "mov si, 5"},
      {[](Encoder& e) { e.mov_to_imm(8, {kR13}, -2); }, "mov qword ptr [r13], -2"},
      {[](Encoder& e) { e.mov_to_imm(2, {kRax}, 5); }, "mov word ptr [rax], 5"},
      {[](Encoder& e) { e.alu_imm(Alu::kCmp, 1, kRdi, 0x80); }, "cmp dil, 0x80"},
      {[](Encoder& e) { e.alu_imm(Alu::kXor, 4, kR8, 0x1000); }, "xor r8d, 0x1000"},
      {[](Encoder& e) { e.alu_imm(Alu::kSbb, 2, kR8, 0x1000); }, "sbb r8w, 0x1000"},
      {[](Encoder& e) { e.test_imm(8, kR8, 0x1000); }, "test r8, 0x1000"},
      {[](Encoder& e) { e.shift_imm(Shift::kSar, 8, kR9, 5); }, "sar r9, 5"},
      {[](Encoder& e) { e.shift_imm(Shift::kShl, 1, kRdi, 1); }, "shl dil, 1"},
      {[](Encoder& e) { e.shift_cl(Shift::kRcr, 2, kRbx); }, "rcr bx, cl"},
      {[](Encoder& e) { e.group3(Group3::kImul, 1, kRsi); }, "imul sil"},
      {[](Encoder& e) { e.group3(Group3::kIdiv, 8, kR11); }, "idiv r11"},
      {[](Encoder& e) { e.inc(8, kRax); }, "inc rax"},
      {[](Encoder& e) { e.dec(1, Mem{kRax}); }, "dec byte ptr [rax]"},
      {[](Encoder& e) { e.imul_imm(8, kRax, kR9, 300); }, "imul rax, r9, 0x12c"},
      {[](Encoder& e) { e.movsx(8, kRax, 1, kRsi); }, "movsx rax, sil"},
      {[](Encoder& e) { e.movsx(8, kRax, 4, kR9); }, "movsxd rax, r9d"},
      {[](Encoder& e) { e.movzx(kR10, 2, Mem{kRsp}); }, "movzx r10d, word ptr [rsp]"},
      {[](Encoder& e) { e.setcc(4, kRsi); }, "sete sil"},
      {[](Encoder& e) { e.cmov(12, 8, kR8, kRax); }, "cmovl r8, rax"},
      {[](Encoder& e) { e.bswap(8, kR12); }, "bswap r12"},
      {[](Encoder& e) { e.bswap(4, kRsi); }, "bswap esi"},
      {[](Encoder& e) { e.rorx(4, kR14, kR12, 7); }, "rorx r14d, r12d, 7"},
      {[](Encoder& e) { e.mulx(8, kRax, kR9, Mem{kR13}); }, "mulx rax, r9, qword ptr [r13]"},
      {[](Encoder& e) { e.shift_x(Shift::kShl, 8, kRax, Mem{kR13}, kR9); },
       "shlx rax, qword ptr [r13], r9"},
      {[](Encoder& e) { e.shift_x(Shift::kSar, 4, kR15, kRbx, kRcx); }, "sarx r15d, ebx, ecx"},
      {[](Encoder& e) { e.shift_x(Shift::kShr, 4, kRax, kRbx, kRcx); }, "shrx eax, ebx, ecx"},
      {[](Encoder& e) { e.push(kR12); }, "push r12"},
      {[](Encoder& e) { e.pop(kRbx); }, "pop rbx"},
      {[](Encoder& e) {
         e.jump_indirect(Mem{kR14, kNoReg, 0, 8});
       },
       "jmp qword ptr [r14 + 8]"},
      {[](Encoder& e) { e.call_indirect(kR12); }, "call r12"},
      {[](Encoder& e) { e.movaps(static_cast<Reg>(9), static_cast<Reg>(1)); }, "movaps xmm9, xmm1"},
      {[](Encoder& e) {
         e.movups_to({kR14, kR12}, static_cast<Reg>(15));
       },
       "movups xmmword ptr [r14 + r12], xmm15"},
      {[](Encoder& e) { e.movq(static_cast<Reg>(8), Mem{kRax}); }, "movq xmm8, qword ptr [rax]"},
      {[](Encoder& e) { e.movss_to({kRax}, static_cast<Reg>(2)); }, "movss dword ptr [rax], xmm2"},
      {[](Encoder& e) {
         e.rm({kMap0f38, 0x00, 0x66}, 4, 9, static_cast<Reg>(10));
       },
       "pshufb xmm9, xmm10"},
  };
  for (const auto& test : kCases) EXPECT_EQ(encode(test.emit), test.text);
}

TEST(Encoder, RoomRunsOut) {
  uint8_t buffer[4];
  Encoder encoder(buffer, buffer + sizeof buffer, 0);
  encoder.mov_imm(8, kRax, ~0ull >> 1);
  EXPECT_TRUE(encoder.full());
  EXPECT_EQ(encoder.size(), sizeof buffer);
}

// What is behind the end stays as it is, whichever instruction finds no room.
TEST(Encoder, NothingIsWrittenBehindTheEnd) {
  const Sequence sequence([](Encoder& e) { e.alu_imm(Alu::kAdd, 8, kRax, 1); });
  const Mem longest{kR13, kR12, 3, 0x12345678, true};
  for (unsigned room = 0; room < 40; ++room) {
    uint8_t buffer[80] = {};
    Encoder encoder(buffer, buffer + room, 0);
    for (unsigned i = 0; i < 10; ++i) {
      encoder.rm({kMap0f38, 0xf0, 0xf2}, 2, kR8, longest);
      encoder.vex({kMap0f38, 0xf7}, 8, kR8, kR9, longest);
      sequence.append_to(encoder);
      encoder.mov_imm(8, kRax, ~0ull >> 1);
    }
    EXPECT_TRUE(encoder.full());
    EXPECT_LE(encoder.size(), room);
    EXPECT_TRUE(std::all_of(buffer + room, std::end(buffer), [](uint8_t b) { return b == 0; }))
        << room;
  }
}

TEST(Encoder, PatchableFieldsLieInAQuadword) {
  alignas(8) uint8_t buffer[128];
  Encoder encoder(buffer, buffer + sizeof buffer, 0);
  for (unsigned i = 0; i < 8; ++i) {
    encoder.byte(0x90);
    const auto label = encoder.new_label();
    EXPECT_LE(encoder.patchable_jump(label) % 8, 4u);
    EXPECT_LE(encoder.patchable_jump_if(3, label) % 8, 4u);
    encoder.bind(label);
  }
}

}  // namespace
}  // namespace vireo::tcg::x86_64
