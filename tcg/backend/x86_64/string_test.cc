// REP MOVS and REP STOS of translated code against a copy by hand; the helper notes its calls.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>

#include "tcg/backend/interpreter/test_machine.h"
#include "tcg/backend/x86_64/jit_backend.h"
#include "tcg/ir/builder.h"

namespace vireo::tcg {
namespace {

constexpr unsigned kRax = 0, kRcx = 1, kRsi = 6, kRdi = 7, kBackward = 3;

uint64_t note_call(Frame* frame, uint64_t, uint64_t, uint64_t) {
  ++static_cast<TestGuest*>(frame->runtime)->hook_calls;
  return 0;
}

class String : public ::testing::Test {
 protected:
  String() {
    static constexpr Helper kHelpers[] = {{"note_call", note_call}};
    BackendConfig config{test_hooks(), kHelpers};
    config.code_cache_bytes = 4 << 20;
    backend_ = std::move(make_jit_backend(config)).value();
  }

  void run(TestGuest& guest, unsigned flags) {
    Block block;
    block.guest_ip = page_.key.ip;
    Builder b(&block);
    b.insn_start(page_.key.ip);
    b.call(0, Type::kVoid, b.constant(Type::kI64, 0), b.constant(Type::kI64, 0),
           b.get_reg(Type::kI32, kBackward), static_cast<uint8_t>(flags | kStringPossible));
    b.exit_direct(page_.key.ip + 1, 0);
    TranslatedBlock* last = nullptr;
    unsigned slot = 0;
    backend_->run(&guest.frame, backend_->compile(block, page_, nullptr).value(), &last, &slot);
    backend_->flush();
  }

  const CodePage page_{.key = {.linear = 0x1000, .ip = 0x1000}, .number = 1};
  std::unique_ptr<Backend> backend_;
};

/// What the instruction does to `guest`, an element at a time.
void copy_by_hand(TestGuest& guest, unsigned width, bool stores) {
  auto& regs = guest.frame.general;
  for (; regs[kRcx] != 0; --regs[kRcx]) {
    uint64_t element = regs[kRax];
    if (!stores) std::memcpy(&element, guest.memory + (regs[kRsi] - TestGuest::kMemory), width);
    std::memcpy(guest.memory + (regs[kRdi] - TestGuest::kMemory), &element, width);
    regs[kRsi] += stores ? 0 : width;
    regs[kRdi] += width;
  }
}

TEST_F(String, IsDoneWithoutTheHelper) {
  std::mt19937 random(3);
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const unsigned flags = random() % kStringKinds, width = 1u << (flags & kStringScale);
    const auto native = std::make_unique<TestGuest>(seed),
               wanted = std::make_unique<TestGuest>(seed);
    const uint64_t count = 1 + random() % (1024 / width);
    const std::array offsets{random() % 3072, random() % 3072};
    for (TestGuest* guest : {native.get(), wanted.get()}) {
      guest->frame.general[kBackward] = 0;
      guest->frame.general[kRcx] = count;
      guest->frame.general[kRsi] = TestGuest::kMemory + offsets[0];
      guest->frame.general[kRdi] = TestGuest::kMemory + offsets[1];
    }
    run(*native, flags);
    copy_by_hand(*wanted, width, flags & kStringStores);
    wanted->frame.guest_ip = native->frame.guest_ip;
    ASSERT_EQ(native->difference(*wanted), "") << "flags " << flags << ", count " << count;
    ASSERT_EQ(native->hook_calls, 0u);
  }
}

// The helper gets the guest as it was.
TEST_F(String, LeavesTheRestToTheHelper) {
  struct Case {
    const char* what;
    uint64_t count, from, to, backward;
  };
  constexpr uint64_t kLast = TestGuest::kMemory + kPageSize - 8, kFirst = TestGuest::kMemory;
  constexpr Case kCases[] = {
      {"nothing to do", 0, kFirst, kFirst, 0},
      {"a count beyond all memory", ~uint64_t{0}, kFirst, kFirst, 0},
      {"more than it is good for", 1024, kFirst, kFirst, 0},
      {"source ends in the next page", 2, kLast, kFirst, 0},
      {"target ends in the next page", 2, kFirst, kLast, 0},
      {"source not in the TLB", 1, kFirst + kPageSize, kFirst, 0},
      {"target not in the TLB", 1, kFirst, kFirst + kPageSize, 0},
      {"another page of the index", 1, kFirst, kFirst + (kPageSize << 12), 0},
      {"backward", 1, kFirst, kFirst, 0x400}};
  for (const Case& each : kCases) {
    for (const unsigned flags : {3u, 3u | kStringUser}) {
      const auto native = std::make_unique<TestGuest>(1), wanted = std::make_unique<TestGuest>(1);
      for (TestGuest* guest : {native.get(), wanted.get()}) {
        guest->frame.general[kBackward] = each.backward;
        guest->frame.general[kRcx] = each.count;
        guest->frame.general[kRsi] = each.from;
        guest->frame.general[kRdi] = each.to;
      }
      run(*native, flags);
      wanted->frame.guest_ip = native->frame.guest_ip;
      EXPECT_EQ(native->difference(*wanted), "") << each.what;
      EXPECT_EQ(native->hook_calls, 1u) << each.what;
    }
  }
}

}  // namespace
}  // namespace vireo::tcg
