// Host code of small blocks, word for word, so that a change of code generation shows in review.

#include <gtest/gtest.h>

#include "tcg/backend/x86_64/jit_backend.h"
#include "tcg/backend/x86_64/listing.h"
#include "tcg/ir/builder.h"

namespace vireo::tcg::x86_64 {
namespace {

class Golden : public ::testing::Test {
 protected:
  Golden() {
    BackendConfig config;
    config.code_cache_bytes = 1 << 20;
    HostCpu cpu = HostCpu::detect();
    cpu.bmi2 = cpu.avx = cpu.avx2 = cpu.fma = cpu.aes = cpu.sha = true;  // the code is not run
    backend_ = std::move(JitBackend::create(config, cpu)).value();
    config.wide_vectors = true;
    wide_ = std::move(JitBackend::create(config, cpu)).value();
    block_.guest_ip = 0x1000;
    b_.insn_start(0x1000);
  }
  /// For a guest with AVX.
  std::string wide_code() {
    std::swap(backend_, wide_);
    return code();
  }
  std::string code() {
    b_.exit_direct(0x1020, 0);
    auto block = backend_->compile(block_, page_, nullptr);
    return block ? listing(backend_->host_code(**block), true) : block.error().message();
  }
  Value get(unsigned reg, Type type = Type::kI64) { return b_.get_reg(type, reg); }
  Value number(uint64_t value, Type type = Type::kI64) { return b_.constant(type, value); }

  /// Flags that are in memory, so that entries and checks have nothing to convert.
  void set_flags() { b_.set_flags(number(0, Type::kI32)); }

  const CodePage page_{.key = {.linear = 0x1000, .ip = 0x1000}};
  std::unique_ptr<Backend> backend_, wide_;
  Block block_;
  Builder b_{&block_};
};

constexpr unsigned kAx = 0, kCx = 1, kDx = 2, kBx = 3, kSp = 4, kSi = 6, kGuest9 = 9;

TEST_F(Golden, AddIsOneInstruction) {
  b_.set_reg(kAx, b_.add(get(kAx), get(kBx), kAllFlags));
  EXPECT_EQ(code(), R"(add rax, rbx
jmp
)");
}

TEST_F(Golden, ClearIsOneInstruction) {
  b_.set_reg(kAx, b_.xor_(get(kAx, Type::kI32), get(kAx, Type::kI32), kAllFlags));
  EXPECT_EQ(code(), R"(xor eax, eax
jmp
)");
}

TEST_F(Golden, LoadIndexed) {
  set_flags();
  b_.set_reg(kAx, b_.load(Type::kI64, b_.address(Type::kI64, get(kBx), get(kCx), 3, 8), 0, 0));
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
lea r12, [rbx + rcx*8 + 8]
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14]
cmp r12, 0xff8
ja
mov r14, qword ptr [r14 + 0x10000]
mov rax, qword ptr [r14 + r12]
jmp
)");
}

TEST_F(Golden, UserCodeFindsItsTlbInASegment) {
  set_flags();
  b_.set_reg(kAx, b_.load(Type::kI64, get(kBx), 0, kMemoryUser));
  b_.store(get(kCx), 0, get(kAx), kMemoryUser);
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
mov r12, rbx
bextr r14d, r12d, r13d
sub r12, qword ptr gs:[r14*8]
cmp r12, 0xff8
ja
mov r14, qword ptr gs:[r14*8 + 0x10000]
mov rax, qword ptr [r14 + r12]
mov r12, rcx
bextr r14d, r12d, r13d
sub r12, qword ptr gs:[r14*8 + 0x8000]
cmp r12, 0xff8
ja
mov r14, qword ptr gs:[r14*8 + 0x18000]
mov qword ptr [r14 + r12], rax
jmp
)");
}

TEST_F(Golden, NonTemporalStoreIsOne) {
  set_flags();
  b_.store(get(kBx), 0, get(1, Type::kV128), kMemoryAligned | kMemoryNonTemporal);
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
mov r12, rbx
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14 + 0x8000]
cmp r12, 0xff0
ja
test r12b, 0xf
jne
mov r14, qword ptr [r14 + 0x18000]
movntps xmmword ptr [r14 + r12], xmm1
jmp
)");
}

