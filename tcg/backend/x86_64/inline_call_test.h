#pragma once

// For tests of what the code generator does itself instead of calling a helper.

#include <gtest/gtest.h>

#include <memory>

#include "tcg/backend/interpreter/test_machine.h"
#include "tcg/backend/x86_64/jit_backend.h"
#include "tcg/ir/builder.h"

namespace vireo::tcg {

constexpr unsigned kCallAddress = 8;  ///< The guest register with the address of a call.

class InlineCallTest : public ::testing::Test {
 protected:
  /// `helper` is helper 0.
  explicit InlineCallTest(HelperFunction helper, bool wide_vectors = false)
      : helpers_{{"helper", helper}}, wide_vectors_(wide_vectors) {
    BackendConfig config{test_hooks(), helpers_};
    config.code_cache_bytes = 4 << 20;
    config.wide_vectors = wide_vectors;
    backend_ = std::move(make_jit_backend(config)).value();
  }

  void SetUp() override {
    if (wide_vectors_ && !__builtin_cpu_supports("avx")) GTEST_SKIP() << "the host lacks AVX";
  }

  /// Helpers that count their calls in TestGuest::hook_calls.
  static uint64_t note_call(Frame* frame, uint64_t, uint64_t, uint64_t) {
    ++static_cast<TestGuest*>(frame->runtime)->hook_calls;
    return 0;
  }
  static uint64_t note_call_at_address(Frame* frame, uint64_t address, uint64_t, uint64_t) {
    EXPECT_EQ(address, frame->general[kCallAddress]);
    return note_call(frame, 0, 0, 0);
  }

  /// Runs a call at that address; `bits` is operand b.
  void run_call_at_address(TestGuest& guest, uint64_t bits, unsigned extra) {
    run_call(guest, [&](Builder& b) {
      b.call(0, Type::kVoid, b.get_reg(Type::kI64, kCallAddress), b.constant(Type::kI64, bits), {},
             static_cast<uint8_t>(extra));
    });
  }

  /// Runs a block of one instruction, which `call(builder)` makes.
  template <class F>
  void run_call(TestGuest& guest, F&& call) {
    Block block;
    block.guest_ip = page_.key.ip;
    Builder b(&block);
    b.insn_start(page_.key.ip);
    call(b);
    b.exit_direct(page_.key.ip + 1, 0);
    TranslatedBlock* last = nullptr;
    unsigned slot = 0;
    backend_->run(&guest.frame, backend_->compile(block, page_, nullptr).value(), &last, &slot);
    backend_->flush();
  }

 private:
  const Helper helpers_[1];
  const bool wide_vectors_;
  const CodePage page_{.key = {.linear = 0x1000, .ip = 0x1000}, .number = 1};
  std::unique_ptr<Backend> backend_;
};

}  // namespace vireo::tcg
