// MXCSR in the host's register: loads without the helper, and reads behind what raises.

#include <memory>

#include "tcg/backend/x86_64/inline_call_test.h"

namespace vireo::tcg {
namespace {

constexpr uint32_t kMasked = 0x1f80, kRoundDown = 0x2000, kInexact = 0x20;

class Mxcsr : public InlineCallTest {
 protected:
  Mxcsr() : InlineCallTest(note_call) {}
  void load(uint32_t value) {
    run_call(*guest_, [value](Builder& b) {
      b.call(0, Type::kVoid, b.constant(Type::kI32, value), {}, {}, kMxcsrCall);
    });
  }
  const std::unique_ptr<TestGuest> guest_ = std::make_unique<TestGuest>(1);
};

TEST_F(Mxcsr, IsLoadedWithoutTheHelperUnlessABitIsReserved) {
  for (const uint32_t value : {kMasked, kMasked | kRoundDown, 0u, 0xffffu, kMasked | kInexact}) {
    load(value);
    EXPECT_EQ(guest_->frame.mxcsr, value);
    EXPECT_EQ(guest_->hook_calls, 0u);
  }
  guest_->frame.mxcsr = kMasked;
  unsigned calls = 0;
  for (const uint32_t value : {0x10000u, 0x20000u | kMasked, 0x80000000u}) {
    load(value);
    EXPECT_EQ(guest_->hook_calls, ++calls);
    EXPECT_EQ(guest_->frame.mxcsr, kMasked);
  }
}

TEST_F(Mxcsr, IsReadWithWhatWasRaisedBefore) {
  const float operands[4] = {1, 1, 1, 1}, thirds[4] = {3, 3, 3, 3};
  std::memcpy(guest_->frame.vector[0], operands, sizeof operands);
  std::memcpy(guest_->frame.vector[1], thirds, sizeof thirds);
  guest_->frame.mxcsr = kMasked;
  run_call(*guest_, [](Builder& b) {
    const Value before = b.get_mxcsr();
    const Value quotient = b.vector(VectorOpcode::kDivps, Type::kV128, b.get_reg(Type::kV128, 0),
                                    b.get_reg(Type::kV128, 1));
    const Value after = b.get_mxcsr();
    b.set_reg(0, quotient);
    b.set_reg(1, before);
    b.set_reg(2, after);
  });
  EXPECT_EQ(guest_->frame.general[1], kMasked);
  EXPECT_EQ(guest_->frame.general[2], kMasked | kInexact);
  EXPECT_EQ(guest_->frame.mxcsr, kMasked | kInexact);
}

// The next instruction rounds as it says.
TEST_F(Mxcsr, HoldsFromTheNextInstructionOn) {
  const float one = 1, three = 3;
  std::memcpy(guest_->frame.vector[0], &one, sizeof one);
  std::memcpy(guest_->frame.vector[1], &three, sizeof three);
  uint32_t nearest = 0, down = 0;
  for (uint32_t* result : {&nearest, &down}) {
    const uint32_t value = kMasked | (result == &down ? kRoundDown : 0);
    std::memcpy(guest_->frame.vector[0], &one, sizeof one);
    run_call(*guest_, [value](Builder& b) {
      b.call(0, Type::kVoid, b.constant(Type::kI32, value), {}, {}, kMxcsrCall);
      b.insn_start(0x1000);
      b.set_reg(0, b.vector(VectorOpcode::kDivss, Type::kV128, b.get_reg(Type::kV128, 0),
                            b.get_reg(Type::kV128, 1)));
    });
    std::memcpy(result, guest_->frame.vector[0], sizeof *result);
  }
  EXPECT_EQ(nearest, 0x3eaaaaabu);
  EXPECT_EQ(down, 0x3eaaaaaau);
}

}  // namespace
}  // namespace vireo::tcg
