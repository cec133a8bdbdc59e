// REP MOVS and REP STOS of translated code against a copy by hand; the helper notes its calls.

#include <algorithm>
#include <array>
#include <memory>
#include <random>

#include "tcg/backend/x86_64/inline_call_test.h"

namespace vireo::tcg {
namespace {

constexpr unsigned kRax = 0, kRcx = 1, kRsi = 6, kRdi = 7, kBackward = 3;

class String : public InlineCallTest {
 protected:
  String() : InlineCallTest(note_call) {}

  void run(TestGuest& guest, unsigned flags) {
    run_call(guest, [flags](Builder& b) {
      b.call(0, Type::kVoid, b.constant(Type::kI64, 0), b.constant(Type::kI64, 0),
             b.get_reg(Type::kI32, kBackward), static_cast<uint8_t>(flags | kStringCall));
    });
  }
};

/// A guest with a second page behind the first, elsewhere in the host.
struct TwoPages : TestGuest {
  alignas(kPageSize) uint8_t second[kPageSize] = {};

  explicit TwoPages(uint32_t seed) : TestGuest(seed) {
    constexpr uint64_t kSecond = kMemory + kPageSize;
    for (Tlb& each : tlb) {
      for (const bool is_write : {false, true}) {
        each.entry(kSecond, is_write) = TlbEntry{kSecond, second};
      }
    }
  }
  uint8_t& at(uint64_t address) {
    const uint64_t offset = address - kMemory;
    return offset < kPageSize ? memory[offset] : second[offset - kPageSize];
  }
};

/// What the instruction does to `guest` until `left` elements are left, a byte at a time.
void copy_by_hand(TwoPages& guest, unsigned width, bool stores, uint64_t left = 0) {
  auto& regs = guest.frame.general;
  for (; regs[kRcx] != left; --regs[kRcx]) {
    uint8_t element[8];
    std::memcpy(element, &regs[kRax], sizeof element);
    for (unsigned i = 0; i < width && !stores; ++i) element[i] = guest.at(regs[kRsi] + i);
    for (unsigned i = 0; i < width; ++i) guest.at(regs[kRdi] + i) = element[i];
    regs[kRsi] += stores ? 0 : width;
    regs[kRdi] += width;
  }
}

bool crosses_pages(uint64_t address, unsigned width) {
  return address % kPageSize + width > kPageSize;
}

/// How many elements are left where the next one crosses pages.
uint64_t left_at_crossing(const TestGuest& guest, unsigned width, bool stores) {
  const auto& regs = guest.frame.general;
  for (uint64_t done = 0; done < regs[kRcx]; ++done) {
    if (crosses_pages(regs[kRdi] + done * width, width) ||
        (!stores && crosses_pages(regs[kRsi] + done * width, width))) {
      return regs[kRcx] - done;
    }
  }
  return 0;
}

TEST_F(String, IsDoneUntilAnElementCrossesPages) {
  std::mt19937 random(3);
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const unsigned flags = random() % kStringKinds, width = 1u << (flags & kStringScale);
    const auto native = std::make_unique<TwoPages>(seed), wanted = std::make_unique<TwoPages>(seed);
    const uint64_t count = 1 + random() % (4096 / width);
    const unsigned aligned = random() % 2 != 0 ? -width : ~0u;
    const std::array offsets{random() % 4096 & aligned, random() % 4096 & aligned};
    for (TestGuest* guest : {native.get(), wanted.get()}) {
      guest->frame.general[kBackward] = 0;
      guest->frame.general[kRcx] = count;
      guest->frame.general[kRsi] = TestGuest::kMemory + offsets[0];
      guest->frame.general[kRdi] = TestGuest::kMemory + offsets[1];
    }
    run(*native, flags);
    const uint64_t left = left_at_crossing(*wanted, width, flags & kStringStores);
    copy_by_hand(*wanted, width, flags & kStringStores, left);
    wanted->frame.guest_ip = native->frame.guest_ip;
    ASSERT_EQ(native->difference(*wanted), "") << "flags " << flags << ", count " << count;
    ASSERT_TRUE(std::ranges::equal(native->second, wanted->second)) << "flags " << flags;
    ASSERT_EQ(native->hook_calls, left == 0 ? 0u : 1u);
  }
}

// The helper gets the guest as far as it is.
TEST_F(String, LeavesTheRestToTheHelper) {
  struct Case {
    const char* what;
    uint64_t count, from, to, backward;
    uint64_t left;  ///< Elements for the helper.
  };
  constexpr uint64_t kFirst = TestGuest::kMemory, kSecond = kFirst + kPageSize,
                     kEnd = kSecond + kPageSize;
  constexpr Case kCases[] = {
      {"nothing to do", 0, kFirst, kFirst, 0, 0},
      {"a count beyond all memory", ~uint64_t{0}, kFirst, kFirst, 0, ~uint64_t{0}},
      {"more than it is good for", 8193, kFirst, kFirst, 0, 8193},
      {"as much as it is good for, but not mapped", 8192, kFirst, kFirst, 0, 8192 - 1024},
      {"an element of the source crosses pages", 3, kSecond - 12, kFirst, 0, 2},
      {"an element of the target crosses pages", 3, kFirst, kSecond - 12, 0, 2},
      {"source ends behind the pages", 2, kEnd - 8, kFirst, 0, 1},
      {"target ends behind the pages", 2, kFirst, kEnd - 8, 0, 1},
      {"source not in the TLB", 1, kEnd, kFirst, 0, 1},
      {"target not in the TLB", 1, kFirst, kEnd, 0, 1},
      {"another page of the index", 1, kFirst, kFirst + (kPageSize << 12), 0, 1},
      {"backward", 1, kFirst, kFirst, 0x400, 1}};
  for (const Case& each : kCases) {
    for (const unsigned flags : {3u, 3u | kCallUser, 3u | kStringStores}) {
      const bool stores = flags & kStringStores;
      if (stores && each.from != kFirst) continue;
      const auto native = std::make_unique<TwoPages>(1), wanted = std::make_unique<TwoPages>(1);
      for (TestGuest* guest : {native.get(), wanted.get()}) {
        guest->frame.general[kBackward] = each.backward;
        guest->frame.general[kRcx] = each.count;
        guest->frame.general[kRsi] = each.from;
        guest->frame.general[kRdi] = each.to;
      }
      run(*native, flags);
      copy_by_hand(*wanted, 8, stores, each.left);
      wanted->frame.guest_ip = native->frame.guest_ip;
      EXPECT_EQ(native->difference(*wanted), "") << each.what;
      EXPECT_TRUE(std::ranges::equal(native->second, wanted->second)) << each.what;
      EXPECT_EQ(native->hook_calls, 1u) << each.what;
    }
  }
}

}  // namespace
}  // namespace vireo::tcg
