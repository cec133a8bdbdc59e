// evaluate() against the processor that the tests run on: the rows' own encodings are executed with
// random operands.

#include <gtest/gtest.h>

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <sys/mman.h>

#include <random>
#include <vector>

#include "tcg/ir/evaluate.h"
#include "tcg/ir/evaluate_integer.h"
#include "tcg/ir/vector_info.h"

namespace vireo::tcg {
namespace {

bool host_has(const VectorOpcodeInfo& row) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kShaBit = 29;
  switch (crypto_extension(row)) {
    case CryptoExtension::kAes:
      return __builtin_cpu_supports("aes");
    case CryptoExtension::kPclmulqdq:
      return __builtin_cpu_supports("pclmul");
    case CryptoExtension::kSha:
      return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> kShaBit & 1);
    default:
      return true;
  }
}

/// What a test sequence reads and writes; rdi points to it.
struct Registers {
  uint64_t a, b, c, second, flags, mxcsr, host_mxcsr, unused;
  VectorValue va, vb;
};

using Sequence = std::vector<uint8_t>;

/// A page for one sequence at a time: loads Registers, does an instruction, stores them.
class HostProcessor {
 public:
  HostProcessor() {
    page_ = static_cast<uint8_t*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
  ~HostProcessor() { munmap(page_, 4096); }

  /// The vector result is taken from mm0 if `mmx`, else from xmm0; mm1 holds what xmm1 does.
  void prepare(const Sequence& instruction, bool mmx = false) {
    Sequence code = {
        0x0f, 0xae, 0x5f, 0x30,  // stmxcsr [rdi + 48]
        0x0f, 0xae, 0x57, 0x28,  // ldmxcsr [rdi + 40]
    };
    append(code, {0xf3, 0x0f, 0x6f, 0x47, 0x40});  // movdqu xmm0, [rdi + 64]
    append(code, {0xf3, 0x0f, 0x6f, 0x4f, 0x60});  // movdqu xmm1, [rdi + 96]
    append(code, {0x0f, 0x6f, 0x47, 0x40});        // movq mm0, [rdi + 64]
    append(code, {0x0f, 0x6f, 0x4f, 0x60});        // movq mm1, [rdi + 96]
    append(code, {0xff, 0x77, 0x20, 0x9d});        // push [rdi + 32]; popf
    append(code, {0x48, 0x8b, 0x07});              // mov rax, [rdi]
    append(code, {0x4c, 0x8b, 0x47, 0x08});        // mov r8, [rdi + 8]
    append(code, {0x48, 0x8b, 0x4f, 0x10});        // mov rcx, [rdi + 16]
    append(code, {0x48, 0x8b, 0x57, 0x18});        // mov rdx, [rdi + 24]
    append(code, instruction);
    append(code, {0x9c, 0x8f, 0x47, 0x20});                    // pushf; pop [rdi + 32]
    append(code, {0x48, 0x89, 0x07});                          // mov [rdi], rax
    append(code, {0x48, 0x89, 0x57, 0x18});                    // mov [rdi + 24], rdx
    const Sequence from_mmx = {0x0f, 0x7f, 0x47, 0x40};        // movq [rdi + 64], mm0
    const Sequence from_xmm = {0xf3, 0x0f, 0x7f, 0x47, 0x40};  // movdqu [rdi + 64], xmm0
    append(code, mmx ? from_mmx : from_xmm);
    append(code, {0x0f, 0x77});              // emms
    append(code, {0x0f, 0xae, 0x5f, 0x28});  // stmxcsr [rdi + 40]
    append(code, {0x0f, 0xae, 0x57, 0x30});  // ldmxcsr [rdi + 48]
    append(code, {0xc3});
    std::copy(code.begin(), code.end(), page_);
  }
  void run(Registers* registers) { reinterpret_cast<void (*)(Registers*)>(page_)(registers); }

 private:
  static void append(Sequence& code, const Sequence& more) {
    code.insert(code.end(), more.begin(), more.end());
  }
  uint8_t* page_;
};

using Random = std::mt19937_64;

/// Random with the edges likely.
uint64_t interesting(Random& random) {
  constexpr uint64_t kEdges[] = {0, 1, ~0ull, 0x80, 0x8000, 0x80000000, 1ull << 63, 0x7f, 0x7fff};
  const uint64_t choice = random();
  if (choice % 4 == 0) return kEdges[choice / 4 % std::size(kEdges)];
  if (choice % 4 == 1) return random() >> (choice / 4 % 64);
  return random();
}

constexpr uint32_t kStatus = kAllFlags;

struct IntegerRow {
  Opcode op;
  uint8_t opcode[2];  ///< For operands of a byte, and wider.
  bool two_byte;
  int digit;             ///< ModRM.reg if the operand is rm alone; -1 for reg = r8.
  FlagMask defined;      ///< Flags that the SDM defines.
  bool reverse = false;  ///< ModRM.reg is the destination (rax), rm is r8.
  const char* feature = nullptr;
  uint8_t prefix = 0;
};

constexpr FlagMask kCarryOverflow = kFlagC | kFlagO;
constexpr IntegerRow kIntegerRows[] = {
    {Opcode::kAdd, {0x00, 0x01}, false, -1, kAllFlags},
    {Opcode::kAdc, {0x10, 0x11}, false, -1, kAllFlags},
    {Opcode::kSub, {0x28, 0x29}, false, -1, kAllFlags},
    {Opcode::kSbb, {0x18, 0x19}, false, -1, kAllFlags},
    {Opcode::kAnd, {0x20, 0x21}, false, -1, kAllFlags},
    {Opcode::kOr, {0x08, 0x09}, false, -1, kAllFlags},
    {Opcode::kXor, {0x30, 0x31}, false, -1, kAllFlags},
    {Opcode::kNeg, {0xf6, 0xf7}, false, 3, kAllFlags},
    {Opcode::kNot, {0xf6, 0xf7}, false, 2, kAllFlags},
    {Opcode::kShl, {0xd2, 0xd3}, false, 4, kAllFlags & ~kFlagA},
    {Opcode::kShr, {0xd2, 0xd3}, false, 5, kAllFlags & ~kFlagA},
    {Opcode::kSar, {0xd2, 0xd3}, false, 7, kAllFlags & ~kFlagA},
    {Opcode::kRol, {0xd2, 0xd3}, false, 0, kAllFlags},
    {Opcode::kRor, {0xd2, 0xd3}, false, 1, kAllFlags},
    {Opcode::kRcl, {0xd2, 0xd3}, false, 2, kAllFlags},
    {Opcode::kRcr, {0xd2, 0xd3}, false, 3, kAllFlags},
    {Opcode::kShld, {0, 0xa5}, true, -1, kAllFlags & ~kFlagA},
    {Opcode::kShrd, {0, 0xad}, true, -1, kAllFlags & ~kFlagA},
    {Opcode::kMul, {0, 0xaf}, true, -1, kCarryOverflow, true},
    {Opcode::kBt, {0, 0xa3}, true, -1, kFlagC},
    {Opcode::kBts, {0, 0xab}, true, -1, kFlagC},
    {Opcode::kBtr, {0, 0xb3}, true, -1, kFlagC},
    {Opcode::kBtc, {0, 0xbb}, true, -1, kFlagC},
    {Opcode::kBsf, {0, 0xbc}, true, -1, kFlagZ, true},
    {Opcode::kBsr, {0, 0xbd}, true, -1, kFlagZ, true},
    {Opcode::kTzcnt, {0, 0xbc}, true, -1, kFlagZ | kFlagC, true, "bmi", 0xf3},
    {Opcode::kLzcnt, {0, 0xbd}, true, -1, kFlagZ | kFlagC, true, "lzcnt", 0xf3},
    {Opcode::kPopcnt, {0, 0xb8}, true, -1, kAllFlags, true, "popcnt", 0xf3},
};

Sequence encode(const IntegerRow& row, Type type) {
  Sequence code;
  if (type == Type::kI16) code.push_back(0x66);
  if (row.prefix) code.push_back(row.prefix);
  const uint8_t wide = type == Type::kI64 ? 8 : 0;
  const uint8_t rex = static_cast<uint8_t>(0x40 | wide | (row.reverse ? 1 : 4));
  code.push_back(row.digit >= 0 ? static_cast<uint8_t>(0x40 | wide) : rex);
  if (row.two_byte) code.push_back(0x0f);
  code.push_back(row.opcode[type != Type::kI8]);
  code.push_back(static_cast<uint8_t>(0xc0 | (row.digit >= 0 ? row.digit << 3 : 0)));
  return code;
}

bool host_has(const char* feature) {
  if (!feature) return true;
  const std::string_view name = feature;
  if (name == "bmi") return __builtin_cpu_supports("bmi");
  if (name == "popcnt") return __builtin_cpu_supports("popcnt");
  return __builtin_cpu_supports("lzcnt");
}

/// Flags that are undefined for this count as well.
FlagMask undefined_by_count(Opcode op, Type type, uint64_t count) {
  const bool shifts = op >= Opcode::kShl && op <= Opcode::kRcr;
  const bool double_shift = op == Opcode::kShld || op == Opcode::kShrd;
  if (!shifts && !double_shift) return 0;
  const uint64_t masked = count & (type == Type::kI64 ? 63 : 31);
  FlagMask undefined = masked > 1 ? kFlagO : 0;
  if (masked >= bits_of(type) && (op == Opcode::kShl || op == Opcode::kShr)) undefined |= kFlagC;
  if (masked == 0) return 0;
  return undefined;
}

void check_integer(HostProcessor& host, const IntegerRow& row, Type type, Random& random) {
  const bool double_shift = row.op == Opcode::kShld || row.op == Opcode::kShrd;
  const bool shift = row.op >= Opcode::kShl && row.op <= Opcode::kRcr;
  const bool source_in_b = row.reverse && row.op != Opcode::kMul;  // rax = op(r8)
  const uint64_t mask = ~uint64_t{0} >> (64 - bits_of(type));
  for (int i = 0; i < 2000; ++i) {
    Registers r{};
    r.a = interesting(random) & mask;
    r.b = interesting(random) & mask;
    r.c = interesting(random) & 0xff;
    if (double_shift && type == Type::kI16 && (r.c & 31) > 16) continue;
    r.flags = random() & kStatus;
    r.mxcsr = 0x1f80;
    const Inst inst{.op = row.op, .type = type, .flags = kAllFlags};
    const uint64_t first = source_in_b ? r.b : r.a, second = source_in_b ? r.a : r.b;
    const IntegerEvaluation ours = evaluate_integer(inst, type, first, shift ? r.c : second, r.c,
                                                    static_cast<uint32_t>(r.flags));
    const Registers before = r;
    host.run(&r);
    const bool scan_of_zero = (row.op == Opcode::kBsf || row.op == Opcode::kBsr) && r.b == 0;
    if (row.op != Opcode::kBt && !scan_of_zero) {
      ASSERT_EQ(ours.value, r.a & mask)
          << info(row.op).text << " " << before.a << " " << before.b << " " << before.c;
    }
    const FlagMask compared =
        row.defined & static_cast<FlagMask>(~undefined_by_count(row.op, type, before.c));
    ASSERT_EQ(ours.flags & compared, r.flags & compared)
        << info(row.op).text << " " << size_of(type) << " " << std::hex << before.a << " "
        << before.b << " " << before.c << " flags " << before.flags;
  }
}

TEST(HostCheck, IntegerOperations) {
  HostProcessor host;
  Random random(1);
  for (const IntegerRow& row : kIntegerRows) {
    if (!host_has(row.feature)) continue;
    for (Type type : {Type::kI8, Type::kI16, Type::kI32, Type::kI64}) {
      if (type == Type::kI8 && row.two_byte) continue;
      host.prepare(encode(row, type));
      check_integer(host, row, type, random);
    }
  }
}

TEST(HostCheck, WideMultiplication) {
  HostProcessor host;
  Random random(2);
  for (bool is_signed : {false, true}) {
    host.prepare({0x49, 0xf7, static_cast<uint8_t>(is_signed ? 0xe8 : 0xe0)});  // (i)mul r8
    for (int i = 0; i < 2000; ++i) {
      Registers r{};
      r.a = interesting(random);
      r.b = interesting(random);
      r.mxcsr = 0x1f80;
      const Inst inst{.op = is_signed ? Opcode::kMulWideS : Opcode::kMulWideU,
                      .type = Type::kI64,
                      .flags = kAllFlags};
      const IntegerEvaluation ours = evaluate_integer(inst, Type::kI64, r.a, r.b, 0, 0);
      host.run(&r);
      ASSERT_EQ(ours.value, r.a);
      ASSERT_EQ(ours.second, r.second);
      ASSERT_EQ(ours.flags & kCarryOverflow, r.flags & kCarryOverflow);
    }
  }
}

// Vector rows. The destination is xmm0 (rax for integers), the source is xmm1 (r8).

Sequence encode(const VectorOpcodeInfo& row, bool wide, uint8_t imm, bool mmx) {
  Sequence code;
  if (row.prefix && !mmx) code.push_back(row.prefix);
  const bool rm_is_integer = takes_integer(row.shape);
  const bool integer_in_rm =
      row.shape == VectorShape::kToIntegerRm || row.shape == VectorShape::kToIntegerRmImm;
  code.push_back(static_cast<uint8_t>(0x40 | (wide ? 8 : 0) | (rm_is_integer ? 1 : 0)));
  code.push_back(0x0f);
  unsigned modrm = 0xc1;  // reg 0, rm 1
  if (rm_is_integer) modrm = 0xc0;
  if (integer_in_rm) modrm = 0xc8;
  if (row.shape == VectorShape::kShiftImm) {
    code.push_back(static_cast<uint8_t>(row.opcode >> 8));
    modrm = 0xc0 | (row.opcode & 7u) << 3;
  } else {
    if (row.opcode > 0xff) code.push_back(static_cast<uint8_t>(row.opcode >> 8));
    code.push_back(static_cast<uint8_t>(row.opcode));
  }
  code.push_back(static_cast<uint8_t>(modrm));
  if (has_immediate(row.shape)) code.push_back(imm);
  if (row.shape == VectorShape::kTextIndex) code.insert(code.end(), {0x89, 0xc8});  // mov eax, ecx
  return code;
}

bool is_float(const VectorOpcodeInfo& row) { return row.effects & kMayFault; }

VectorValue random_vector(Random& random, bool floats) {
  constexpr uint32_t kSingles[] = {0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000,
                                   0xff800000, 0x7fc00001, 0x7f800001, 0x00000001, 0x807fffff,
                                   0x7f7fffff, 0x00800000, 0x4b000001, 0x4f000000, 0xcf000000};
  constexpr uint64_t kDoubles[] = {0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000001,
                                   0xfff0000000000001, 0x0000000000000001, 0x0010000000000000,
                                   0x7fefffffffffffff, 0x41dfffffffc00000, 0xc3e0000000000000};
  VectorValue value;
  const uint64_t kind = random() % 4;
  for (unsigned i = 0; i < 4; ++i) {
    uint32_t lane = static_cast<uint32_t>(random());
    if (floats && kind == 1) lane = kSingles[random() % std::size(kSingles)];
    if (floats && kind == 2) lane = (lane & 0x80ffffff) | 0x3f000000;
    value.set_lane(i, lane);
  }
  for (unsigned i = 0; floats && kind == 3 && i < 2; ++i) {
    value.set_lane(i, kDoubles[random() % std::size(kDoubles)]);
  }
  if (!floats && kind == 0) value.set_lane<uint64_t>(0, random() % 70);  // Shift counts.
  return value;
}

/// Of few letters, so that some are equal, and some are where a text ends.
VectorValue random_text(Random& random) {
  VectorValue value = random_vector(random, false);
  const auto letters = static_cast<uint8_t>(1 + random() % 8);
  for (uint8_t& byte : value.bytes) byte = static_cast<uint8_t>(byte % letters - letters / 2);
  return value;
}

/// The lengths of both operands, also negative ones and such as no vector has.
uint64_t random_length(Random& random) {
  return random() % 8 == 0 ? interesting(random) : random() % 40 - 20;
}

/// All exceptions masked, any rounding, DAZ and FTZ.
uint32_t random_mxcsr(Random& random) {
  return 0x1f80 | (static_cast<uint32_t>(random()) & 0xe040);
}

struct VectorCase {
  VectorOpcode op;
  Type vector;  ///< kV128, or kV64 for the MMX form.
  bool wide;
  uint8_t imm;
};

void check_vector(HostProcessor& host, const VectorCase& one, Random& random) {
  const auto [op, vector, wide, imm] = one;
  const bool mmx = vector == Type::kV64;
  const VectorOpcodeInfo& row = info(op);
  const Type type = gives_integer(row.shape)                  ? (wide ? Type::kI64 : Type::kI32)
                    : row.shape == VectorShape::kCompareFlags ? Type::kVoid
                                                              : vector;
  const Inst inst{.op = Opcode::kVector,
                  .type = type,
                  .flags = row.effects & kWritesFlags ? kAllFlags : kNoFlags,
                  .aux = static_cast<uint16_t>(op),
                  .imm = imm};
  const Type source = !takes_integer(row.shape) ? vector : wide ? Type::kI64 : Type::kI32;
  const bool mmx_encoding = mmx && (row.forms & kMmxForms);
  host.prepare(encode(row, wide, imm, mmx_encoding), mmx);
  const int rounds = compares_text(row.shape) ? 400 : has_immediate(row.shape) ? 40 : 2000;
  for (int i = 0; i < rounds; ++i) {
    Registers r{};
    r.va = random_vector(random, is_float(row));
    r.vb = random_vector(random, is_float(row));
    r.b = interesting(random) & (wide ? ~0ull : 0xffffffffull);
    r.a = r.b;
    r.mxcsr = random_mxcsr(random);
    if (mmx_encoding) {
      for (VectorValue* value : {&r.va, &r.vb}) value->set_lane<uint64_t>(1, 0);
    }
    Operand operands[3] = {r.va, r.vb, {}};
    if (row.shape == VectorShape::kWithXmm0) operands[2] = r.va;
    if (compares_text(row.shape)) {
      operands[0] = r.va = random_text(random);
      operands[1] = r.vb = random_text(random);
      r.a = random_length(random);
      r.second = random_length(random);
      operands[2] = {};
      operands[2].set_lane(0, (r.a & 0xffffffff) | r.second << 32);
    }
    if (takes_integer(row.shape)) {
      operands[1] = {};
      operands[1].set_lane(0, r.b);
    }
    const EvaluationResult ours =
        evaluate(inst, source, operands, 0, static_cast<uint32_t>(r.mxcsr));
    host.run(&r);
    const std::string what = std::string(row.text) + " imm " + std::to_string(imm);
    if (inst.flags != 0) {
      ASSERT_EQ(ours.flags, r.flags & kStatus) << what;
    }
    if (gives_integer(row.shape)) {
      ASSERT_EQ(ours.integer(), r.a) << what;
    } else if (type != Type::kVoid) {
      for (unsigned lane = 0; lane < size_of(vector) / 8; ++lane) {
        ASSERT_EQ(ours.value.lane<uint64_t>(lane), r.va.lane<uint64_t>(lane))
            << what << std::hex << " mxcsr " << r.mxcsr << " a " << operands[0].lane<uint64_t>(lane)
            << " b " << operands[1].lane<uint64_t>(lane);
      }
    }
    ASSERT_EQ(ours.mxcsr, r.mxcsr) << what;
  }
}

/// Whether G of 64 bits is another instruction (REX.W).
bool has_wide_form(const VectorOpcodeInfo& row) {
  const bool integer = gives_integer(row.shape) || takes_integer(row.shape);
  return integer && row.operand >= Type::kI32 && row.opcode != 0xd7 && row.opcode != 0x50 &&
         row.opcode != 0xc5 && row.opcode != 0x3a14 && !compares_text(row.shape);
}

bool is_reserved(const VectorOpcodeInfo& row, unsigned imm) {
  const bool rounds = row.opcode >= 0x3a08 && row.opcode <= 0x3a0b;
  return (row.opcode == 0xc2 && imm > 7) || (rounds && imm > 15);
}

void check_immediates(HostProcessor& host, VectorOpcode op, Type vector, Random& random) {
  const VectorOpcodeInfo& row = info(op);
  const unsigned last = has_immediate(row.shape) ? 255 : 0;
  for (bool wide : {false, true}) {
    if (wide && !has_wide_form(row)) continue;
    for (unsigned imm = 0; imm <= last; imm += 1 + imm / 32) {
      if (is_reserved(row, imm)) continue;
      check_vector(host, {op, vector, wide, static_cast<uint8_t>(imm)}, random);
    }
  }
}

template <class Visit>
void for_each_row(Visit visit) {
  for (unsigned i = 0; i < static_cast<unsigned>(VectorOpcode::kCount); ++i) {
    visit(static_cast<VectorOpcode>(i), info(static_cast<VectorOpcode>(i)));
  }
}

TEST(HostCheck, VectorOperations) {
  if (!__builtin_cpu_supports("sse4.2")) GTEST_SKIP() << "the host lacks SSE4.2";
  HostProcessor host;
  Random random(3);
  for_each_row([&](VectorOpcode op, const VectorOpcodeInfo& row) {
    const bool mmx_only = row.prefix == 0 && (row.forms & kMmxOwn);
    if ((row.forms & kVexOnly) || !host_has(row)) return;
    const bool gives_mmx = (row.forms & kMmxOperand) && (row.opcode & ~1u) == 0x2c;
    if (row.forms & kApproximate || mmx_only || gives_mmx) return;
    check_immediates(host, op, Type::kV128, random);
  });
}

TEST(HostCheck, MmxOperations) {
  if (!__builtin_cpu_supports("sse4.2")) GTEST_SKIP() << "the host lacks SSSE3";
  HostProcessor host;
  Random random(4);
  for_each_row([&](VectorOpcode op, const VectorOpcodeInfo& row) {
    const bool gives_mmx = (row.forms & kMmxOperand) && (row.opcode & ~1u) == 0x2c;
    if (!(row.forms & kMmxForms) && !gives_mmx) return;
    check_immediates(host, op, Type::kV64, random);
  });
}

/// What kMmxDirect and kMmxLow promise to backends.
TEST(VectorRows, MmxFormsMatchTheirWideForms) {
  Random random(5);
  for_each_row([&](VectorOpcode op, const VectorOpcodeInfo& row) {
    if (!(row.forms & (kMmxDirect | kMmxLow)) || gives_integer(row.shape)) return;
    for (uint8_t imm = 0; imm < 4; ++imm) {
      Operand operands[3] = {random_vector(random, false), random_vector(random, false), {}};
      operands[0].set_lane<uint64_t>(1, 0);
      operands[1].set_lane<uint64_t>(1, 0);
      Inst inst{.op = Opcode::kVector, .type = Type::kV64, .aux = static_cast<uint16_t>(op)};
      inst.imm = imm;
      const VectorValue narrow = evaluate(inst, Type::kV64, operands, 0, 0x1f80).value;
      inst.type = Type::kV128;
      const VectorValue wide = evaluate(inst, Type::kV128, operands, 0, 0x1f80).value;
      EXPECT_EQ(narrow.lane<uint64_t>(0), wide.lane<uint64_t>(0)) << row.text;
      if (row.forms & kMmxDirect) {
        EXPECT_EQ(wide.lane<uint64_t>(1), 0u) << row.text;
      }
    }
  });
}

/// RCPPS and RSQRTPS: relative error up to 1.5 * 2^-12 (SDM volume 2), as on the host.
TEST(HostCheck, Approximations) {
  HostProcessor host;
  Random random(6);
  for (VectorOpcode op : {VectorOpcode::kRcpps, VectorOpcode::kRsqrtps}) {
    host.prepare(encode(info(op), false, 0, false));
    for (int i = 0; i < 500; ++i) {
      Registers r{};
      r.mxcsr = 0x1f80;
      for (unsigned lane = 0; lane < 4; ++lane) {
        r.vb.set_lane(lane, static_cast<float>(1 + random() % 100000) / 64.0f);
      }
      const Inst inst{.op = Opcode::kVector, .type = Type::kV128, .aux = static_cast<uint16_t>(op)};
      const Operand operands[3] = {{}, r.vb, {}};
      const VectorValue ours = evaluate(inst, Type::kV128, operands, 0, 0x1f80).value;
      host.run(&r);
      for (unsigned lane = 0; lane < 4; ++lane) {
        const float theirs = r.va.lane<float>(lane);
        EXPECT_NEAR(ours.lane<float>(lane) / theirs, 1.0, 3.0 / 4096);
      }
    }
  }
}

}  // namespace
}  // namespace vireo::tcg

#endif