TEST_F(Golden, PrefetchLooksIntoTheTlbAndBelievesIt) {
  set_flags();
  b_.prefetch(b_.address(Type::kI64, get(kBx), get(kCx), 3, 8), 0);
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
lea r12, [rbx + rcx*8 + 8]
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14]
mov r14, qword ptr [r14 + 0x10000]
prefetcht0 byte ptr [r14 + r12]
jmp
)");
}

TEST_F(Golden, LoadFolds) {
  set_flags();
  b_.set_reg(kAx, b_.add(get(kAx), b_.load(Type::kI64, get(kBx), 0, 0), kAllFlags));
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
mov r12, rbx
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14]
cmp r12, 0xff8
ja
mov r14, qword ptr [r14 + 0x10000]
add rax, qword ptr [r14 + r12]
jmp
)");
}

TEST_F(Golden, CompareWithMemory) {
  set_flags();
  b_.sub(b_.load(Type::kI32, get(kBx), 4, 0), number(5, Type::kI32), kAllFlags);
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
lea r12, [rbx + 4]
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14]
cmp r12, 0xffc
ja
mov r14, qword ptr [r14 + 0x10000]
cmp dword ptr [r14 + r12], 5
jmp
)");
}

TEST_F(Golden, Push) {
  set_flags();
  const Value next = b_.address(Type::kI64, get(kSp), {}, 0, -8);
  b_.store(next, 0, get(kBx), kMemoryStack);
  b_.set_reg(kSp, next);
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
lea r12, [r15 - 8]
sub r12, qword ptr [r13 + 0x3c]
cmp r12, qword ptr [r13 + 0x44]
jae
mov r14, qword ptr [r13 + 0x4c]
mov qword ptr [r14 + r12], rbx
lea r15, [r15 - 8]
jmp
)");
}

TEST_F(Golden, Pop) {
  set_flags();
  const Value sp = get(kSp);
  const Value popped = b_.load(Type::kI64, sp, 0, kMemoryStack);
  b_.set_reg(kSp, b_.address(Type::kI64, sp, {}, 0, 8));
  b_.set_reg(kBx, popped);
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
mov r12, r15
sub r12, qword ptr [r13 + 0x3c]
cmp r12, qword ptr [r13 + 0x44]
jae
mov r14, qword ptr [r13 + 0x4c]
mov rbx, qword ptr [r14 + r12]
lea r15, [r15 + 8]
jmp
)");
}

TEST_F(Golden, CompareAndBranch) {
  b_.sub(get(kAx, Type::kI32), number(5, Type::kI32), kAllFlags);
  b_.branch_if(Condition::kL, 0x1040, 1);
  EXPECT_EQ(code(), R"(cmp eax, 5
jl
jmp
)");
}

TEST_F(Golden, BackEdgesPoll) {
  b_.sub(get(kAx), get(kBx), kAllFlags);
  b_.branch_if(Condition::kNe, 0x1000, 1);
  EXPECT_EQ(code(), R"(cmp rax, rbx
je
mov r14, qword ptr [r13 + 0x6c]
mov r14d, dword ptr [r14]
jmp
)");
}

TEST_F(Golden, IncrementKeepsCarry) {
  set_flags();
  b_.set_reg(kCx, b_.add(get(kCx), number(1), kAllFlags & ~kFlagC));
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
bt word ptr [r13 - 0x80], 8
inc rcx
jmp
)");
}

TEST_F(Golden, ExtendingLoad) {
  set_flags();
  b_.set_reg(kAx, b_.zero_extend(Type::kI32, b_.load(Type::kI8, get(kSi), 3, 0)));
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
lea r12, [rsi + 3]
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14]
cmp r12, 0xfff
ja
mov r14, qword ptr [r14 + 0x10000]
movzx eax, byte ptr [r14 + r12]
jmp
)");
}

