// Masked moves of translated code against moves by hand; the helper notes its calls.

#include <bit>
#include <memory>

#include "tcg/backend/x86_64/inline_call_test.h"

namespace vireo::tcg {
namespace {

constexpr unsigned kAddress = 8;

class MaskedTest : public InlineCallTest {
 protected:
  MaskedTest() : InlineCallTest(note_call, /*wide_vectors=*/true) {}

  void SetUp() override {
    if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "the host lacks AVX";
  }
  void run(TestGuest& guest, const MaskedMove& move, unsigned flags) {
    run_call(guest, [&](Builder& b) {
      b.call(0, Type::kVoid, b.get_reg(Type::kI64, kAddress),
             b.constant(Type::kI64, std::bit_cast<uint32_t>(move)), {},
             static_cast<uint8_t>(flags | kMaskedCall));
    });
  }

 private:
  static uint64_t note_call(Frame* frame, uint64_t address, uint64_t, uint64_t) {
    EXPECT_EQ(address, frame->general[kAddress]);
    count_call(frame);
    return 0;
  }
};

constexpr MaskedMove kMoves[] = {
    {.data = 1, .mask = 2, .element = 4, .bytes = 32},
    {.data = 0, .mask = 15, .element = 4, .bytes = 16},
    {.data = 13, .mask = 0, .element = 8, .bytes = 32},
    {.data = 5, .mask = 5, .element = 8, .bytes = 16},
};

void move_by_hand(TestGuest& guest, const MaskedMove& move, bool stores) {
  uint8_t* memory = guest.memory + (guest.frame.general[kAddress] - TestGuest::kMemory);
  uint8_t(&data)[32] = guest.frame.vector[move.data];
  uint8_t loaded[32] = {};
  for (unsigned i = 0; i < move.bytes; i += move.element) {
    if (!(guest.frame.vector[move.mask][i + move.element - 1] & 0x80)) continue;
    std::memcpy(stores ? memory + i : loaded + i, stores ? data + i : memory + i, move.element);
  }
  if (!stores) std::memcpy(data, loaded, sizeof data);
}

TEST_F(MaskedTest, MovesWhatTheMaskSelects) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const MaskedMove& move = kMoves[seed % std::size(kMoves)];
    const bool stores = seed & 4;
    const auto native = std::make_unique<TestGuest>(seed),
               wanted = std::make_unique<TestGuest>(seed);
    // The last place is the one that ends with the page.
    const uint64_t place = seed < 8 ? kPageSize - move.bytes : seed * 7;
    for (TestGuest* guest : {native.get(), wanted.get()}) {
      guest->frame.general[kAddress] = TestGuest::kMemory + place;
    }
    move_by_hand(*wanted, move, stores);
    run(*native, move,
        (stores ? unsigned{kMaskedStore} : 0u) | (seed & 8 ? unsigned{kCallUser} : 0u));
    wanted->frame.guest_ip = native->frame.guest_ip;
    ASSERT_EQ(native->difference(*wanted), "") << seed;
    ASSERT_EQ(native->hook_calls, 0u);
  }
}

TEST_F(MaskedTest, LeavesItToTheHelperIfTheVectorEndsBeyondThePage) {
  for (const MaskedMove& move : kMoves) {
    for (const unsigned stores : {0u, unsigned{kMaskedStore}}) {
      for (const uint64_t place : {kPageSize - move.bytes + 1, kPageSize}) {
        const auto native = std::make_unique<TestGuest>(1), before = std::make_unique<TestGuest>(1);
        for (TestGuest* guest : {native.get(), before.get()}) {
          guest->frame.general[kAddress] = TestGuest::kMemory + place;
        }
        run(*native, move, stores);
        before->frame.guest_ip = native->frame.guest_ip;
        EXPECT_EQ(native->difference(*before), "");
        EXPECT_EQ(native->hook_calls, 1u);
      }
    }
  }
}

}  // namespace
}  // namespace vireo::tcg
