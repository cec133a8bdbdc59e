#pragma once

// For tests of what the code generator does itself instead of calling a helper.

#include <gtest/gtest.h>

#include <memory>

#include "tcg/backend/interpreter/test_machine.h"
#include "tcg/backend/x86_64/jit_backend.h"
#include "tcg/ir/builder.h"

namespace vireo::tcg {

class InlineCallTest : public ::testing::Test {
 protected:
  /// `helper` is helper 0.
  explicit InlineCallTest(HelperFunction helper, bool wide_vectors = false)
      : helpers_{{"helper", helper}} {
    BackendConfig config{test_hooks(), helpers_};
    config.code_cache_bytes = 4 << 20;
    config.wide_vectors = wide_vectors;
    backend_ = std::move(make_jit_backend(config)).value();
  }

  /// For helpers: TestGuest::hook_calls counts their calls.
  static void count_call(Frame* frame) { ++static_cast<TestGuest*>(frame->runtime)->hook_calls; }

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
  const CodePage page_{.key = {.linear = 0x1000, .ip = 0x1000}, .number = 1};
  std::unique_ptr<Backend> backend_;
};

}  // namespace vireo::tcg
