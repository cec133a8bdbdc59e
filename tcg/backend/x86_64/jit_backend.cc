// The code cache: a bump allocator with direct links between blocks.

#include "tcg/backend/x86_64/jit_backend.h"

#include <sys/mman.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <utility>

#include "tcg/backend/x86_64/codegen.h"
#include "tcg/backend/x86_64/layout.h"
#include "tcg/backend/x86_64/segment_base.h"
#include "tcg/backend/x86_64/signals.h"
#include "tcg/runtime/leave.h"
#include "util/bits.h"
#include "util/host/memory.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr size_t kBlockAlignment = 16;
constexpr size_t kCallBytes = 5;

// The thread sanitizer notes which functions are running; of the ways to leave them all at once, it
// knows longjmp().
#ifdef __SANITIZE_THREAD__
constexpr bool kLeaveByLongjmp = true;
#else
constexpr bool kLeaveByLongjmp = false;
#endif

/// What Frame::host_stack points to while a vCPU is in run().
struct RunState : LeaveTarget {
  std::jmp_buf environment;
  void* saved_stack = nullptr;
  const Thunks* thunks = nullptr;
};

using Enter = void (*)(Frame*, const void* code, void** saved_stack);
using Leave = void (*)(void* saved_stack, Frame*);

void enter(RunState& state, Frame* frame, const uint8_t* code) {
  reinterpret_cast<Enter>(const_cast<uint8_t*>(state.thunks->enter))(frame, code,
                                                                     &state.saved_stack);
}

void enter_until_longjmp(RunState& state, Frame* frame, const uint8_t* code) {
  if (setjmp(state.environment) == 0) enter(state, frame, code);
}

void resume(LeaveTarget* self, Frame* frame) {
  auto* state = static_cast<RunState*>(self);
  if constexpr (kLeaveByLongjmp) std::longjmp(state->environment, 1);
  reinterpret_cast<Leave>(const_cast<uint8_t*>(state->thunks->leave))(state->saved_stack, frame);
}

BlockData& data_of(TranslatedBlock& block) { return static_cast<BlockData&>(block); }
const BlockData& data_of(const TranslatedBlock& block) {
  return static_cast<const BlockData&>(block);
}

/// Whether what BlockData counts and offsets in a block have enough bits.
bool fits(const BlockTables& tables, size_t host_bytes) {
  constexpr size_t kMostRows = 0xff;
  return host_bytes <= kMostHostBytes && tables.exits.size() <= kMostRows &&
         tables.fixups.size() <= kMostRows;
}

}  // namespace

util::Result<std::unique_ptr<Backend>> JitBackend::create(const BackendConfig& config,
                                                          const HostCpu& cpu) {
  auto mapping = util::JitMapping::create(config.code_cache_bytes);
  if (!mapping) return std::move(mapping).error();
  return std::unique_ptr<Backend>(new JitBackend(config, cpu, std::move(*mapping)));
}

JitBackend::JitBackend(const BackendConfig& config, const HostCpu& cpu, util::JitMapping mapping)
    : config_(config),
      cpu_(cpu),
      cache_(std::move(mapping)),
      encoder_(cache_.writable(0), cache_.writable(cache_.room_end()),
               cache_.executable_minus_writable()) {
  thunks_ = make_thunks(encoder_, this, config_.x87_offset, vector_bytes());
  cache_.take_for_good(encoder_.size(), kBlockAlignment);
  watch_faults(this);
}

JitBackend::~JitBackend() { unwatch_faults(this); }

Encoder& JitBackend::begin_code() {
  encoder_.restart(cache_.writable(cache_.next()), cache_.writable(cache_.room_end()));
  return encoder_;
}

util::Result<TranslatedBlock*> JitBackend::compile(const Block& block, const CodePage& page,
                                                   const CodePage* second) {
  auto compiled = compile_here(block, page, second);
  const bool full = !compiled && compiled.error().code() == util::ErrorCode::kNoMemory;
  return full && cache_.advance() ? compile_here(block, page, second) : compiled;
}

