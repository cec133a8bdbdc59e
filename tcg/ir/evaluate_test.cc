#include "tcg/ir/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tcg/ir/evaluate_integer.h"
#include "tcg/ir/vector_info.h"

namespace vireo::tcg {
namespace {

IntegerEvaluation integer(Opcode op, Type type, uint64_t a, uint64_t b = 0, uint64_t c = 0,
                          uint32_t flags = 0) {
  return evaluate_integer({.op = op, .type = type, .flags = kAllFlags}, type, a, b, c, flags);
}

TEST(Evaluate, ArithmeticFlags) {
  const IntegerEvaluation sum = integer(Opcode::kAdd, Type::kI8, 0x7f, 1);
  EXPECT_EQ(sum.value, 0x80u);
  EXPECT_EQ(sum.flags, uint32_t{kFlagO | kFlagS | kFlagA});
  const IntegerEvaluation difference = integer(Opcode::kSbb, Type::kI32, 0, ~0u, 0, kFlagC);
  EXPECT_EQ(difference.value, 0u);
  EXPECT_EQ(difference.flags, uint32_t{kFlagC | kFlagA | kFlagZ | kFlagP});
}

TEST(Evaluate, AdoxCarriesByOverflow) {
  const uint32_t carry = kFlagC, others = kFlagZ | kFlagS;
  const IntegerEvaluation sum = integer(Opcode::kAdox, Type::kI64, ~0ull, 0, 0, kFlagO | others);
  EXPECT_EQ(sum.value, 0u);
  EXPECT_EQ(sum.flags, kFlagO | others);
  const IntegerEvaluation next = integer(Opcode::kAdox, Type::kI64, 1, 2, 0, carry | others);
  EXPECT_EQ(next.value, 3u);
  EXPECT_EQ(next.flags, carry | others);
}

TEST(Evaluate, KeepsFlagsThatAreNotAskedFor) {
  const Inst increment{.op = Opcode::kAdd, .type = Type::kI16, .flags = kAllFlags & ~kFlagC};
  const IntegerEvaluation result = evaluate_integer(increment, Type::kI16, 0xffff, 1, 0, 0);
  EXPECT_EQ(result.value, 0u);
  EXPECT_EQ(result.flags, uint32_t{kFlagZ | kFlagP | kFlagA});
}

TEST(Evaluate, ShiftsByZeroKeepFlags) {
  for (Opcode op : {Opcode::kShl, Opcode::kShr, Opcode::kSar, Opcode::kRol, Opcode::kRcr}) {
    EXPECT_EQ(integer(op, Type::kI32, 5, 32, 0, kFlagZ | kFlagC).flags, uint32_t{kFlagZ | kFlagC});
  }
}

TEST(Evaluate, DivisionFaultsExactlyWhenTheQuotientDoesNotFit) {
  const auto fault = [](Opcode op, Type type, uint64_t low, uint64_t high, uint64_t by) {
    return integer(op, type, low, high, by).fault == EvaluationFault::kDivideError;
  };
  EXPECT_TRUE(fault(Opcode::kDivU, Type::kI64, 1, 0, 0));
  EXPECT_TRUE(fault(Opcode::kDivU, Type::kI16, 0, 2, 2));
  EXPECT_FALSE(fault(Opcode::kDivU, Type::kI16, 0xffff, 1, 2));
  EXPECT_TRUE(fault(Opcode::kDivS, Type::kI32, 0x80000000, 0xffffffff, 0xffffffff));
  EXPECT_TRUE(fault(Opcode::kDivS, Type::kI64, 0, 1ull << 63, ~0ull));
  EXPECT_FALSE(fault(Opcode::kDivS, Type::kI8, 0x80, 0xff, 1));
  const IntegerEvaluation result = integer(Opcode::kDivS, Type::kI32, -7u, -1u, 2);
  EXPECT_EQ(result.value, uint32_t(-3));
  EXPECT_EQ(result.second, uint32_t(-1));
}

TEST(Evaluate, Extensions) {
  const Inst extend{.op = Opcode::kSignExtend, .type = Type::kI32};
  EXPECT_EQ(evaluate_integer(extend, Type::kI8, 0x80, 0, 0, 0).value, 0xffffff80u);
  EXPECT_EQ(integer(Opcode::kByteSwap, Type::kI32, 0x11223344).value, 0x44332211u);
  EXPECT_EQ(integer(Opcode::kBsr, Type::kI32, 0, 77).value, 77u);
}

TEST(Evaluate, AllConditions) {
  for (uint32_t flags : {0u, uint32_t{kFlagC}, uint32_t{kFlagZ | kFlagS}, uint32_t{kFlagO}}) {
    const bool s = flags & kFlagS, o = flags & kFlagO, z = flags & kFlagZ, c = flags & kFlagC;
    EXPECT_EQ(holds(Condition::kBe, flags), c || z);
    EXPECT_EQ(holds(Condition::kLe, flags), s != o || z);
    EXPECT_EQ(holds(Condition::kGe, flags), s == o);
    for (unsigned i = 0; i < 16; i += 2) {
      const auto condition = static_cast<Condition>(i);
      EXPECT_NE(holds(condition, flags), holds(negate(condition), flags));
    }
  }
}

TEST(Evaluate, ReadModifyWriteKinds) {
  const auto rmw = [](RmwKind kind, uint64_t before, uint64_t operand) {
    return evaluate_rmw(kind, Type::kI8, before, operand, kFlagC, kAllFlags).value;
  };
  EXPECT_EQ(rmw(RmwKind::kExchange, 1, 2), 2u);
  EXPECT_EQ(rmw(RmwKind::kAdc, 1, 2), 4u);
  EXPECT_EQ(rmw(RmwKind::kNot, 0x0f, 0), 0xf0u);
  EXPECT_EQ(rmw(RmwKind::kRcl, 0x80, 1), 1u);
  EXPECT_EQ(rmw(RmwKind::kBtc, 0, 3), 8u);
}

EvaluationResult divide_singles(uint32_t mxcsr) {
  Operand operands[3] = {};
  operands[0].set_lane(0, 1.0f);
  operands[0].set_lane(1, 1.0f);
  operands[1].set_lane(0, 0.0f);
  operands[1].set_lane(1, 3.0f);
  for (unsigned lane = 2; lane < 4; ++lane) operands[1].set_lane(lane, 1.0f);
  const Inst inst{.op = Opcode::kVector,
                  .type = Type::kV128,
                  .aux = static_cast<uint16_t>(VectorOpcode::kDivps)};
  return evaluate(inst, Type::kV128, operands, 0, mxcsr);
}

// SDM volume 1, 11.5.3: an unmasked pre-computation exception keeps others from being raised.
TEST(Evaluate, SimdExceptions) {
  const EvaluationResult masked = divide_singles(0x1f80);
  EXPECT_EQ(masked.fault, EvaluationFault::kNone);
  EXPECT_EQ(masked.mxcsr, 0x1fa4u);  // ZE and PE.
  const EvaluationResult unmasked = divide_singles(0x1f80 & ~0x200u);
  EXPECT_EQ(unmasked.fault, EvaluationFault::kSimdException);
  EXPECT_EQ(unmasked.mxcsr, 0x1d84u);
}

// The upper lane's product is infinity times zero, the lower lane's a denormal number: summing that
// would raise DE.
TEST(Evaluate, AnInvalidProductOfOneLaneKeepsTheOtherFromBeingSummed) {
  Operand operands[3] = {};
  operands[0].set_lane(0, 0x1p-65f);
  operands[1].set_lane(0, 0x1p-65f);
  operands[0].set_lane(4, std::numeric_limits<float>::infinity());
  const Inst inst{.op = Opcode::kVector,
                  .type = Type::kV256,
                  .aux = static_cast<uint16_t>(VectorOpcode::kDpps),
                  .imm = 0xff};
  const EvaluationResult masked = evaluate(inst, Type::kV256, operands, 0, 0x1f80);
  EXPECT_EQ(masked.mxcsr, 0x1f83u);
  EXPECT_EQ(masked.value.lane<float>(3), 0x1p-130f);
  EXPECT_TRUE(std::isnan(masked.value.lane<float>(7)));
  const EvaluationResult unmasked = evaluate(inst, Type::kV256, operands, 0, 0x1f00);
  EXPECT_EQ(unmasked.fault, EvaluationFault::kSimdException);
  EXPECT_EQ(unmasked.mxcsr, 0x1f01u);
}

TEST(Evaluate, EveryVectorRowHasAnEvaluator) {
  for (unsigned i = 0; i < static_cast<unsigned>(VectorOpcode::kCount); ++i) {
    const auto op = static_cast<VectorOpcode>(i);
    EXPECT_NE(vector_evaluator(op), nullptr) << info(op).text;
  }
}

}  // namespace
}  // namespace vireo::tcg
