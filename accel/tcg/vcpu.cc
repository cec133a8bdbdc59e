// The execution loop of a translated vCPU: finds or makes the translation of the current position,
// runs until something leaves it, and serves interrupts and requests in between.

#include "accel/tcg/vcpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "accel/tcg/accelerator.h"
#include "accel/tcg/profile.h"
#include "core/memory/address_space.h"
#include "util/activity.h"
#include "util/host/signals.h"
#include "util/log.h"

namespace vireo::accel {

namespace {

/// Tells a profile, if there is one, how long a scope took.
class StopWatch {
 public:
  using Clock = std::chrono::steady_clock;
  using Report = void (Profile::*)(int64_t nanoseconds);
  StopWatch(Profile* profile, Report report) : profile_(profile), report_(report) {
    if (profile_ != nullptr) begin_ = Clock::now();
  }
  ~StopWatch() {
    if (profile_ == nullptr) return;
    (profile_->*report_)(std::chrono::nanoseconds(Clock::now() - begin_).count());
  }
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

 private:
  Profile* profile_;
  Report report_;
  Clock::time_point begin_;
};

bool is_in(std::span<const std::byte> code, const void* place) {
  const auto* byte = static_cast<const std::byte*>(place);
  return byte >= code.data() && byte < code.data() + code.size();
}

void count_one(std::atomic<uint64_t>& counter) {  // with one writer
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

TcgVcpu::TcgVcpu(TcgAccelerator& accelerator, GuestCpu& cpu, unsigned index,
                 std::unique_ptr<tcg::ReturnStacks> return_stacks)
    : accelerator_(accelerator),
      cpu_(cpu),
      frame_(cpu.frame()),
      index_(index),
      return_stacks_(std::move(return_stacks)) {
  for (auto& cache : jump_caches_) cache.reset(new tcg::JumpTarget[tcg::kJumpCacheEntries]());
  forget_jump_targets();
  frame_.accelerator = this;
  if (accelerator.profiling()) {
    profile_ =
        std::make_unique<Profile>(accelerator.backend(), accelerator.guest_code(), frame_, user_);
  }
  select_jumps();
  enter_space(spaces_[0]);
  for (core::AddressSpace* memory : accelerator.memories()) memory_changed(*memory);
  memory_ = &memories_.front();
}

TcgVcpu::~TcgVcpu() { stop(); }

util::Status TcgVcpu::start() {
  try {
    thread_ = std::thread([this] { thread_main(); });
  } catch (const std::system_error& error) {
    return util::Error(util::ErrorCode::kNoMemory,
                       fmt::format("cannot start the thread of vCPU {}: {}", index_, error.what()));
  }
  return {};
}

void TcgVcpu::post_request(uint32_t request) {
  requests_.fetch_or(request);
  wake();
}

void TcgVcpu::stop() {
  if (!thread_.joinable()) return;
  post_request(kRequestStop);
  thread_.join();
}

void TcgVcpu::request_pause() { post_request(kRequestPause); }

void TcgVcpu::wait_paused() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return paused_ || !thread_.joinable(); });
}

void TcgVcpu::resume() {
  const std::lock_guard lock(mutex_);
  requests_.fetch_and(~uint32_t{kRequestPause});
  paused_ = false;
  changed_.notify_all();
}

void TcgVcpu::request_reset() { post_request(kRequestReset); }

void TcgVcpu::wake() {
  frame_.kick();
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();  // sleeping, or paused and asked to stop
}

void TcgVcpu::thread_main() {
  util::leave_signals_to_others();
  if (profile_ != nullptr) {
    const util::Status begun = profile_->begin();
    if (!begun) util::warn("profile: " + begun.error().message());
  }
  while (serve_requests()) {
    if (cpu_.prepare()) {
      run();
    } else {
      sleep_until_woken();
    }
  }
  if (profile_ != nullptr) profile_->end();
}

bool TcgVcpu::serve_requests() {
  frame_.unkick();
  uint32_t requests = requests_.load();
  if (requests == 0) return true;
  if ((requests & kRequestPause) != 0) {
    const StopWatch watch(profile_.get(), &Profile::paused);
    std::unique_lock lock(mutex_);
    paused_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] {
      return (requests_.load() & (kRequestPause | kRequestStop)) != kRequestPause;
    });
    paused_ = false;
  }
  requests = requests_.fetch_and(kRequestPause | kRequestStop);
  if ((requests & kRequestReset) != 0) {
    cpu_.reset();
    flush_all();
  }
  if ((requests & kRequestProfileRestart) != 0) accelerator_.restart_profile_of(*this);
  return (requests & kRequestStop) == 0;
}

