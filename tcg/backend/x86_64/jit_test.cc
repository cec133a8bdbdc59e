// The code generator against the interpreter on random blocks, and the ways in and out.

#include <gtest/gtest.h>

#include "tcg/backend/interpreter/test_machine.h"
#include "tcg/backend/x86_64/jit_backend.h"
#include "tcg/ir/evaluate.h"
#include "tcg/ir/printer.h"
#include "tcg/ir/test_blocks.h"
#include "tcg/opt/pipeline.h"
#include "util/bits.h"

namespace vireo::tcg {
namespace {

uint64_t add_helper(Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  frame->general[7] = frame->flags_low;
  return a + b + c;
}
uint64_t leave_helper(Frame* frame, uint64_t, uint64_t, uint64_t) {
  leave(frame, static_cast<uint16_t>(ExitReason::kHalt));
}
constexpr Helper kHelpers[] = {{"add", add_helper}, {"leave", leave_helper}};

class Jit : public ::testing::Test {
 protected:
  Jit() {
    BackendConfig config{test_hooks(), kHelpers};
    config.code_cache_bytes = 8 << 20;
    backend_ = std::move(make_jit_backend(config)).value();
    interpreter_ = std::move(make_interpreter_backend(config)).value();
    sse2_ = std::move(x86_64::JitBackend::create(config, {})).value();
    config.wide_vectors = true;
    wide_ = std::move(make_jit_backend(config)).value();
  }
  TranslatedBlock* compile() {
    auto result = backend_->compile(block_, page_, nullptr);
    EXPECT_TRUE(result) << (result ? "" : result.error().message());
    block_.clear();
    return result ? *result : nullptr;
  }
  ExitReason run(TranslatedBlock* block) {
    last_ = nullptr;
    backend_->run(&guest_->frame, block, &last_, &slot_);
    return static_cast<ExitReason>(guest_->frame.exit_reason);
  }
  /// Runs `block_` on all backends from the state of `seed`; returns what differs.
  std::string compare(uint32_t seed) {
    std::string difference = compare(*backend_, seed);
    if (difference.empty()) difference = compare(*wide_, seed);
    if (difference.empty()) difference = compare(*sse2_, seed);
    return difference;
  }
  std::string compare(Backend& backend, uint32_t seed) {
    auto compiled = backend.compile(block_, page_, nullptr);
    if (!compiled) return compiled.error().message();
    auto reference = interpreter_->compile(block_, page_, nullptr);
    auto a = std::make_unique<TestGuest>(seed), b = std::make_unique<TestGuest>(seed);
    TranslatedBlock* last;
    unsigned slot;
    backend.run(&a->frame, *compiled, &last, &slot);
    if (last != nullptr && slot == kSeparateChecksSlot) {
      ++failed_group_checks_;
      a = std::make_unique<TestGuest>(seed);
      block_.separate_checks = true;
      compiled = backend.compile(block_, page_, nullptr);
      block_.separate_checks = false;
      if (!compiled) return compiled.error().message();
      backend.run(&a->frame, *compiled, &last, &slot);
    }
    interpreter_->run(&b->frame, *reference, &last, &slot);
    backend.flush();
    interpreter_->flush();
    return a->difference(*b);
  }