// Where the cache goes on.
util::Result<TranslatedBlock*> JitBackend::compile_here(const Block& block, const CodePage& page,
                                                        const CodePage* second) {
  const auto no_room = [] {
    return util::Error(util::ErrorCode::kNoMemory, "the cache of translated code is full");
  };
  if (!cache_.has_room()) return no_room();
  BlockData data;
  data.page = &page;
  data.offset = static_cast<uint16_t>(block.guest_ip - page.key.ip);
  data.guest_size = static_cast<uint16_t>(block.guest_size);
  data.guest_insns = static_cast<uint16_t>(block.guest_insns);
  data.code = cache_.next();
  Encoder& encoder = begin_code();
  tables_.clear();
  find_groups(block);
  liveness_.analyse(block, groups_, !loop_.groups().empty());
  CodeGenerator generator(
      {cpu_, &thunks_, config_.link_blocks, config_.x87_offset, vector_bytes() == 32}, encoder,
      block, data, second, tables_, {groups_, loop_, liveness_}, scratch_);
  const char* what = generator.generate();
  if (encoder.full()) return no_room();
  if (what == nullptr && !fits(tables_, encoder.size())) what = "the block is too long";
  if (what != nullptr) {
    return util::Error(util::ErrorCode::kUnsupported,
                       std::string("the code generator cannot do this: ") + what);
  }
  data.host_size = static_cast<uint32_t>(encoder.size());
  cache_.take(encoder.size(), kBlockAlignment);
  ++statistics_.blocks;
  statistics_.guest_bytes += block.guest_size;
  statistics_.guest_insns += block.guest_insns;
  statistics_.host_bytes += encoder.size();
  statistics_.ir_insts += block.insts.size();
  return cache_.add(data, tables_);
}

void JitBackend::find_groups(const Block& block) {
  loop_.clear();
  if (block.separate_checks) return groups_.clear(block);
  groups_.find(block, may_share_check);
  if (config_.link_blocks && SelfLoop::is_candidate(block)) loop_.find(block, groups_);
  groups_.drop_single_ones([this](uint16_t group) { return loop_.find_group(group) != nullptr; });
}

// Most blocks are reached from their own page only.
const void* JitBackend::checked_entry(TranslatedBlock* block) {
  BlockData& data = data_of(*block);
  if (data.checked_entry != 0) return code(data.checked_entry);
  if (!data.valid) return nullptr;
  const void* entry = checked_entry_here(data);
  if (entry == nullptr && cache_.advance()) entry = checked_entry_here(data);
  needs_room_ = entry == nullptr;
  return entry;
}

const void* JitBackend::checked_entry_here(BlockData& data) {
  if (!cache_.has_room()) return nullptr;
  Encoder& encoder = begin_code();
  emit_checked_entry(encoder, thunks_, data, code(data.code + data.memory_entry));
  if (encoder.full()) return nullptr;
  data.checked_entry = cache_.next();
  statistics_.host_bytes += encoder.size();
  cache_.take(encoder.size(), 1);
  cache_.note_entry(&data);
  return code(data.checked_entry);
}

uint64_t JitBackend::guest_ip_at(const BlockData& data, const void* address,
                                 FlagsPlace* flags) const {
  const auto offset = static_cast<uint32_t>(static_cast<const uint8_t*>(address) - code(data.code));
  const auto rows = data.rows();
  const auto after =
      std::upper_bound(rows.begin(), rows.end(), offset,
                       [](uint32_t o, const CodeRow& row) { return o < row.host_offset; });
  if (after == rows.begin()) return data.guest_ip();
  const CodeRow& row = *std::prev(after);
  if (flags) *flags = static_cast<FlagsPlace>(row.flags);
  return data.guest_ip() + row.guest_offset;
}

void JitBackend::set_guest_ip(Frame* frame) const {
  const auto* within = static_cast<const uint8_t*>(frame->host_return) - 1;
  const BlockData* data = find(within);
  if (data == nullptr) return;
  frame->guest_ip = guest_ip_of(*data->page, *frame, guest_ip_at(*data, within));
}

void JitBackend::run(Frame* frame, TranslatedBlock* block, TranslatedBlock** last, unsigned* slot) {
  *last = nullptr;
  RunState state;
  state.resume = resume;
  state.thunks = &thunks_;
  __atomic_store_n(&frame->host_stack, static_cast<void*>(&state), __ATOMIC_SEQ_CST);
  frame->host_return = nullptr;  // maybe of code that is gone
  frame->left_from = 0;
  for (ReturnStack& stack : frame->return_stacks) {
    if (stack.bottom != nullptr) *stack.bottom = reinterpret_cast<uint64_t>(thunks_.return_empty);
  }
  if (frame->is_kicked()) {
    frame->exit_reason = static_cast<uint16_t>(ExitReason::kPoll);
  } else {
    if (block->page->relocatable) frame->code_base = page_of(frame->guest_ip);
    const FaultScope scope(*this, frame);
    select_user_tlb(*frame);
    const uint8_t* entry = code(data_of(*block).code + data_of(*block).memory_entry);
    if constexpr (kLeaveByLongjmp) {
      enter_until_longjmp(state, frame, entry);
    } else {
      enter(state, frame, entry);
    }
    resolve_exit(frame, last, slot);
  }
  __atomic_store_n(&frame->host_stack, nullptr, __ATOMIC_SEQ_CST);
}