void TcgVcpu::sleep_until_woken() {
  const StopWatch watch(profile_.get(), &Profile::slept);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return woken_ || requests_.load() != 0; });
  woken_ = false;
}

void TcgVcpu::run() {
  tcg::TranslatedBlock* from = nullptr;
  unsigned slot = 0;
  frame_.exit_reason = static_cast<uint16_t>(tcg::ExitReason::kException);
  do {
    util::current_activity = util::Activity::kLookup;
    tcg::TranslatedBlock* block = next_block(from, slot);
    util::current_activity = util::Activity::kLoop;
    if (block == nullptr) return;
    from = nullptr;
    if (util::log_enabled(util::kLogExec | util::kLogCpu)) log_entry(*block);
    util::current_activity = util::Activity::kGuest;
    accelerator_.backend().run(&frame_, block, &from, &slot);
    util::current_activity = util::Activity::kLoop;
    count_one(exits_[frame_.exit_reason]);
  } while (frame_.exit_reason == static_cast<uint16_t>(tcg::ExitReason::kLookup) &&
           !frame_.is_kicked());
  if (frame_.exit_reason == static_cast<uint16_t>(tcg::ExitReason::kCodeModified)) {
    single_instruction_ = true;
  }
  refuse_branch();  // before an interrupt comes between
}

BlockKind TcgVcpu::next_kind(const tcg::TranslatedBlock* from, unsigned slot) {
  if (single_instruction_) return BlockKind::kSingleInstruction;
  const bool check_failed = from != nullptr && slot == tcg::kSeparateChecksSlot;
  if (check_failed) count_one(failed_checks_);
  return check_failed ? BlockKind::kSeparateChecks : BlockKind::kUsual;
}

tcg::TranslatedBlock* TcgVcpu::next_block(tcg::TranslatedBlock* from, unsigned slot) {
  const CodePosition position = cpu_.position();
  if (position.mode != mode_) change_mode(position);
  const BlockKind kind = next_kind(from, slot);
  single_instruction_ = false;
  PageWalk fault;
  const std::byte* host = fetch(position.linear, fault);
  if (host == nullptr) {
    if (!refuse_branch()) cpu_.record_fetch_fault(position.linear, fault);
    return nullptr;
  }
  tcg::TranslatedBlock* block =
      accelerator_.block_for(*this, position, host, kind, exec_entry(position.linear).code);
  if (block == nullptr) return nullptr;
  note_mapping(*block->page, position.ip, position.linear);
  if (block->spans_pages()) {
    note_mapping(accelerator_.second_page(*block), position.ip + tcg::kPageSize,
                 position.linear + tcg::kPageSize);
  }
  if (kind == BlockKind::kSingleInstruction) return block;
  if (from != nullptr) {
    accelerator_.link(from, slot, block);
  } else if (const void* code = accelerator_.checked_entry(block)) {
    const unsigned place = tcg::jump_cache_index(position.ip);
    frame_.jump_cache[place] = {position.ip, code};
    if (block->page->relocatable) space_->tables->user.jump_targets[place] = code;
  }
  return block;
}

// Blocks branch without a look at where to, so that some of what is wrong with that shows here.
bool TcgVcpu::refuse_branch() {
  const auto reason = static_cast<tcg::ExitReason>(frame_.exit_reason);
  if (reason != tcg::ExitReason::kLookup && reason != tcg::ExitReason::kPoll) return false;
  const tcg::TranslatedBlock* left = accelerator_.backend().left_block(frame_);
  return left != nullptr && cpu_.refuse_branch(guest_ip_of(*left->page, frame_, left->guest_ip()),
                                               left->guest_insns, *this);
}

void TcgVcpu::select_jumps() {
  frame_.jump_cache = jump_caches_[user_ ? 1 : 0].get();
  return_stacks_->select(user_ ? 1 : 0);
}

void TcgVcpu::mode_changed() {
  const CodePosition position = cpu_.position();
  if (position.mode != mode_) change_mode(position);
}

// Translations reach others only within a mode. Privileges have jump caches and return stacks of
// their own, since system calls change them often; any other change makes the checked entries miss.
void TcgVcpu::change_mode(const CodePosition& position) {
  if (position.user != user_) {
    user_ = position.user;
    select_jumps();
  }
  mode_ = position.mode;
  space_->code.select_mode(user_, mode_);
}

