// The translator's side of the comparison with the host: user mode in the arena.

#include "tests/conformance/host_cpu/guest_run.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "target/i386/cpu/mode.h"
#include "target/i386/cpu/xsave_layout.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/x87_unit.h"
#include "target/i386/translate/block.h"
#include "target/i386/translate/helper_id.h"
#include "target/i386/translate/refused_branch.h"
#include "tcg/ir/printer.h"
#include "tcg/ir/verifier.h"
#include "tests/conformance/host_cpu/encoding.h"

namespace vireo::host_cpu {
namespace {

using tcg::ExitReason;

constexpr i386::FeatureSet kFeatures = i386::FeatureSet::all();

/// INT3 ends a sequence; there is no IDT to go through.
uint64_t end_of_sequence(tcg::Frame* frame, uint64_t vector, uint64_t, uint64_t) {
  i386::cpu_state(frame).pending.vector = static_cast<uint8_t>(vector);
  tcg::leave(frame, static_cast<uint16_t>(ExitReason::kException));
}

std::span<const tcg::Helper> helpers() {
  static const auto kTable = [] {
    const auto all = i386::helper_table();
    std::vector<tcg::Helper> table(all.begin(), all.end());
    table[static_cast<size_t>(i386::HelperId::software_interrupt)].function = end_of_sequence;
    return table;
  }();
  return kTable;
}

class ArenaReader final : public accel::CodeReader {
 public:
  std::span<const std::byte> bytes_at(uint64_t linear) override {
    const uint64_t offset = linear - arena().code_address();
    if (offset >= Arena::kCodeSize) return {};
    return {reinterpret_cast<const std::byte*>(linear), Arena::kCodeSize - offset};
  }
};

/// A user's segments, flat but for small data, in 64-bit or 32-bit code, all units enabled as Linux
/// has them.
void set_up(i386::CpuState& cpu, unsigned bits, bool small_data) {
  using namespace i386;
  for (const auto segment : {kEs, kSs, kDs}) cpu.segments[segment] = {0, ~0u, kData, 0xc0f3};
  if (small_data) {
    cpu.segments[kEs] =
        cpu.segments[kDs] = {arena().small_data_base(), kSmallSize - 1, kSmallData, 0x40f3};
  }
  for (const auto segment : {kFs, kGs}) cpu.segments[segment] = {};
  const bool is_64 = bits == 64;
  cpu.segments[kCs] = {0, ~0u, is_64 ? kCode64 : kCode32, uint16_t(is_64 ? 0xa0fb : 0xc0fb)};
  cpu.cr0 = kCr0Pe | kCr0Mp | kCr0Et | kCr0Ne | kCr0Wp | kCr0Am | kCr0Pg;
  cpu.cr4 = kCr4Pae | kCr4Osfxsr | kCr4Osxmmexcpt | kCr4Osxsave | kCr4Fsgsbase | kCr4Umip;
  cpu.efer = kEferSce | kEferLme | kEferLma | kEferNxe;
  cpu.xcr0 = i386::kXsaveX87 | i386::kXsaveYmm;
  cpu.cpl = 3;
}

}  // namespace

GuestRunner::GuestRunner(
    util::Result<std::unique_ptr<tcg::Backend>> (*make)(const tcg::BackendConfig&),
    bool wide_vectors)
    : config_(i386::parse_cpu_option("max").value()),
      tables_(new tcg::UserTables),
      jump_cache_(new tcg::JumpTarget[tcg::kJumpCacheEntries]()) {
  auto backend = make({.hooks = arena_hooks(),
                       .helpers = helpers(),
                       .x87 = &i386::plain_x87,
                       .x87_offset = offsetof(i386::CpuState, x87),
                       .wide_vectors = wide_vectors,
                       .code_cache_bytes = 64 << 20});
  if (backend) backend_ = std::move(*backend);
  if (backend_) tables_->forget_targets(backend_->no_target());
  i386::CpuState& state = cpu();
  state.frame.tlb[0] = state.frame.tlb[1] = &tables_->tlb;
  state.frame.kernel_tlb[0] = state.frame.kernel_tlb[1] = &tables_->tlb;
  state.frame.jump_cache = jump_cache_.get();
  state.frame.code_pages = tables_->code_pages;
  return_stacks_ = tcg::ReturnStacks::create(state.frame).value();
  state.frame.runtime = arena().data;  // For the refill hook.
  state.machine = &machine_;
  state.config = &config_;
  state.cr3 = machine_.page_tables();
}

void GuestRunner::load(const Case& from) {
  i386::CpuState& to = cpu();
  const ProcessorState& state = from.state;
  std::memcpy(to.frame.general, state.general, sizeof state.general);
  i386::set_eflags(to, static_cast<uint32_t>(state.flags));
  to.frame.mxcsr = static_cast<uint32_t>(state.mxcsr);
  to.frame.guest_ip = arena().code_address(Arena::kStart);
  to.interrupt_shadow = 0;
  to.pending = {};
  tcg::from_x87_image(state.x87, to.x87);
  std::memcpy(to.frame.vector, state.vector, sizeof state.vector);
  i386::update_mode(to);
}

void GuestRunner::store(ProcessorState& state) const {
  const i386::CpuState& from = cpu();
  std::memcpy(state.general, from.frame.general, sizeof state.general);
  state.flags = i386::full_eflags(from);
  state.mxcsr = from.frame.mxcsr;
  tcg::to_x87_image(from.x87, state.x87);
  std::memcpy(state.vector, from.frame.vector, sizeof state.vector);
}

void GuestRunner::forget_blocks() {
  for (const auto& [where, block] : blocks_) backend_->invalidate(block);
  blocks_.clear();
  for (unsigned i = 0; i < tcg::kJumpCacheEntries; ++i) jump_cache_[i] = {};
  tables_->forget_targets(backend_->no_target());
}

void GuestRunner::begin(const Batch& batch) {
  forget_blocks();
  if (backend_->code_bytes_used() > backend_->code_bytes_total() / 2) backend_->flush();
  std::memcpy(arena().code, batch.code, sizeof batch.code);
  std::memcpy(arena().data, batch.memory, sizeof batch.memory);
  i386::CpuState& state = cpu();
  set_up(state, batch.bits, batch.small_data);
  return_stacks_->forget();
  state.frame.forget_stack_pages();
  problem_.clear();
}

/// Of the block that was translated last.
const tcg::CodePage& GuestRunner::page_of(uint64_t ip, uint64_t mode) {
  const uint64_t host = tcg::page_of(ip), address = block_.relocatable ? 0 : host;
  const auto number = static_cast<uint32_t>(pages_.size());
  const tcg::CodePage page{{.host = host, .linear = address, .ip = address, .mode = mode},
                           block_.relocatable,
                           number,
                           i386::ip_mask(mode)};
  return pages_.try_emplace({host, mode}, page).first->second;
}

tcg::TranslatedBlock* GuestRunner::translate(unsigned max_insns, bool separate_checks) {
  const uint64_t ip = cpu().frame.guest_ip, mode = cpu().mode;
  ArenaReader reader;
  uint64_t fault = 0;
  const i386::BlockStart start{.mode = mode, .ip = ip, .linear = ip, .max_insns = max_insns};
  if (!i386::translate_block(start, kFeatures, reader, block_, fault)) return nullptr;
  if (auto status = tcg::verify(block_); !status) {
    problem_ = status.error().message();
    return nullptr;
  }
  pipeline_.run(block_);
  block_.separate_checks = separate_checks;
  const tcg::CodePage& page = page_of(ip, mode);
  auto compiled = backend_->compile(block_, page, nullptr);
  if (!compiled) problem_ = compiled.error().message();
  if (!compiled) return nullptr;
  tables_->code_pages[tcg::code_page_slot(page.number)] = tcg::code_page_mapping(page, ip);
  return *compiled;
}

tcg::TranslatedBlock* GuestRunner::find_block(unsigned max_insns, bool separate_checks) {
  const BlockKey key{cpu().frame.guest_ip, cpu().mode, separate_checks};
  tcg::TranslatedBlock*& block = blocks_[key];
  if (!block) block = translate(max_insns, separate_checks);
  if (!block) blocks_.erase(key);
  return block;
}

/// Runs the instruction that writes to code in a block of its own, and forgets what was translated.
bool GuestRunner::run_alone() {
  forget_blocks();
  tcg::TranslatedBlock* block = translate(1, true);
  if (!block) return false;
  machine_.may_write_code = true;
  tcg::TranslatedBlock* last = nullptr;
  unsigned slot = 0;
  backend_->run(&cpu().frame, block, &last, &slot);
  machine_.may_write_code = false;
  backend_->invalidate(block);
  return true;
}

/// Where a CALL stores its return address, if that lies in the data; else null.
uint8_t* GuestRunner::below_stack() const {
  const uint64_t offset = cpu().frame.general[i386::kRsp] - 8 - arena().data_address();
  return offset <= Arena::kDataSize - 8 ? arena().data + offset : nullptr;
}

/// As the execution loop does after each run.
bool GuestRunner::refuse_branch() {
  const tcg::TranslatedBlock* left = backend_->left_block(cpu().frame);
  if (left == nullptr) return false;
  ArenaReader reader;
  const uint64_t ip = guest_ip_of(*left->page, cpu().frame, left->guest_ip());
  return i386::refuse_branch(cpu(), kFeatures, ip, left->guest_insns, reader);
}

bool GuestRunner::run_to_end(const Batch& batch, Ending& ending) {
  i386::CpuState& state = cpu();
  const uint64_t start = arena().code_address(Arena::kStart);
  tcg::TranslatedBlock* last = nullptr;
  unsigned slot = 0;
  uint8_t* const below = below_stack();
  uint64_t was_below = 0;
  if (below != nullptr) std::memcpy(&was_below, below, 8);
  constexpr unsigned kMaxSteps = 20000;
  for (unsigned step = 0; step < kMaxSteps; ++step) {
    const bool check_failed = last && slot == tcg::kSeparateChecksSlot;
    tcg::TranslatedBlock* block = find_block(batch.is_sequence ? 64 : 1, check_failed);
    if (!block && !problem_.empty()) return false;
    if (!block) break;  // Left the code.
    if (last && last->valid) backend_->link(last, slot, block);
    last = nullptr;
    backend_->run(&state.frame, block, &last, &slot);
    auto reason = static_cast<ExitReason>(state.frame.exit_reason);
    if (reason == ExitReason::kCodeModified) {
      if (!run_alone()) return false;
      last = nullptr;
      reason = static_cast<ExitReason>(state.frame.exit_reason);
    }
    if (reason == ExitReason::kLookup && refuse_branch()) {
      reason = ExitReason::kException;
      if (below != nullptr) std::memcpy(below, &was_below, 8);  // It has not been taken back.
    }
    i386::unmask_x87(state);  // As the execution loop does.
    if (reason == ExitReason::kException) {
      const i386::PendingException& found = state.pending;
      const bool is_fault = found.vector == i386::kPf;
      ending = {found.vector, found.error_code, is_fault ? state.cr2 : 0, state.frame.guest_ip};
      if (batch.is_sequence && found.vector == i386::kBp) ending = {.ip = state.frame.guest_ip};
      return true;
    }
    if (reason == ExitReason::kHalt) {
      ending = {.vector = Ending::kLeft, .ip = state.frame.guest_ip};
      return true;
    }
    if (!batch.is_sequence && state.frame.guest_ip != start) break;
    if (reason != ExitReason::kLookup) last = nullptr, i386::update_mode(state);
  }
  ending = {.ip = state.frame.guest_ip};
  return true;
}

bool GuestRunner::run_case(const Batch& batch, const Case& from, CaseResult& to) {
  uint8_t* const patch = arena().data + from.patch_at;
  std::memcpy(patch, from.patch, from.patch_size);
  load(from);
  if (!run_to_end(batch, to.ending)) return false;
  store(to.state);
  std::memcpy(to.window, patch, from.patch_size);
  return true;
}

void GuestRunner::run(const Batch& batch, BatchResult& result) {
  begin(batch);
  result.done = 0;
  for (unsigned i = 0; i < batch.count; ++i) {
    if (!run_case(batch, batch.cases[i], result.results[i])) return;
    result.done = i + 1;
  }
  std::memcpy(result.code, arena().code, sizeof result.code);
  std::memcpy(result.memory, arena().data, sizeof result.memory);
}

std::string GuestRunner::listing() const { return tcg::to_string(block_); }

}  // namespace vireo::host_cpu