TEST_F(Golden, ConditionalMove) {
  b_.and_(get(kAx), get(kAx), kAllFlags);
  b_.set_reg(kDx, b_.select(Condition::kE, get(kBx), get(kDx)));
  EXPECT_EQ(code(), R"(test rax, rax
cmove rdx, rbx
jmp
)");
}

TEST_F(Golden, ShiftByRegister) {
  b_.set_reg(kAx, b_.shl(get(kAx), get(kDx, Type::kI8)));
  b_.and_(get(kAx), get(kAx), kAllFlags);
  EXPECT_EQ(code(), R"(shlx rax, rax, rdx
test rax, rax
jmp
)");
}

TEST_F(Golden, RegistersInTheFrame) {
  b_.set_reg(kGuest9, b_.add(get(kGuest9), number(1), kAllFlags));
  EXPECT_EQ(code(), R"(add qword ptr [r13 - 0x34], 1
jmp
)");
}

TEST_F(Golden, UpdateOfMemory) {
  set_flags();
  b_.rmw(RmwKind::kAdd, Type::kI32, get(kBx), 4, get(kAx, Type::kI32), kMemoryLocked, kAllFlags);
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
lea r12, [rbx + 4]
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14 + 0x8000]
cmp r12, 0xffc
ja
mov r14, qword ptr [r14 + 0x18000]
lock add dword ptr [r14 + r12], eax
jmp
)");
}

TEST_F(Golden, MultiplicationInPlace) {
  const auto [low, high] = b_.mul_wide_u(get(kAx), get(kCx), kAllFlags);
  b_.set_reg(kAx, low);
  b_.set_reg(kDx, high);
  EXPECT_EQ(code(), R"(mul rcx
jmp
)");
}

TEST_F(Golden, ScalarArithmeticFolds) {
  set_flags();
  b_.set_reg(1, b_.vector(VectorOpcode::kMulsd, Type::kV128, get(1, Type::kV128),
                          b_.load(Type::kV64, get(kSi), 8, 0)));
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
lea r12, [rsi + 8]
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14]
cmp r12, 0xff8
ja
mov r14, qword ptr [r14 + 0x10000]
mulsd xmm1, qword ptr [r14 + r12]
jmp
)");
}

TEST_F(Golden, Exchange) {
  set_flags();
  const Value old = get(kAx);
  b_.set_reg(kAx, get(kBx));
  b_.set_reg(kBx, old);
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
mov r14, rax
mov rax, rbx
mov rbx, r14
jmp
)");
}

TEST_F(Golden, CopyOfMemory) {
  set_flags();
  b_.store(get(kSi), 0, b_.load(Type::kI64, get(kBx), 0, 0), 0);
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
mov r12, rbx
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14]
cmp r12, 0xff8
ja
mov r14, qword ptr [r14 + 0x10000]
mov r12, qword ptr [r14 + r12]
mov qword ptr [r13 + 0x3b4], r12
mov r12, rsi
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14 + 0x8000]
cmp r12, 0xff8
ja
mov r14, qword ptr [r14 + 0x18000]
lea r14, [r14 + r12]
mov r12, qword ptr [r13 + 0x3b4]
mov qword ptr [r14], r12
jmp
)");
}

// PUSH, PUSH, MOV: one check, and the stack pointer is set when somebody can see it.
TEST_F(Golden, AccessesOfOneBaseShareACheck) {
  set_flags();
  const Value stack = get(kSp);
  for (unsigned i = 1; i <= 2; ++i) {
    b_.insn_start(0x1000 + i);
    b_.store(stack, -8 * static_cast<int64_t>(i), get(i), 0);
    b_.set_reg(kSp, b_.address(Type::kI64, stack, {}, 0, -8 * static_cast<int64_t>(i)));
  }
  b_.insn_start(0x1003);
  b_.set_reg(kAx, b_.load(Type::kI64, stack, 32, 0));
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
lea r12, [r15 - 0x10]
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14 + 0x8000]
cmp r12, 0xfc8
ja
mov r14, qword ptr [r14 + 0x18000]
lea r14, [r14 + r12]
mov qword ptr [r14 + 8], rcx
mov qword ptr [r14], rdx
lea r15, [r15 - 0x10]
mov rax, qword ptr [r14 + 0x30]
jmp
)");
}

