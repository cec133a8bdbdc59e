#pragma once

// A guest for tests of the code generator's ways in and out of blocks, and their fixture.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "tcg/backend/backend.h"
#include "tcg/ir/builder.h"
#include "tcg/runtime/return_stacks.h"

namespace vireo::tcg {

constexpr uint64_t kMemory = 0x10000, kDevice = 0x5000, kNowhere = 0x9000;

/// A Frame, one page of memory and one device register.
struct Guest {
  Frame frame;
  alignas(64) uint8_t memory[kPageSize] = {};
  UserTables tables;
  Tlb& tlb = tables.tlb;
  JumpTarget jump_cache[kJumpCacheEntries] = {};
  uint64_t device = 0;
  unsigned refills = 0;
  std::unique_ptr<ReturnStacks> return_stacks = ReturnStacks::create(frame).value();

  Guest() {
    frame.tlb[kContextKernel] = frame.tlb[kContextUser] = &tlb;
    frame.jump_cache = jump_cache;
    frame.code_pages = tables.code_pages;
    frame.runtime = this;
  }
};

inline Guest& guest_of(Frame* frame) { return *static_cast<Guest*>(frame->runtime); }
[[noreturn]] inline void leave_as(Frame* frame, ExitReason reason) {
  leave(frame, static_cast<uint16_t>(reason));
}
inline Guest& device_access(Frame* frame, uint64_t va) {
  if (va != kDevice) leave_as(frame, ExitReason::kException);
  return guest_of(frame);
}

/// Memory is found by refills, the device by full hooks; other accesses fault.
inline Hooks guest_hooks() {
  return {
      .refill =
          [](Frame* frame, uint64_t va, unsigned size, Access, uint8_t flags) {
            Guest& guest = guest_of(frame);
            ++guest.refills;
            if (va - kMemory > kPageSize - size) return false;
            if ((flags & kMemoryAligned) && va % 16 != 0) return false;
            for (const bool is_write : {false, true}) {
              guest.tlb.entry(va, is_write) = TlbEntry{kMemory, guest.memory};
            }
            return true;
          },
      .load = [](Frame* frame, uint64_t va, const MemoryOperation&) -> const void* {
        std::memcpy(frame->bounce, &device_access(frame, va).device, 8);
        return frame->bounce;
      },
      .store =
          [](Frame* frame, uint64_t va, const MemoryOperation& operation, const void* value) {
            std::memcpy(&device_access(frame, va).device, value, size_of(operation.type));
          },
      .update = [](Frame* frame, uint64_t va, const MemoryOperation&, uint64_t operand,
                   uint64_t) -> uint64_t {
        uint64_t& device = device_access(frame, va).device;
        frame->flags_low = 0x57;
        frame->flag_overflow = 1;
        return std::exchange(device, device + operand);
      },
      .divide_error = [](Frame* frame) { leave_as(frame, ExitReason::kHalt); },
      .simd_exception = [](Frame* frame) { leave_as(frame, ExitReason::kModeChange); },
  };
}

class Control : public ::testing::Test {
 protected:
  /// The last page number without a tag is among those used.
  static constexpr uint32_t kFirstNumber = kUsedCodePageSlots - 3;

  Control() {
    BackendConfig config{guest_hooks(), {}};
    config.code_cache_bytes = 4 << 20;
    backend_ = std::move(make_jit_backend(config)).value();
    guest_->tables.forget_targets(backend_->no_target());
  }
  /// Has indirect jumps to `target` go to the block.
  void cache_jump(uint64_t target, TranslatedBlock* block) {
    const void* code = backend_->checked_entry(block);
    guest_->jump_cache[jump_cache_index(target)] = {target, code};
    if (block->page->relocatable) guest_->tables.jump_targets[jump_cache_index(target)] = code;
  }
  /// The page has a number of its own, and is mapped where the block begins.
  TranslatedBlock* compile(uint64_t ip) {
    block_.guest_ip = ip;
    TranslatedBlock* block = compile_in(ip, false);
    map(*block, ip);
    return block;
  }
  /// Of a page of relocatable code, by the place of its file.
  TranslatedBlock* compile_relocatable(uint64_t place) {
    block_.guest_ip = place % kPageSize;
    block_.relocatable = true;
    return compile_in(place, true);
  }
  TranslatedBlock* compile_in(uint64_t place, bool relocatable) {
    const bool spans = place % kPageSize + block_.guest_size > kPageSize;
    const CodePage* second = spans ? &page_of(place + kPageSize, relocatable) : nullptr;
    auto result = backend_->compile(block_, page_of(place, relocatable), second);
    block_.clear();
    return result.value();
  }
  const CodePage& page_of(uint64_t place, bool relocatable) {
    const uint64_t address = relocatable ? 0 : tcg::page_of(place);
    const auto number = static_cast<uint32_t>(place >> kPageBits) + kFirstNumber;
    CodePage& page = pages_.try_emplace(number).first->second;
    page = {{.linear = address, .ip = address}, relocatable, number};
    return page;
  }
  void map(const TranslatedBlock& block, uint64_t ip) { map(*block.page, ip); }
  void map(const CodePage& page, uint64_t ip) {
    frame_.code_pages[code_page_slot(page.number)] = code_page_mapping(page, ip);
  }
  void unmap(const TranslatedBlock& block) {
    frame_.code_pages[code_page_slot(block.page->number)] = kCodePageUnmapped;
  }
  ExitReason run(TranslatedBlock* block) { return run(block, block->guest_ip()); }
  ExitReason run(TranslatedBlock* block, uint64_t ip) {
    last_ = nullptr;
    frame_.guest_ip = ip;
    backend_->run(&frame_, block, &last_, &slot_);
    return static_cast<ExitReason>(frame_.exit_reason);
  }
  Value get(unsigned reg) { return b_.get_reg(Type::kI64, reg); }
  Value number(uint64_t value) { return b_.constant(Type::kI64, value); }
  /// reg += n, with flags.
  void count(unsigned reg, uint64_t n) { b_.set_reg(reg, b_.add(get(reg), number(n), kAllFlags)); }
  /// A block that counts in `reg` and goes to `target`.
  TranslatedBlock* counting(uint64_t ip, unsigned reg, uint64_t target) {
    b_.insn_start(ip);
    count(reg, 1);
    b_.exit_direct(target, 0);
    return compile(ip);
  }

  std::map<uint32_t, CodePage> pages_;
  std::unique_ptr<Guest> guest_ = std::make_unique<Guest>();
  Frame& frame_ = guest_->frame;
  std::unique_ptr<Backend> backend_;
  Block block_;
  Builder b_{&block_};
  TranslatedBlock* last_ = nullptr;
  unsigned slot_ = 9;
};

}  // namespace vireo::tcg
