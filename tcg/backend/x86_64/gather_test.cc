// Gathers of translated code against loads by hand; the helper notes its calls.

#include <bit>
#include <memory>
#include <random>

#include "tcg/backend/x86_64/inline_call_test.h"
#include "util/bits.h"

namespace vireo::tcg {
namespace {

class GatherTest : public InlineCallTest {
 protected:
  GatherTest() : InlineCallTest(note_call_at_address, /*wide_vectors=*/true) {}

  void run(TestGuest& guest, const Gather& gather, unsigned flags) {
    run_call_at_address(guest, std::bit_cast<uint64_t>(gather), flags | kGatherCall);
  }
};

constexpr Gather kGathers[] = {
    {.target = 1, .mask = 2, .indexes = 3, .element = 4, .index = 4, .count = 8, .scale = 2},
    {.target = 0, .mask = 15, .indexes = 9, .element = 4, .index = 4, .count = 4, .scale = 0},
    {.target = 4, .mask = 5, .indexes = 6, .element = 8, .index = 4, .count = 4, .scale = 3},
    {.target = 4, .mask = 0, .indexes = 1, .element = 8, .index = 4, .count = 2, .scale = 1},
    {.target = 7, .mask = 8, .indexes = 12, .element = 4, .index = 8, .count = 4, .scale = 2},
    {.target = 7, .mask = 8, .indexes = 12, .element = 4, .index = 8, .count = 2, .scale = 2},
    {.target = 13, .mask = 14, .indexes = 2, .element = 8, .index = 8, .count = 4, .scale = 3},
    {.target = 13, .mask = 3, .indexes = 2, .element = 8, .index = 8, .count = 2, .scale = 3},
};

/// Where element `i` is, in bytes from the base.
int64_t distance(const TestGuest& guest, const Gather& gather, unsigned i) {
  uint64_t index = 0;
  std::memcpy(&index, guest.frame.vector[gather.indexes] + i * gather.index, gather.index);
  return util::sign_extend(index, gather.index * 8) * (1 << gather.scale);
}

bool is_selected(const TestGuest& guest, const Gather& gather, unsigned i) {
  return guest.frame.vector[gather.mask][(i + 1) * gather.element - 1] & 0x80;
}

/// Indexes such that elements lie in the guest's page, from its middle on.
void choose_indexes(TestGuest& guest, const Gather& gather, std::mt19937& random) {
  guest.frame.general[kCallAddress] = TestGuest::kMemory + kPageSize / 2;
  const int span = static_cast<int>(kPageSize) >> gather.scale;
  for (unsigned i = 0; i < gather.count; ++i) {
    const int64_t index = static_cast<int>(random() % static_cast<unsigned>(span - 8)) - span / 2;
    std::memcpy(guest.frame.vector[gather.indexes] + i * gather.index, &index, gather.index);
  }
}

void gather_by_hand(TestGuest& guest, const Gather& gather) {
  uint8_t(&target)[32] = guest.frame.vector[gather.target];
  const unsigned bytes = gather.count * gather.element;
  for (unsigned i = 0; i < gather.count; ++i) {
    if (!is_selected(guest, gather, i)) continue;
    const uint64_t address =
        guest.frame.general[kCallAddress] + static_cast<uint64_t>(distance(guest, gather, i));
    std::memcpy(target + i * gather.element, guest.memory + (address - TestGuest::kMemory),
                gather.element);
  }
  std::memset(target + bytes, 0, sizeof target - bytes);
  std::memset(guest.frame.vector[gather.mask], 0, sizeof guest.frame.vector[0]);
}

TEST_F(GatherTest, LoadsWhatTheMaskSelects) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const Gather& gather = kGathers[seed % std::size(kGathers)];
    const auto native = std::make_unique<TestGuest>(seed),
               wanted = std::make_unique<TestGuest>(seed);
    for (TestGuest* guest : {native.get(), wanted.get()}) {
      std::mt19937 random(seed);
      choose_indexes(*guest, gather, random);
    }
    gather_by_hand(*wanted, gather);
    run(*native, gather, seed & 8 ? unsigned{kCallUser} : 0u);
    wanted->frame.guest_ip = native->frame.guest_ip;
    ASSERT_EQ(native->difference(*wanted), "") << seed;
    ASSERT_EQ(native->hook_calls, 0u);
  }
}

TEST_F(GatherTest, LeavesAllToTheHelperIfAnElementNeedsMore) {
  for (const Gather& gather : kGathers) {
    for (const int64_t beyond : {int64_t{kPageSize} - 1, int64_t{kPageSize}}) {
      const auto native = std::make_unique<TestGuest>(1), before = std::make_unique<TestGuest>(1);
      for (TestGuest* guest : {native.get(), before.get()}) {
        std::mt19937 random(1);
        choose_indexes(*guest, gather, random);
        // The last element is selected, and begins there.
        const unsigned last = gather.count - 1;
        guest->frame.vector[gather.mask][gather.count * gather.element - 1] |= 0x80;
        const int64_t index = 0;
        for (unsigned i = 0; i < last; ++i) {
          guest->frame.vector[gather.mask][(i + 1) * gather.element - 1] &= 0x7f;
        }
        std::memcpy(guest->frame.vector[gather.indexes] + last * gather.index, &index,
                    gather.index);
        guest->frame.general[kCallAddress] = TestGuest::kMemory + static_cast<uint64_t>(beyond);
      }
      run(*native, gather, 0);
      before->frame.guest_ip = native->frame.guest_ip;
      EXPECT_EQ(native->difference(*before), "");
      EXPECT_EQ(native->hook_calls, 1u);
    }
  }
}

}  // namespace
}  // namespace vireo::tcg