// A call of a lookup thunk says by its place which exit was taken.
ExitSite* JitBackend::exit_at(const void* host_return) const {
  const auto* call = static_cast<const uint8_t*>(host_return) - kCallBytes;
  BlockData* data = find(call);
  if (data == nullptr) return nullptr;
  const auto offset = static_cast<uint32_t>(call - code(data->code));
  const auto found = std::ranges::find(data->exits(), offset, &ExitSite::stub_offset);
  return found != data->exits().end() ? &*found : nullptr;
}

void JitBackend::resolve_exit(Frame* frame, TranslatedBlock** last, unsigned* slot) const {
  const bool by_place = frame->exit_reason == static_cast<uint16_t>(ExitReason::kLookup) &&
                        frame->host_return != nullptr;
  if (!by_place) return;
  cache_.note_use(frame->host_return);
  ExitSite* site = exit_at(frame->host_return);
  if (site == nullptr) return;
  BlockData& data = BlockData::owner_of(*site);
  frame->guest_ip = guest_ip_of(*data.page, *frame, data.target_of(*site));
  *last = &data;
  *slot = site->slot;
}

// Indirect exits miss by calls as well, which say where they were.
const TranslatedBlock* JitBackend::left_block(const Frame& frame) const {
  if (frame.host_return == nullptr) {
    return frame.left_from != 0 ? find(code(static_cast<uint32_t>(frame.left_from) - 1)) : nullptr;
  }
  ExitSite* site = exit_at(frame.host_return);
  return site != nullptr && site->slot != kReturnSlot ? &BlockData::owner_of(*site) : nullptr;
}

// The field lies in an aligned quadword, so that vCPUs that run this code see the old or the new
// value. Callers hold the translation lock.
void JitBackend::change_code(uint32_t field, int32_t value) {
  constexpr uint32_t kQuadword = 8;
  const uint32_t shift = field % kQuadword * 8;
  auto* place = reinterpret_cast<uint64_t*>(writable(field - field % kQuadword));
  const uint64_t others = *place & ~(uint64_t{0xffffffff} << shift);
  __atomic_store_n(place, others | uint64_t{static_cast<uint32_t>(value)} << shift,
                   __ATOMIC_RELEASE);
}

void JitBackend::patch(const ExitSite& site, const BlockData& owner, uint32_t target) {
  const uint32_t field = owner.code + site.displacement_offset;
  const auto distance = static_cast<int32_t>(target - (field + sizeof(int32_t)));
  change_code(field, distance);
}

void JitBackend::link(TranslatedBlock* from, unsigned slot, TranslatedBlock* to) {
  if (!config_.link_blocks) return;
  BlockData& source = data_of(*from);
  BlockData& target = data_of(*to);
  for (ExitSite& site : source.exits()) {
    const uint64_t distance = source.target_of(site) - to->guest_ip();
    const bool leads_there = from->page->relocatable ? distance % kPageSize == 0 : distance == 0;
    if (site.slot != slot || !leads_there || site.linked_to != nullptr) continue;
    const bool checked = site.checked || to->page != from->page;
    if (checked && (!site.checked || !(site.flags & kFlagsInMemory))) continue;
    // With flags in both places the entry that does not convert.
    if (checked && checked_entry(to) == nullptr) continue;
    const uint32_t entry = site.flags == kFlagsInHost ? target.host_entry
                           : site.flags == kFlagsInMemory
                               ? target.memory_entry
                               : std::max(target.host_entry, target.memory_entry);
    patch(site, source, checked ? target.checked_entry : target.code + entry);
    site.linked_to = &target;
    site.next_incoming = std::exchange(target.incoming, &site);
  }
}

void JitBackend::unlink(ExitSite& site) {
  const BlockData& owner = BlockData::owner_of(site);
  patch(site, owner, owner.code + site.stub_offset);
  site.linked_to = nullptr;
}

// Takes the exit off the list of the block that it is linked to.
void JitBackend::forget_link(ExitSite& site) {
  ExitSite** place = &site.linked_to->incoming;
  while (*place != &site) place = &(*place)->next_incoming;
  *place = site.next_incoming;
}

// No page has slot 0: the checked entry always misses.
void JitBackend::close_entry(const BlockData& data) {
  if (data.checked_entry == 0) return;
  const uint32_t slot = data.checked_entry + data.checked_slot;
  change_code(slot, code_page_displacement(0, data.page->relocatable));
}

