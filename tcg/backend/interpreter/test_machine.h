#pragma once

// A guest for tests: a Frame with some state behind it, and one page of memory.

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>

#include "tcg/backend/backend.h"
#include "tcg/runtime/return_stacks.h"

namespace vireo::tcg {

struct TestGuest {
  static constexpr uint64_t kMemory = 0x10000;

  Frame frame;
  uint64_t state[8] = {};
  alignas(kPageSize) uint8_t memory[kPageSize] = {};
  Tlb tlb[kMemoryContexts];
  JumpTarget jump_cache[kJumpCacheEntries] = {};
  uint64_t code_pages[kCodePageSlots];
  unsigned hook_calls = 0;
  std::unique_ptr<ReturnStacks> return_stacks = ReturnStacks::create(frame).value();

  /// Registers and memory from `seed`; every TLB entry but memory's misses.
  explicit TestGuest(uint32_t seed) {
    for (unsigned context = 0; context < kMemoryContexts; ++context) {
      for (const bool is_write : {false, true})
        tlb[context].entry(kMemory, is_write) = TlbEntry{kMemory, memory};
      frame.tlb[context] = &tlb[context];
    }
    frame.jump_cache = jump_cache;
    frame.code_pages = code_pages;
    std::ranges::fill(code_pages, kCodePageUnmapped);
    frame.runtime = this;
    std::mt19937_64 random(seed);
    for (uint64_t& reg : frame.general) reg = random() >> random() % 64;
    for (auto& reg : frame.vector) {
      for (uint8_t& byte : reg) byte = static_cast<uint8_t>(random());
    }
    for (uint8_t& byte : memory) byte = static_cast<uint8_t>(random());
    frame.flags_low = static_cast<uint8_t>((random() & 0xd5) | 2);
    frame.flag_overflow = random() & 1;
  }

  /// What of the guest differs from `other`; empty if nothing.
  std::string difference(const TestGuest& other) const {
    for (unsigned i = 0; i < 16; ++i) {
      if (frame.general[i] != other.frame.general[i]) return "register " + std::to_string(i);
    }
    if (std::memcmp(frame.vector, other.frame.vector, sizeof frame.vector)) return "vectors";
    if (std::memcmp(memory, other.memory, sizeof memory)) return "memory";
    if (std::memcmp(state, other.state, sizeof state)) return "state";
    if (frame.flags_low != other.frame.flags_low) return "flags";
    if (frame.flag_overflow != other.frame.flag_overflow) return "overflow flag";
    if (frame.mxcsr != other.frame.mxcsr) return "mxcsr";
    if (frame.guest_ip != other.frame.guest_ip) return "guest IP";
    if (frame.exit_reason != other.frame.exit_reason) return "exit reason";
    return "";
  }
};

/// Hooks that find nothing to load and store; updates find TestGuest::memory. What is not found
/// leaves with kException.
Hooks test_hooks();

}  // namespace vireo::tcg