  std::unique_ptr<Backend> backend_, interpreter_;
  std::unique_ptr<Backend> wide_;  ///< For guests with 256-bit vector registers.
  std::unique_ptr<Backend> sse2_;  ///< As on a host with nothing optional.
  std::unique_ptr<TestGuest> guest_ = std::make_unique<TestGuest>(1);
  Frame& frame_ = guest_->frame;
  const CodePage page_;
  Block block_;
  Builder b_{&block_};
  TranslatedBlock* last_ = nullptr;
  unsigned slot_ = 0;
  unsigned failed_group_checks_ = 0;
};

/// Spreads the general registers that a random block uses over those that the host holds and those
/// that live in the Frame.
void rename_registers(Block& block, uint32_t seed) {
  std::mt19937 random(seed);
  uint16_t names[16];
  for (uint16_t i = 0; i < 16; ++i) names[i] = i;
  for (unsigned i = 0; i < 15; ++i) std::swap(names[i], names[i + random() % (16 - i)]);
  for (Inst& inst : block.insts) {
    const bool general = inst.op == Opcode::kGetReg || inst.op == Opcode::kSetReg;
    if (general && is_integer(inst.type)) inst.aux = names[inst.aux];
  }
}

TEST_F(Jit, AgreesWithTheInterpreter) {
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    BlockGenerator generator(seed, TestGuest::kMemory);
    generator.generate(&block_, 1 + seed % 12);
    rename_registers(block_, seed);
    const std::string difference = compare(seed);
    if (difference.empty()) continue;
    FAIL() << "seed " << seed << ": " << difference << "\n" << to_string(block_);
  }
}

/// A register that an operation borrows has the guest's value again when the exception is shown.
TEST_F(Jit, SimdExceptionsOfWideOperationsKeepRegisters) {
  b_.insn_start(0);
  const Value ones = b_.get_reg(Type::kV256, 1), zeros = b_.get_reg(Type::kV256, 2);
  const Value quotient = b_.vector(VectorOpcode::kDivps, Type::kV256, ones, zeros);
  b_.set_reg(0, b_.truncate(Type::kV64, quotient));
  b_.exit_direct(4, 0);
  for (Backend* backend : {wide_.get(), backend_.get(), interpreter_.get()}) {
    TestGuest guest(5);
    for (unsigned i = 0; i < 8; ++i) {
      const float one = 1.0f;
      std::memcpy(guest.frame.vector[1] + 4 * i, &one, sizeof one);
    }
    std::memset(guest.frame.vector[2], 0, sizeof guest.frame.vector[2]);
    guest.frame.mxcsr = 0x1d80;  // division by zero unmasked
    uint8_t before[sizeof guest.frame.vector];
    std::memcpy(before, guest.frame.vector, sizeof before);
    auto compiled = backend->compile(block_, page_, nullptr);
    ASSERT_TRUE(compiled);
    unsigned slot;
    TranslatedBlock* last;
    backend->run(&guest.frame, *compiled, &last, &slot);
    EXPECT_EQ(static_cast<ExitReason>(guest.frame.exit_reason), ExitReason::kException);
    EXPECT_EQ(std::memcmp(before, guest.frame.vector, sizeof before), 0);
  }
}

TEST_F(Jit, AgreesAfterThePasses) {
  Pipeline pipeline = Pipeline::standard();
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    BlockGenerator generator(seed, TestGuest::kMemory);
    generator.generate(&block_, 1 + seed % 30);
    rename_registers(block_, seed);
    pipeline.run(block_);
    const std::string difference = compare(seed);
    if (difference.empty()) continue;
    FAIL() << "seed " << seed << ": " << difference << "\n" << to_string(block_);
  }
}

/// Random instructions that BlockGenerator does not make, shaped like what x86 translates to: loads
/// that feed arithmetic, updates of memory, stack operations, division, double shifts, state.
class ShapeGenerator {
 public:
  explicit ShapeGenerator(uint32_t seed) : random_(seed) {}

  void generate(Block* block, unsigned instructions) {
    block->clear();
    block->guest_ip = 0x1000;
    Builder builder(block);
    b_ = &builder;
    for (unsigned i = 0; i < instructions; ++i) {
      builder.insn_start(0x1000 + 4 * i);
      instruction();
    }
    // A fault shows flags that nothing else would, since they are overwritten afterwards.
    if (below(2)) {
      builder.insn_start(0x1000 + 4 * instructions);
      builder.load(Type::kI32, builder.constant(Type::kI64, 0x900000), 0, 0);
    }
    undefined(kAllFlags);
    builder.exit_direct(0x1004 + 4 * instructions, 0);
  }

 private:
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  Type type() { return static_cast<Type>(1 + below(4)); }
  unsigned reg() { return below(16); }
  Value get(Type type) { return b_->get_reg(type, reg()); }
  Value operand(Type type) {
    return below(3) ? get(type) : b_->constant(type, random_() & util::low_mask(bits_of(type)));
  }
  FlagMask flags() { return below(2) ? kAllFlags : kNoFlags; }
  void undefined(FlagMask flags) { b_->set_flags(b_->constant(Type::kI32, 0), flags); }
  /// An address within the page, aligned.
  Value address(unsigned alignment) {
    const Value offset = b_->and_(get(Type::kI64), b_->constant(Type::kI64, 0xfe0 & -alignment));
    return b_->address(Type::kI64, offset, {}, 0, TestGuest::kMemory);
  }
  Value memory(Type type) { return b_->load(type, address(8), below(8), below(2) * kMemoryUser); }

