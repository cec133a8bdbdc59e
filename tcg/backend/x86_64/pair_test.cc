// CMPXCHG8B and CMPXCHG16B of translated code against an exchange by hand; the helper notes its
// calls.

#include <memory>
#include <random>

#include "tcg/backend/x86_64/inline_call_test.h"

namespace vireo::tcg {
namespace {

constexpr unsigned kRax = 0, kRcx = 1, kRdx = 2, kRbx = 3;

class Pair : public InlineCallTest {
 protected:
  Pair() : InlineCallTest(note_call_at_address) {}

  void run(TestGuest& guest, unsigned flags) { run_call_at_address(guest, 0, flags | kPairCall); }
};

/// The instruction on the 2 * sizeof(Word) bytes at `at` in `guest`.
template <class Word>
void exchange_by_hand(TestGuest& guest, uint8_t* at) {
  auto& regs = guest.frame.general;
  Word before[2];
  std::memcpy(before, at, sizeof before);
  const bool equal =
      before[0] == static_cast<Word>(regs[kRax]) && before[1] == static_cast<Word>(regs[kRdx]);
  guest.frame.flags_low =
      static_cast<uint8_t>((guest.frame.flags_low & ~kFlagZ) | (equal ? kFlagZ : 0));
  if (equal) {
    const Word replacement[] = {static_cast<Word>(regs[kRbx]), static_cast<Word>(regs[kRcx])};
    std::memcpy(at, replacement, sizeof replacement);
  } else {
    regs[kRax] = before[0];
    regs[kRdx] = before[1];
  }
}

template <class Word>
void expect_exchange(TestGuest& native, TestGuest& wanted, uint64_t offset, bool equal) {
  for (TestGuest* guest : {&native, &wanted}) {
    auto& regs = guest->frame.general;
    regs[kCallAddress] = TestGuest::kMemory + offset;
    if (!equal) continue;
    Word words[2];
    std::memcpy(words, guest->memory + offset, sizeof words);
    regs[kRax] = words[0];
    regs[kRdx] = words[1];
  }
  exchange_by_hand<Word>(wanted, wanted.memory + offset);
}

TEST_F(Pair, IsTheHostsOwn) {
  std::mt19937 random(5);
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const unsigned flags = random() & (kPairWide | kPairLocked | kCallUser);
    const bool wide = flags & kPairWide, equal = random() % 2 != 0;
    const uint64_t offset = wide ? random() % 256 * 16 : random() % (kPageSize - 7);
    const auto native = std::make_unique<TestGuest>(seed),
               wanted = std::make_unique<TestGuest>(seed);
    wide ? expect_exchange<uint64_t>(*native, *wanted, offset, equal)
         : expect_exchange<uint32_t>(*native, *wanted, offset, equal);
    run(*native, flags);
    wanted->frame.guest_ip = native->frame.guest_ip;
    ASSERT_EQ(native->difference(*wanted), "") << "flags " << flags << " at " << offset;
    ASSERT_EQ(native->hook_calls, 0u);
  }
}

TEST_F(Pair, IsTheHelpersWhereTheTlbDoesNotHelp) {
  struct Case {
    const char* what;
    unsigned flags;
    uint64_t address;
  };
  constexpr uint64_t kPage = TestGuest::kMemory;
  constexpr Case kCases[] = {
      {"16 bytes that are not aligned", kPairWide, kPage + 8},
      {"8 bytes across pages", 0, kPage + kPageSize - 7},
      {"a page that the TLB does not have", 0, kPage + kPageSize},
      {"another page of the index", kPairWide, kPage + (kPageSize << kTlbBits)}};
  for (const Case& each : kCases) {
    for (const unsigned user : {0u, unsigned{kCallUser}}) {
      const auto native = std::make_unique<TestGuest>(1), before = std::make_unique<TestGuest>(1);
      for (TestGuest* guest : {native.get(), before.get()}) {
        guest->frame.general[kCallAddress] = each.address;
      }
      run(*native, each.flags | user);
      before->frame.guest_ip = native->frame.guest_ip;
      EXPECT_EQ(native->difference(*before), "") << each.what;
      EXPECT_EQ(native->hook_calls, 1u) << each.what;
    }
  }
}

}  // namespace
}  // namespace vireo::tcg