// A second group takes the register; the first one's host address comes back from the Frame.
TEST_F(Golden, GroupsTakeTurns) {
  set_flags();
  const Value one = get(kBx), other = get(kSi);
  b_.store(one, 0, get(kAx), 0);
  b_.insn_start(0x1001);
  b_.store(other, 0, get(kAx), 0);
  b_.insn_start(0x1002);
  b_.store(one, 8, get(kCx), 0);
  b_.store(other, 8, get(kCx), 0);
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
mov r12, rbx
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14 + 0x8000]
cmp r12, 0xff0
ja
mov r14, qword ptr [r14 + 0x18000]
lea r14, [r14 + r12]
mov qword ptr [r14], rax
mov qword ptr [r13 + 0x3b4], r14
mov r12, rsi
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14 + 0x8000]
cmp r12, 0xff0
ja
mov r14, qword ptr [r14 + 0x18000]
lea r14, [r14 + r12]
mov qword ptr [r14], rax
mov qword ptr [r13 + 0x3d4], r14
mov r14, qword ptr [r13 + 0x3b4]
mov qword ptr [r14 + 8], rcx
mov r14, qword ptr [r13 + 0x3d4]
mov qword ptr [r14 + 8], rcx
jmp
)");
}

// *rbx++ = al until rbx is rcx: the copy of the body that runs while its page lasts.
TEST_F(Golden, LoopChecksOncePerPage) {
  const Value at = get(kBx);
  b_.store(at, 0, get(kAx, Type::kI8), 0);
  b_.insn_start(0x1002);
  const Value next = b_.add(at, number(1));
  b_.set_reg(kBx, next);
  b_.insn_start(0x1006);
  b_.sub(next, get(kCx), kAllFlags);
  b_.insn_start(0x1009);
  b_.branch_if(Condition::kNe, 0x1000, 0);
  b_.exit_direct(0x1020, 1);
  const auto block = backend_->compile(block_, page_, nullptr);
  const std::string all = listing(backend_->host_code(**block), false);
  EXPECT_NE(all.find(R"(mov byte ptr [rdx + rbx], al
lea rbx, [rbx + 1]
cmp rbx, rcx
je
cmp rbx, r15
jne
mov rdx, qword ptr [r13 + 0x3f4]
mov r15, qword ptr [r13 + 0x414]
cmp rbx, rcx
jmp
)"),
            std::string::npos)
      << all;
}

TEST_F(Golden, VexIsOneInstruction) {
  set_flags();
  const Value sum =
      b_.vector(VectorOpcode::kPaddd, Type::kV128, get(1, Type::kV128), get(2, Type::kV128));
  b_.set_reg(0, b_.zero_extend(Type::kV256, sum));
  EXPECT_EQ(wide_code(), R"(mov word ptr [r13 - 0x80], 0x200
vpaddd xmm0, xmm1, xmm2
jmp
)");
}

TEST_F(Golden, LegacyKeepsTheUpperHalf) {
  set_flags();
  b_.set_reg(
      0, b_.vector(VectorOpcode::kPaddd, Type::kV128, get(0, Type::kV128), get(2, Type::kV128)));
  EXPECT_EQ(wide_code(), R"(mov word ptr [r13 - 0x80], 0x200
paddd xmm0, xmm2
jmp
)");
}

TEST_F(Golden, RoundsOfCiphersAndHashesAreOneInstruction) {
  set_flags();
  const auto vector = [&](unsigned reg) { return get(reg, Type::kV128); };
  b_.set_reg(3, b_.vector(VectorOpcode::kAesenc, Type::kV128, vector(3), vector(4)));
  b_.set_reg(0, b_.vector(VectorOpcode::kPshufd, Type::kV128, {}, vector(0), 14));
  b_.set_reg(1, b_.vector(VectorOpcode::kSha256rnds2, vector(1), vector(2), vector(0)));
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
aesenc xmm3, xmm4
pshufd xmm0, xmm0, 0xe
sha256rnds2 xmm1, xmm2
jmp
)");
}

