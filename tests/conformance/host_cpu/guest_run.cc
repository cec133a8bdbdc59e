// The translator's side of the comparison with the host: user-mode memory without paging, and the
// few helpers that need no system around them.

#include "tests/conformance/host_cpu/guest_run.h"

#include <cstring>
#include <new>

#include "target/i386/helper/functions.h"
#include "target/i386/translate/block.h"
#include "tcg/ir/printer.h"
#include "tcg/ir/verifier.h"
#include "tests/conformance/host_cpu/encoding.h"

namespace vireo::host_cpu {
namespace {

using tcg::ExitReason;
using tcg::Frame;

uint64_t mode_of(unsigned bits) {
  const uint64_t mode = i386::kModeCode32 | i386::kModeStack32 | i386::kModeProtected |
                        i386::kModeLongActive | i386::kModeFlatData | 3u << i386::kModeCplShift;
  return bits == 64 ? mode | i386::kMode64 : mode;
}

[[noreturn]] void give_up(Frame* frame) {
  tcg::leave(frame, static_cast<uint16_t>(ExitReason::kHalt));
}

// Guest vector registers are live in the host's while it runs.
__attribute__((target("general-regs-only"))) bool refill(Frame* frame, uint64_t va, unsigned,
                                                         tcg::Access, uint8_t memory_flags) {
  const auto data = reinterpret_cast<uint64_t>(arena().data);
  if (va - data >= Arena::kDataSize) return false;
  const uint64_t page = va & ~(tcg::kPageSize - 1);
  const unsigned context =
      memory_flags & tcg::kMemoryUser ? tcg::kContextUser : tcg::kContextKernel;
  auto* host = reinterpret_cast<uint8_t*>(page);
  tcg::Tlb& tlb = *frame->tlb[context];
  tlb.entry(va, false) = tlb.entry(va, true) = {page, host};
  return true;
}

tcg::Hooks hooks() {
  tcg::Hooks hooks{};
  hooks.refill = refill;
  hooks.load = [](Frame* frame, uint64_t, const tcg::MemoryOperation&) -> const void* {
    give_up(frame);
  };
  hooks.store = [](Frame* frame, uint64_t, const tcg::MemoryOperation&, const void*) {
    give_up(frame);
  };
  hooks.update = [](Frame* frame, uint64_t, const tcg::MemoryOperation&, uint64_t,
                    uint64_t) -> uint64_t { give_up(frame); };
  hooks.divide_error = [](Frame* frame) {
    tcg::leave(frame, static_cast<uint16_t>(ExitReason::kException));
  };
  hooks.simd_exception = [](Frame* frame) { give_up(frame); };
  return hooks;
}

uint64_t unavailable(Frame* frame, uint64_t, uint64_t, uint64_t) { give_up(frame); }

std::span<const tcg::Helper> helpers() {
  static const auto kTable = [] {
    std::vector<tcg::Helper> table;
#define HELPER(name) table.push_back({#name, unavailable});
#include "target/i386/helper/helpers.inc"
#undef HELPER
    for (tcg::Helper& helper : table) {
      if (!std::strcmp(helper.name, "crc32")) helper.function = i386::helper_crc32;
      if (!std::strcmp(helper.name, "compare_text")) helper.function = i386::helper_compare_text;
      if (!std::strcmp(helper.name, "daa")) helper.function = i386::helper_daa;
      if (!std::strcmp(helper.name, "das")) helper.function = i386::helper_das;
      if (!std::strcmp(helper.name, "aaa")) helper.function = i386::helper_aaa;
      if (!std::strcmp(helper.name, "aas")) helper.function = i386::helper_aas;
      if (!std::strcmp(helper.name, "aam")) helper.function = i386::helper_aam;
      if (!std::strcmp(helper.name, "aad")) helper.function = i386::helper_aad;
      if (!std::strcmp(helper.name, "mmx_enter")) helper.function = i386::helper_mmx_enter;
      if (!std::strcmp(helper.name, "emms")) helper.function = i386::helper_emms;
      if (!std::strcmp(helper.name, "masked_load")) helper.function = i386::helper_masked_load;
      if (!std::strcmp(helper.name, "masked_store")) helper.function = i386::helper_masked_store;
      if (!std::strcmp(helper.name, "gather")) helper.function = i386::helper_gather;
      if (!std::strcmp(helper.name, "x87")) helper.function = i386::helper_x87;
    }
    return table;
  }();
  return kTable;
}

class ArenaReader final : public accel::CodeReader {
 public:
  std::span<const std::byte> bytes_at(uint64_t linear) override {
    const auto code = reinterpret_cast<uint64_t>(arena().code);
    return {reinterpret_cast<const std::byte*>(linear), code + 4096 - linear};
  }
};

}  // namespace

GuestRunner::GuestRunner(
    util::Result<std::unique_ptr<tcg::Backend>> (*make)(const tcg::BackendConfig&),
    bool wide_vectors)
    : allocation_(sizeof(i386::CpuState)),
      tlb_(new tcg::Tlb),
      jump_cache_(new tcg::JumpTarget[tcg::kJumpCacheEntries]()) {
  auto backend = make({.hooks = hooks(),
                       .helpers = helpers(),
                       .x87 = &i386::plain_x87,
                       .x87_offset = offsetof(i386::CpuState, x87),
                       .wide_vectors = wide_vectors,
                       .code_cache_bytes = 64 << 20});
  if (backend) backend_ = std::move(*backend);
  new (allocation_.memory()) i386::CpuState();
  cpu().frame.tlb[0] = cpu().frame.tlb[1] = tlb_.get();
  // For helpers, which look there before they walk page tables.
  const auto data = reinterpret_cast<uint64_t>(arena().data);
  for (uint64_t page = data; page < data + Arena::kDataSize; page += tcg::kPageSize) {
    for (const bool is_write : {false, true}) {
      tlb_->entry(page, is_write) = {page, reinterpret_cast<uint8_t*>(page)};
    }
  }
  cpu().frame.jump_cache = jump_cache_.get();
  cpu().frame.return_stack = cpu().frame.return_stacks[0];
}

void GuestRunner::load(uint64_t mode, const ProcessorState& state) {
  i386::CpuState& to = cpu();
  std::memcpy(to.frame.general, state.general, sizeof state.general);
  to.frame.flags_low = static_cast<uint8_t>((state.flags & 0xd5) | 2);
  to.frame.flag_overflow = state.flags >> 11 & 1;
  to.eflags = state.flags & (i386::kIf | i386::kDf);
  to.frame.mxcsr = static_cast<uint32_t>(state.mxcsr);
  to.frame.guest_ip = reinterpret_cast<uint64_t>(arena().code);
  to.mode = mode;
  for (const auto segment : {i386::kEs, i386::kSs, i386::kDs})
    to.segments[segment].selector = kData;
  to.segments[i386::kCs].selector = mode & i386::kMode64 ? kCode64 : kCode32;
  to.cpl = 3;
  tcg::from_x87_image(state.x87, to.x87);
  for (unsigned i = 0; i < 16; ++i) std::memcpy(to.frame.vector[i], state.vector[i], 32);
}

void GuestRunner::store(ProcessorState& state) const {
  const i386::CpuState& from = cpu();
  std::memcpy(state.general, from.frame.general, sizeof state.general);
  state.flags = (from.frame.flags_low & 0xd5u) | 2 |
                static_cast<uint32_t>(from.frame.flag_overflow) << 11 | from.eflags;
  state.mxcsr = from.frame.mxcsr;
  tcg::to_x87_image(from.x87, state.x87);
  for (unsigned i = 0; i < 16; ++i) std::memcpy(state.vector[i], from.frame.vector[i], 32);
}

Outcome GuestRunner::run(unsigned bits, ProcessorState& state) {
  const uint64_t mode = mode_of(bits);
  static const i386::FeatureSet kFeatures = all_features();
  problem_.clear();
  const auto ip = reinterpret_cast<uint64_t>(arena().code);
  ArenaReader reader;
  uint64_t fault = 0;
  const i386::BlockStart start{.mode = mode, .ip = ip, .linear = ip, .max_insns = 1};
  if (!i386::translate_block(start, kFeatures, reader, block_, fault)) return Outcome::kOther;
  if (auto status = tcg::verify(block_); !status) {
    problem_ = status.error().message();
    return Outcome::kOther;
  }
  pipeline_.run(block_);
  const uint64_t key_ip = block_.guest_ip;
  const tcg::BlockKey key{.physical = ip, .ip = key_ip, .linear = key_ip, .mode = mode};
  auto compiled = backend_->compile(block_, key, 1);
  if (!compiled) {
    backend_->flush();
    compiled = backend_->compile(block_, key, 1);
    if (!compiled) return Outcome::kOther;
  }
  load(mode, state);
  tcg::TranslatedBlock* last = nullptr;
  unsigned slot = 0;
  backend_->run(&cpu().frame, *compiled, &last, &slot);
  store(state);
  const auto reason = static_cast<ExitReason>(cpu().frame.exit_reason);
  if (reason == ExitReason::kException) return Outcome::kDivideError;
  const bool goes_on =
      reason == ExitReason::kLookup && cpu().frame.guest_ip == ip + block_.guest_size;
  return goes_on ? Outcome::kDone : Outcome::kOther;
}

std::string GuestRunner::listing() const { return tcg::to_string(block_); }

}  // namespace vireo::host_cpu