void TcgVcpu::note_mapping(const tcg::CodePage& page, uint64_t ip, uint64_t linear) {
  const ExecEntry& entry = exec_entry(linear);
  space_->code.fill(page.number, tcg::code_page_mapping(page, ip), linear, entry.global,
                    entry.page_bits);
}

TcgVcpu::ExecEntry& TcgVcpu::exec_entry(uint64_t linear) {
  return exec_cache_[(linear >> tcg::kPageBits) % kExecEntries];
}

const std::byte* TcgVcpu::fetch(uint64_t linear, PageWalk& fault) {
  const uint64_t page = tcg::page_of(linear);
  ExecEntry& entry = exec_entry(linear);
  if (entry.page != page || entry.user != user_) {
    const uint8_t flags = user_ ? tcg::kMemoryUser : 0;
    if (util::log_enabled(util::kLogMmu)) log_fill(linear, 1, tcg::Access::kExecute, flags);
    if (!cpu_.walk(linear, tcg::Access::kExecute, flags, fault)) return nullptr;
    entry = {page,   host_page_for_code(fault.physical), fault.global, user_, fault.page_bits,
             nullptr};
    if (fault.page_bits != tcg::kPageBits) large_fetches_.add(page, fault.page_bits);
  }
  return entry.host + (linear - page);
}

const std::byte* TcgVcpu::host_page_for_code(uint64_t physical) {
  static const std::vector<std::byte> ones(tcg::kPageSize, std::byte{0xff});
  const std::lock_guard lock(tlb_lock_);
  const RamStretch* stretch = memory_->map.find(physical);
  if (stretch != nullptr) return stretch->read + (physical - stretch->first);
  util::log(util::kLogGuestErrors, "code fetch from {:#x}, where there is no memory\n", physical);
  return ones.data();
}

std::span<const std::byte> TcgVcpu::bytes_at(uint64_t linear) {
  PageWalk fault;
  const std::byte* host = fetch(linear, fault);
  if (host == nullptr) return {};
  return {host, tcg::kPageSize - tcg::offset_in_page(linear)};
}

void TcgVcpu::forget_fetches(bool keep_global) {
  for (ExecEntry& entry : exec_cache_) {
    if (!keep_global || !entry.global) entry.page = kNoPage;
  }
  if (!keep_global) large_fetches_.clear();
}

void TcgVcpu::forget_fetches_of(uint64_t address) {
  ExecEntry& usual = exec_entry(address);
  if (usual.page == tcg::page_of(address)) usual.page = kNoPage;
  if (!large_fetches_.may_have(address)) return;
  for (ExecEntry& entry : exec_cache_) {
    if (is_in_page(entry.page, address, entry.page_bits)) entry.page = kNoPage;
  }
}

void TcgVcpu::AddressSpace::flush() {
  for (SoftTlb& each : tlb) each.flush();
  code.flush();
}

void TcgVcpu::AddressSpace::flush_non_global() {
  for (SoftTlb& each : tlb) each.flush_non_global();
  code.flush_non_global();
}

void TcgVcpu::AddressSpace::flush_page(uint64_t address) {
  for (SoftTlb& each : tlb) each.flush_page(address);
  code.flush_page(address);
}

void TcgVcpu::flush_locked() {
  drop_from_tlbs([](AddressSpace& space) { space.flush(); });
  forget_fetches(false);
}

void TcgVcpu::flush_all() {
  util::log(util::kLogMmu, "mmu: flush\n");
  const std::lock_guard lock(tlb_lock_);
  flush_locked();
}

void TcgVcpu::flush_non_global() {
  util::log(util::kLogMmu, "mmu: flush of what is not global\n");
  const std::lock_guard lock(tlb_lock_);
  drop_from_tlbs([](AddressSpace& space) { space.flush_non_global(); });
  forget_fetches(true);
}

void TcgVcpu::flush_page(uint64_t address) {
  util::log(util::kLogMmu, "mmu: flush of {:#x}\n", tcg::page_of(address));
  const std::lock_guard lock(tlb_lock_);
  drop_from_tlbs([address](AddressSpace& space) { space.flush_page(address); });
  forget_fetches_of(address);
}

TcgVcpu::AddressSpace* TcgVcpu::find_space(uint16_t id) {
  for (AddressSpace& space : spaces_) {
    if (space.last_use != 0 && space.id == id) return &space;
  }
  return nullptr;
}