void JitBackend::invalidate(TranslatedBlock* block) {
  BlockData& data = data_of(*block);
  __atomic_store_n(&block->valid, false, __ATOMIC_RELAXED);
  close_entry(data);
  for (ExitSite& site : data.exits()) {
    if (site.slot == kLoopSlot && site.displacement_offset != 0) unlink(site);
    if (site.linked_to == nullptr) continue;
    forget_link(site);
    unlink(site);
  }
  for (ExitSite* site = data.incoming; site != nullptr; site = site->next_incoming) unlink(*site);
  data.incoming = nullptr;
}

std::span<const std::byte> JitBackend::evict(const Forget& forget) {
  const CodeCache::Victim victim = cache_.choose_victim();
  if (victim.end == 0) return {};
  std::vector<TranslatedBlock*> valid;
  for (BlockData* block : victim.blocks) {
    if (block->valid) valid.push_back(block);
  }
  std::ranges::sort(valid);
  forget(valid);
  unlink_victim(victim);
  cache_.evict(victim);
  needs_room_ = false;
  return cache_.bytes().subspan(victim.begin, victim.end - victim.begin);
}

// What is linked within the victim goes with it.
void JitBackend::unlink_victim(const CodeCache::Victim& victim) {
  const auto goes = [&victim](ExitSite& site) {
    return victim.holds(BlockData::owner_of(site).code);
  };
  const auto unlink_all = [&](BlockData& target) {
    for (ExitSite* site = target.incoming; site != nullptr; site = site->next_incoming) {
      if (!goes(*site)) unlink(*site);
    }
  };
  std::vector<BlockData*> left;  // what the victim's exits are linked to
  for (BlockData* block : victim.blocks) {
    close_entry(*block);
    unlink_all(*block);
    for (const ExitSite& site : block->exits()) {
      if (site.linked_to != nullptr && !victim.holds(site.linked_to->code)) {
        left.push_back(site.linked_to);
      }
    }
  }
  std::ranges::sort(left);
  left.erase(std::ranges::unique(left).begin(), left.end());
  for (BlockData* target : left) {
    for (ExitSite** place = &target->incoming; *place != nullptr;) {
      if (goes(**place)) {
        *place = (*place)->next_incoming;
      } else {
        place = &(*place)->next_incoming;
      }
    }
  }
  for (BlockData* block : victim.entries) {
    if (victim.holds(block->code)) continue;
    unlink_all(*block);
    block->incoming = nullptr;
    block->checked_entry = 0;
  }
}

void JitBackend::flush() {
  cache_.clear();
  needs_room_ = false;
}

std::span<const std::byte> JitBackend::host_code(const TranslatedBlock& block) const {
  return {reinterpret_cast<const std::byte*>(code(data_of(block).code)), block.host_size};
}

std::vector<CodeMark> JitBackend::code_marks(const TranslatedBlock& block) const {
  std::vector<CodeMark> marks;
  for (const CodeRow& row : data_of(block).rows()) {
    const uint64_t guest_ip = block.guest_ip() + row.guest_offset;
    if (marks.empty() || marks.back().guest_ip != guest_ip) {
      marks.push_back({row.host_offset, guest_ip});
    }
  }
  mark_descriptors(block, marks);
  return marks;
}

// Behind calls of slow paths lies what the access is.
void JitBackend::mark_descriptors(const TranslatedBlock& block,
                                  std::vector<CodeMark>& marks) const {
  constexpr uint8_t kCall = 0xe8;
  const BlockData& data = data_of(block);
  const uint8_t* start = code(data.code);
  for (uint32_t at = 0; at + kCallBytes + sizeof(uint32_t) <= block.host_size; ++at) {
    if (start[at] != kCall) continue;
    int32_t distance;
    std::memcpy(&distance, start + at + 1, sizeof distance);
    const uint8_t* behind = start + at + kCallBytes;
    const uint8_t* target = behind + distance;
    if (!thunks_.takes_descriptor(target)) continue;
    const auto offset = static_cast<uint32_t>(at + kCallBytes);
    marks.push_back({offset, guest_ip_at(data, behind), sizeof(uint32_t)});
  }
  std::ranges::stable_sort(marks, {}, &CodeMark::host_offset);
}

}  // namespace vireo::tcg::x86_64

namespace vireo::tcg {

util::Result<std::unique_ptr<Backend>> make_jit_backend(const BackendConfig& config) {
  return x86_64::JitBackend::create(config, x86_64::HostCpu::detect());
}

}  // namespace vireo::tcg
