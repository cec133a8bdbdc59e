// Masked moves of translated code against moves by hand; the helper notes its calls.

#include <bit>
#include <memory>

#include "tcg/backend/x86_64/inline_call_test.h"

namespace vireo::tcg {
namespace {

class MaskedTest : public InlineCallTest {
 protected:
  MaskedTest() : InlineCallTest(note_call_at_address, /*wide_vectors=*/true) {}

  void run(TestGuest& guest, const MaskedMove& move, unsigned flags) {
    run_call_at_address(guest, std::bit_cast<uint32_t>(move), flags | kMaskedCall);
  }
};

constexpr MaskedMove kMoves[] = {
    {.data = 1, .mask = 2, .element = 4, .bytes = 32},
    {.data = 0, .mask = 15, .element = 4, .bytes = 16},
    {.data = 13, .mask = 0, .element = 8, .bytes = 32},
    {.data = 5, .mask = 5, .element = 8, .bytes = 16},
};

void move_by_hand(TestGuest& guest, const MaskedMove& move, bool stores) {
  uint8_t* memory = guest.memory + (guest.frame.general[kCallAddress] - TestGuest::kMemory);
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
    // The first ones end with the page.
    const uint64_t place = seed < 8 ? kPageSize - move.bytes : seed * 7;
    for (TestGuest* guest : {native.get(), wanted.get()}) {
      guest->frame.general[kCallAddress] = TestGuest::kMemory + place;
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
          guest->frame.general[kCallAddress] = TestGuest::kMemory + place;
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