  void fold() {
    const Type t = type();
    const Value loaded = memory(t), other = operand(t);
    switch (below(7)) {
      case 0:
        return b_->set_reg(reg(), b_->add(loaded, other, flags()));
      case 1:
        return b_->set_reg(reg(), b_->sub(other, loaded, flags()));
      case 2:
        return b_->set_reg(reg(), b_->xor_(other, loaded, flags()));
      case 3:
        return void(b_->sub(loaded, other, kAllFlags));
      case 4:
        return void(b_->sub(other, loaded, kAllFlags));
      case 5:
        return void(b_->and_(loaded, other, kAllFlags));
      default:
        b_->set_reg(reg(), b_->adc(other, loaded, kAllFlags));
    }
  }
  void extend() {
    const Type from = static_cast<Type>(1 + below(3));
    const Type to = static_cast<Type>(static_cast<unsigned>(from) + 1);
    const Value loaded = memory(from);
    b_->set_reg(reg(), below(2) ? b_->zero_extend(to, loaded) : b_->sign_extend(to, loaded));
  }
  void update() {
    const auto kind = static_cast<RmwKind>(below(20));
    const bool bits = kind >= RmwKind::kBts, shifts = !bits && kind >= RmwKind::kShl;
    const Type t = bits ? static_cast<Type>(2 + below(3)) : type();
    const Value at = address(8);
    const Value value = shifts                                           ? operand(Type::kI8)
                        : kind == RmwKind::kNeg || kind == RmwKind::kNot ? Value{}
                                                                         : operand(t);
    FlagMask written = kAllFlags;
    if (bits) written = kFlagC;
    if (kind >= RmwKind::kRol && kind <= RmwKind::kRcr) written = kFlagC | kFlagO;
    if (kind == RmwKind::kNot || kind == RmwKind::kExchange) written = kNoFlags;
    if (below(3) == 0) written = kNoFlags;
    const bool lockable = !shifts && below(2);
    const Value before = b_->rmw(kind, t, at, 0, value, lockable * kMemoryLocked, written);
    if (below(4) == 0) b_->set_reg(reg(), before);
    if (shifts && written) undefined(kFlagA | kFlagO | (t < Type::kI32 ? kFlagC : 0));
  }
  void sum() {
    const Type t = type();
    const unsigned to = reg();
    const Value a = b_->get_reg(t, to), c = operand(t);
    switch (below(6)) {
      case 0:
        return b_->set_reg(to, b_->add(a, c, kAllFlags));
      case 1:
        return b_->set_reg(to, b_->sub(a, c, kAllFlags));
      case 2:
        return b_->set_reg(to, b_->and_(a, c, kAllFlags));
      case 3:
        return b_->set_reg(to, b_->or_(a, c, kAllFlags));
      case 4:
        return void(b_->sub(a, c, kAllFlags));
      default:
        return void(b_->and_(a, c, kAllFlags));
    }
  }
  void copy() {
    if (below(2)) return b_->set_reg(reg(), memory(type()));
    b_->store(address(8), 0, operand(type()), 0);
  }
  void increment() {
    const Type t = type();
    const unsigned r = reg();
    const Value one = b_->constant(t, 1);
    constexpr FlagMask kMask = kAllFlags & ~kFlagC;
    const Value old = b_->get_reg(t, r);
    b_->set_reg(r, below(2) ? b_->add(old, one, kMask) : b_->sub(old, one, kMask));
  }
  void divide() {
    const Type t = type();
    const Value by = b_->or_(operand(t), b_->constant(t, 1));
    const Value low = below(2) ? b_->get_reg(t, 0) : operand(t);
    const bool is_signed = below(2);
    const Value high =
        is_signed ? b_->sar(low, b_->constant(Type::kI8, bits_of(t) - 1)) : b_->constant(t, 0);
    if (below(2)) b_->set_reg(2, high);
    // -1 could overflow.
    const Value divisor = is_signed ? b_->and_(by, b_->constant(t, 0x7f)) : by;
    const auto [quotient, remainder] =
        is_signed ? b_->div_s(low, high, divisor) : b_->div_u(low, high, divisor);
    b_->set_reg(below(2) ? 0 : reg(), quotient);
    b_->set_reg(below(2) ? 2 : reg(), remainder);
  }
  void multiply() {
    const Type t = type();
    const Value a = below(2) ? b_->get_reg(t, 0) : operand(t);
    const Value by = below(2) ? operand(t) : memory(t);
    const FlagMask written = flags() & (kFlagC | kFlagO);
    const auto [low, high] =
        below(2) ? b_->mul_wide_u(a, by, written) : b_->mul_wide_s(a, by, written);
    b_->set_reg(below(2) ? 0 : reg(), low);
    b_->set_reg(below(2) ? 2 : reg(), high);
  }
  void double_shift() {
    const Type t = static_cast<Type>(3 + below(2));
    const Value a = get(t), c = get(t);
    const Value count = below(2) ? b_->get_reg(Type::kI8, below(2)) : operand(Type::kI8);
    const FlagMask written = flags();
    b_->set_reg(reg(), below(2) ? b_->shld(a, c, count, written) : b_->shrd(a, c, count, written));
    if (written) undefined(kFlagA | kFlagO);
  }
  void scan() {
    const Type t = static_cast<Type>(2 + below(3));
    const Value a = operand(t), c = get(t);
    b_->set_reg(reg(), below(2) ? b_->bsf(a, c, kFlagZ) : b_->bsr(a, c, kFlagZ));
    undefined(kAllFlags & ~kFlagZ);
  }
  void stack() {
    const Value sp = b_->and_(b_->get_reg(Type::kI64, 4), b_->constant(Type::kI64, 0xf80));
    const Value top = b_->address(Type::kI64, sp, {}, 0, TestGuest::kMemory + 64);
    const Value next = b_->address(Type::kI64, top, {}, 0, -8);
    b_->store(next, 0, below(2) ? operand(Type::kI64) : b_->zero_extend(Type::kI64, next),
              kMemoryStack);
    b_->set_reg(4, next);
    const Value popped = b_->load(Type::kI64, next, 0, kMemoryStack);
    b_->set_reg(4, b_->address(Type::kI64, next, {}, 0, 8));
    b_->set_reg(reg(), popped);
  }
  void high_bytes() {
    const Value a = b_->get_reg_high8(below(4));
    const Value c = below(2) ? b_->get_reg_high8(below(4)) : operand(Type::kI8);
    const Value sum = b_->add(a, c, flags());
    below(2) ? b_->set_reg_high8(below(4), sum) : b_->set_reg(reg(), sum);
  }
  void flags_word() {
    if (below(2)) return b_->set_reg(reg(), b_->get_flags());
    b_->set_flags(get(Type::kI32), below(2) ? FlagMask{kAllFlags} : FlagMask{kFlagC | kFlagZ});
  }
  void state() {
    const Type t = type();
    const size_t offset = offsetof(TestGuest, state) + 8 * below(4);
    const Value before = b_->load_state(t, offset);
    b_->store_state(offset + below(2) * 8, operand(t));
    b_->set_reg(reg(), b_->add(before, operand(t), flags()));
  }
  void call() {
    b_->set_reg(reg(), b_->call(0, type(), operand(type()), operand(type()), operand(type())));
  }
  void vector() {
    const unsigned x = below(16), y = below(16);
    switch (below(7)) {
      case 0:
        return b_->set_reg(x, b_->load(Type::kV128, address(16), 0, kMemoryAligned));
      case 1:
        return b_->store(address(8), 1, b_->get_reg(Type::kV128, x), 0);
      case 2: {
        const Value loaded = b_->load(Type::kV128, address(16), 0, kMemoryAligned);
        return b_->set_reg(
            x, b_->vector(VectorOpcode::kPaddd, Type::kV128, b_->get_reg(Type::kV128, y), loaded));
      }
      case 3:
        return b_->set_reg(
            x, b_->zero_extend(Type::kV128, memory(below(2) ? Type::kV64 : Type::kV32)));
      case 4: {
        const Value loaded = memory(Type::kV64);
        return b_->set_reg(x, b_->vector(VectorOpcode::kMovlhps, Type::kV128,
                                         b_->get_reg(Type::kV128, x), loaded));
      }
      case 5: {  // an MMX operation on registers in the state
        const size_t a = offsetof(TestGuest, state) + 8 * below(6);
        constexpr VectorOpcode kOps[] = {VectorOpcode::kPaddb, VectorOpcode::kPunpcklbw,
                                         VectorOpcode::kPacksswb, VectorOpcode::kPshufb};
        return b_->store_state(
            a, b_->vector(kOps[below(4)], Type::kV64, b_->load_state(Type::kV64, a),
                          below(2) ? memory(Type::kV64) : b_->load_state(Type::kV64, a + 8)));
      }
      default: {
        const Value old = b_->get_reg(Type::kV128, x);
        b_->set_reg(x, b_->get_reg(Type::kV128, y));
        b_->set_reg(y, old);
      }
    }
  }
  void instruction() {
    using Make = void (ShapeGenerator::*)();
    constexpr Make kMakes[] = {
        &ShapeGenerator::fold,   &ShapeGenerator::extend,     &ShapeGenerator::update,
        &ShapeGenerator::divide, &ShapeGenerator::multiply,   &ShapeGenerator::double_shift,
        &ShapeGenerator::scan,   &ShapeGenerator::stack,      &ShapeGenerator::high_bytes,
        &ShapeGenerator::state,  &ShapeGenerator::flags_word, &ShapeGenerator::call,
        &ShapeGenerator::vector, &ShapeGenerator::vector,     &ShapeGenerator::increment,
    };
    (this->*kMakes[below(std::size(kMakes))])();
  }

  std::mt19937 random_;
  Builder* b_ = nullptr;
};

TEST_F(Jit, AgreesOnShapesOfX86) {
  Pipeline pipeline = Pipeline::standard();
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    ShapeGenerator(seed).generate(&block_, 1 + seed % 16);
    if (seed % 2) pipeline.run(block_);
    const std::string difference = compare(seed);
    if (difference.empty()) continue;
    FAIL() << "seed " << seed << ": " << difference << "\n" << to_string(block_);
  }
}

}  // namespace
}  // namespace vireo::tcg
