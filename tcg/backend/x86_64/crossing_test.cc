// Loads and stores that end in the next page, while the TLB has both pages: no hook is called,
// which would leave.

#include "tcg/backend/x86_64/inline_call_test.h"

namespace vireo::tcg {
namespace {

constexpr uint64_t kSecond = TestGuest::kMemory + kPageSize;
constexpr unsigned kAddress = 8, kValue = 0;

class CrossingTest : public InlineCallTest {
 protected:
  CrossingTest() : InlineCallTest(no_helper) {
    for (size_t i = 0; i < kPageSize; ++i) second_[i] = static_cast<uint8_t>(i * 7 + 3);
  }
  /// Whether there is a second page, and may be written to.
  void map_second(TestGuest& guest, bool readable, bool writable) {
    for (Tlb& tlb : guest.tlb) {
      if (readable) tlb.entry(kSecond, false) = TlbEntry{kSecond, second_};
      if (writable) tlb.entry(kSecond, true) = TlbEntry{kSecond, second_};
    }
  }
  void load(TestGuest& guest, Type type, unsigned offset) {
    guest.frame.general[kAddress] = TestGuest::kMemory + offset;
    run_call(guest, [&](Builder& b) {
      b.set_reg(kValue, b.load(type, b.get_reg(Type::kI64, kAddress), 0, kMemoryUser));
    });
  }
  void store(TestGuest& guest, Type type, unsigned offset) {
    guest.frame.general[kAddress] = TestGuest::kMemory + offset;
    run_call(guest, [&](Builder& b) {
      b.store(b.get_reg(Type::kI64, kAddress), 0, b.get_reg(type, kValue), kMemoryUser);
    });
  }
  uint8_t& byte_at(TestGuest& guest, unsigned offset) {
    return offset < kPageSize ? guest.memory[offset] : second_[offset - kPageSize];
  }
  static bool has_left(const TestGuest& guest) {
    return guest.frame.exit_reason == static_cast<uint16_t>(ExitReason::kException);
  }

  alignas(kPageSize) uint8_t second_[kPageSize];

 private:
  static uint64_t no_helper(Frame*, uint64_t, uint64_t, uint64_t) { return 0; }
};

constexpr Type kTypes[] = {Type::kI16, Type::kI32, Type::kI64};

TEST_F(CrossingTest, LoadsTakeTheirBytesFromBothPages) {
  for (const Type type : kTypes) {
    for (unsigned offset = kPageSize - size_of(type) + 1; offset < kPageSize; ++offset) {
      TestGuest guest(offset);
      map_second(guest, /*readable=*/true, /*writable=*/false);
      uint64_t expected = guest.frame.general[kValue];
      for (unsigned i = 0; i < size_of(type); ++i)
        reinterpret_cast<uint8_t*>(&expected)[i] = byte_at(guest, offset + i);
      if (type == Type::kI32) expected = static_cast<uint32_t>(expected);
      load(guest, type, offset);
      EXPECT_FALSE(has_left(guest));
      EXPECT_EQ(guest.frame.general[kValue], expected) << offset;
    }
  }
}

TEST_F(CrossingTest, StoresPutTheirBytesIntoBothPages) {
  for (const Type type : kTypes) {
    for (unsigned offset = kPageSize - size_of(type) + 1; offset < kPageSize; ++offset) {
      TestGuest guest(offset);
      map_second(guest, /*readable=*/false, /*writable=*/true);
      const uint8_t before = byte_at(guest, offset - 1);
      const uint8_t behind = byte_at(guest, offset + size_of(type));
      const uint64_t value = guest.frame.general[kValue];
      store(guest, type, offset);
      EXPECT_FALSE(has_left(guest));
      for (unsigned i = 0; i < size_of(type); ++i)
        EXPECT_EQ(byte_at(guest, offset + i), static_cast<uint8_t>(value >> (i * 8))) << offset;
      EXPECT_EQ(byte_at(guest, offset - 1), before);
      EXPECT_EQ(byte_at(guest, offset + size_of(type)), behind);
    }
  }
}

TEST_F(CrossingTest, NothingIsStoredIfThereIsNoSecondPage) {
  TestGuest guest(1);
  map_second(guest, /*readable=*/true, /*writable=*/false);
  const uint8_t before = guest.memory[kPageSize - 1];
  guest.frame.general[kValue] = static_cast<uint8_t>(~before);
  store(guest, Type::kI64, kPageSize - 1);
  EXPECT_TRUE(has_left(guest));
  EXPECT_EQ(guest.memory[kPageSize - 1], before);
}

TEST_F(CrossingTest, LoadsThatEndBeyondTheFirstPageAskForTheSecond) {
  TestGuest guest(1);
  load(guest, Type::kI16, kPageSize - 1);
  EXPECT_TRUE(has_left(guest));
}

}  // namespace
}  // namespace vireo::tcg