// The current rights (EFLAGS.AC) stay.
void TcgVcpu::enter_space(AddressSpace& space) {
  const unsigned in_use = tcg::kernel_tlb_in_use(frame_);
  space_ = &space;
  space.last_use = ++space_switches_;
  frame_.kernel_tlb[0] = space.tlb[0].tlb();
  frame_.kernel_tlb[1] = space.tlb[2].tlb();
  frame_.tlb[tcg::kContextKernel] = frame_.kernel_tlb[in_use];
  frame_.tlb[tcg::kContextUser] = space.tlb[1].tlb();
  frame_.forget_stack_pages();
  frame_.code_pages = space.code.table();
  space.code.select_mode(user_, mode_);
}

void TcgVcpu::set_address_space(uint16_t id, bool keep) {
  util::log(util::kLogMmu, "mmu: address space {}{}\n", id, keep ? "" : ", flushed");
  const std::lock_guard lock(tlb_lock_);
  AddressSpace* space = find_space(id);
  const bool known = space != nullptr;
  if (!known) {  // takes the place of the one that was left the longest ago
    space = std::min_element(spaces_.begin(), spaces_.end(),
                             [](const auto& a, const auto& b) { return a.last_use < b.last_use; });
    space->id = id;
    // Most likely it begins as a copy of this one.
    if (space != space_)
      std::ranges::copy(space_->tables->user.jump_targets, space->tables->user.jump_targets);
  }
  if (!known || !keep) space->flush_non_global();
  enter_space(*space);
  forget_fetches(true);
}

void TcgVcpu::flush_address_space(uint16_t id) {
  util::log(util::kLogMmu, "mmu: flush of address space {}\n", id);
  const std::lock_guard lock(tlb_lock_);
  AddressSpace* space = find_space(id);
  if (space == nullptr) return;
  space->flush_non_global();
  if (space != space_) return;
  frame_.forget_stack_pages();
  forget_fetches(true);
}

void TcgVcpu::flush_keys(uint16_t keys) {
  util::log(util::kLogMmu, "mmu: flush of keys {:#x}\n", keys);
  const std::lock_guard lock(tlb_lock_);
  drop_from_tlbs([keys](AddressSpace& space) {
    for (SoftTlb& tlb : space.tlb) tlb.flush_keys(keys);
  });
}

void TcgVcpu::memory_changed(core::AddressSpace& memory) {
  const std::lock_guard lock(tlb_lock_);
  auto place = std::ranges::find_if(memories_, [&](Memory& m) { return &m.space == &memory; });
  if (place == memories_.end()) place = memories_.insert(place, {memory, {}});
  place->map.rebuild(memory);
  if (&*place == memory_) flush_locked();
}

void TcgVcpu::forget_memory() {
  const std::lock_guard lock(tlb_lock_);
  flush_locked();
}

void TcgVcpu::set_memory(core::AddressSpace& memory) {
  util::log(util::kLogMmu, "mmu: physical addresses of '{}'\n", memory.name());
  const std::lock_guard lock(tlb_lock_);
  memory_ = &*std::ranges::find_if(memories_, [&](Memory& m) { return &m.space == &memory; });
  flush_locked();
}

void TcgVcpu::withdraw_write(const std::byte* first, const std::byte* last) {
  const std::lock_guard lock(tlb_lock_);
  drop_from_tlbs([&](AddressSpace& space) {
    for (SoftTlb& tlb : space.tlb) tlb.withdraw_write_range(first, last);
  });
}

void TcgVcpu::forget_jump_targets() {
  const void* const no_target = accelerator_.backend().no_target();
  for (AddressSpace& space : spaces_) space.tables->user.forget_targets(no_target);
}

void TcgVcpu::forget_code(std::span<const std::byte> code) {
  const auto forget = [code](tcg::JumpTarget& target) {
    if (is_in(code, target.code)) target = {};
  };
  for (auto& cache : jump_caches_) std::for_each_n(cache.get(), tcg::kJumpCacheEntries, forget);
  const void* const no_target = accelerator_.backend().no_target();
  for (AddressSpace& space : spaces_) {
    for (const void*& target : space.tables->user.jump_targets) {
      if (is_in(code, target)) target = no_target;
    }
  }
  return_stacks_->forget();
}

void TcgVcpu::forget_translations() {
  for (auto& cache : jump_caches_) {
    std::fill_n(cache.get(), tcg::kJumpCacheEntries, tcg::JumpTarget{});
  }
  forget_jump_targets();
  return_stacks_->forget();
  for (ExecEntry& entry : exec_cache_) entry.code = nullptr;
  for_each_space([](AddressSpace& space) { space.code.flush(); });
}

}  // namespace vireo::accel