TEST_F(Golden, WideLoadFolds) {
  set_flags();
  const Value loaded = b_.load(Type::kV256, get(kBx), 0, 0);
  b_.set_reg(
      8, b_.vector(VectorOpcode::kVfmadd231ps, get(8, Type::kV256), get(2, Type::kV256), loaded));
  EXPECT_EQ(wide_code(), R"(mov word ptr [r13 - 0x80], 0x200
mov r12, rbx
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14]
cmp r12, 0xfe0
ja
mov r14, qword ptr [r14 + 0x10000]
vfmadd231ps ymm8, ymm2, ymmword ptr [r14 + r12]
jmp
)");
}

TEST_F(Golden, CallOfRelocatableCode) {
  block_.relocatable = true;
  const Value base = b_.load_state(Type::kI64, offsetof(Frame, code_base));
  const Value next = b_.address(Type::kI64, base, {}, 0, 0x1015);
  b_.store(b_.address(Type::kI64, get(4), {}, 0, -8), 0, next, kMemoryUser | kMemoryStack);
  b_.set_reg(4, b_.address(Type::kI64, get(4), {}, 0, -8));
  b_.push_return(0x1015);
  EXPECT_EQ(code(), R"(mov r12, rax
lahf
seto al
mov word ptr [r13 - 0x80], ax
mov rax, r12
mov r14, qword ptr [r13 + 0x1c]
lea r14, [r14 + 0x1015]
mov qword ptr [r13 + 0x3b4], r14
lea r12, [r15 - 8]
sub r12, qword ptr [r13 + 0x54]
cmp r12, qword ptr [r13 + 0x5c]
jae
mov r14, qword ptr [r13 + 0x64]
lea r14, [r14 + r12]
mov r12, qword ptr [r13 + 0x3b4]
mov qword ptr [r14], r12
lea r15, [r15 - 8]
call
lea r12, [r12 - 0x1015]
cmp r12, qword ptr gs:[0x20080]
jne
mov qword ptr [r13 + 0x1c], r12
jmp
)");
}

TEST_F(Golden, TextInMemory) {
  set_flags();
  const Value text = b_.load(Type::kV128, get(kSi), 0, 0);
  const Value set = get(1, Type::kV128);
  b_.set_reg(kCx, b_.compare_text(VectorOpcode::kPcmpistri, set, text, number(0), 0x12));
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
mov r12, rsi
rorx r14d, r12d, 9
and r14d, 0x7ff8
add r14, qword ptr [r13 + 0xc]
sub r12, qword ptr [r14]
cmp r12, 0xff0
ja
mov r14, qword ptr [r14 + 0x10000]
pcmpistri xmm1, xmmword ptr [r14 + r12], 0x12
jmp
)");
}

TEST_F(Golden, TextOfLengths) {
  set_flags();
  const Value a = get(1, Type::kV128), b = get(2, Type::kV128);
  b_.set_reg(0, b_.compare_text(VectorOpcode::kPcmpestrm, a, b, get(kBx), 0x40));
  EXPECT_EQ(code(), R"(mov word ptr [r13 - 0x80], 0x200
mov qword ptr [r13 + 0x74], rax
mov qword ptr [r13 + 0x7c], rdx
mov rax, rbx
mov rdx, rbx
shr rdx, 0x20
pcmpestrm xmm1, xmm2, 0x40
mov rax, qword ptr [r13 + 0x74]
mov rdx, qword ptr [r13 + 0x7c]
jmp
)");
}

TEST_F(Golden, Return) {
  set_flags();
  b_.exit_return(get(kAx));
  const auto block = backend_->compile(block_, page_, nullptr);
  EXPECT_EQ(listing(backend_->host_code(**block), true), R"(mov word ptr [r13 - 0x80], 0x200
mov r12, rax
mov dword ptr [r13 + 0x34], 0x1a81
ret
)");
}

}  // namespace
}  // namespace vireo::tcg::x86_64
