// Translations that all vCPUs share, and what makes them stale: writes to code, changes of the
// memory map, a full code cache.

#include "accel/tcg/accelerator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "accel/tcg/trace.h"
#include "accel/tcg/vcpu.h"
#include "tcg/backend/lockstep/lockstep.h"
#include "tcg/ir/printer.h"
#include "util/activity.h"
#include "util/host/huge_text.h"
#include "util/log.h"

namespace vireo::accel {

namespace {

constexpr unsigned kMaxInsns = 64;

const std::byte* page_of(const std::byte* host) {
  return reinterpret_cast<const std::byte*>(tcg::page_of(reinterpret_cast<uint64_t>(host)));
}

/// Visits the offset of each page of the block that translations were made from.
template <class F>
void for_each_code_page(const core::RamBlock& ram, F&& visit) {
  for (uint64_t offset = 0; offset < ram.size(); offset += core::kGuestPageSize) {
    const uint8_t flags = ram.flags_of(offset).load(std::memory_order_relaxed);
    if ((flags & core::kPageCode) != 0) visit(offset);
  }
}

}  // namespace

void TcgAccelerator::watch(core::AddressSpace& memory) {
  memories_.push_back(&memory);
  memory.add_listener(*this);
  observe(memory);
}

util::Result<std::unique_ptr<TcgAccelerator>> TcgAccelerator::create(const TcgConfig& config,
                                                                     core::AddressSpace& memory) {
  std::unique_ptr<TcgAccelerator> accelerator(new TcgAccelerator);
  accelerator->watch(memory);
  auto backend = accelerator->make_backend(config);
  if (!backend) return std::move(backend).error();
  accelerator->backend_ = std::move(*backend);
  accelerator->on_difference_ = config.on_difference;
  accelerator->profiling_ = config.profile;
  if (config.perf_map) {
    auto map = PerfMap::create(PerfMap::default_path());
    if (!map) return std::move(map).error().with_context("-perfmap");
    accelerator->perf_map_ = std::move(*map);
  } else {
    util::move_text_to_huge_pages();  // perf would not know its names
  }
  return accelerator;
}

util::Result<std::unique_ptr<tcg::Backend>> TcgAccelerator::make_backend(const TcgConfig& config) {
  const tcg::BackendConfig backend{
      .hooks = TcgVcpu::hooks(),
      .helpers = config.helpers,
      .x87 = config.x87,
      .x87_offset = config.x87_offset,
      .wide_vectors = config.wide_vectors,
      .code_cache_bytes = config.code_cache_bytes,
      .link_blocks = !util::log_enabled(util::kLogExec | util::kLogCpu | util::kLogNoChain)};
  if (config.backend == TcgBackend::jit) return tcg::make_jit_backend(backend);
  if (config.backend == TcgBackend::interpreter) return tcg::make_interpreter_backend(backend);
  tcg::LockstepConfig lockstep;
  lockstep.state_bytes = config.state_bytes;
  lockstep.asynchronous_byte = config.asynchronous_byte;
  lockstep.report = [this](tcg::Frame* frame, const tcg::TranslatedBlock& block,
                           const std::string& what) {
    report_difference(*static_cast<TcgVcpu*>(frame->accelerator), block, what);
  };
  return tcg::make_lockstep_backend(backend, std::move(lockstep));
}

TcgAccelerator::~TcgAccelerator() {
  for (core::AddressSpace* memory : memories_) memory->remove_listener(*this);
  for (core::RamBlock* block : ram_) block->remove_observer(*this);
}

util::Result<std::unique_ptr<TcgVcpu>> TcgAccelerator::create_vcpu(GuestCpu& cpu, unsigned index) {
  VIREO_TRY_ASSIGN(stacks, tcg::ReturnStacks::create(cpu.frame()));
  auto vcpu = std::make_unique<TcgVcpu>(*this, cpu, index, std::move(stacks));
  vcpus_.push_back(vcpu.get());
  return vcpu;
}

// Follows every block of RAM and ROM that guests can reach now.
void TcgAccelerator::observe(core::AddressSpace& memory) {
  RamMap map;
  map.rebuild(memory);
  const std::lock_guard lock(translation_lock_);
  for (const RamStretch& stretch : map.stretches()) {
    if (std::find(ram_.begin(), ram_.end(), stretch.block) != ram_.end()) continue;
    ram_.push_back(stretch.block);
    stretch.block->add_observer(*this);
  }
}

tcg::TranslatedBlock* TcgAccelerator::block_for(TcgVcpu& vcpu, const CodePosition& at,
                                                const std::byte* host, BlockKind kind,
                                                const tcg::CodePage*& last) {
  const unsigned offset = tcg::offset_in_page(at.linear);
  tcg::CodePageKey key{.host = reinterpret_cast<uint64_t>(page_of(host)), .mode = at.mode};
  if (kind == BlockKind::kSingleInstruction) key.mode |= kSingleInstruction;
  if (!at.relocatable) {
    key.linear = at.linear - offset;
    key.ip = at.ip - offset;
  }
  const std::lock_guard lock(translation_lock_);
  if (blocks_.full() || backend_->needs_room()) {
    make_room();
    return nullptr;
  }
  if (last == nullptr || last->key != key || last->relocatable != at.relocatable) {
    last = &blocks_.page(key, at.relocatable, at.ip_mask);
  }
  const tcg::CodePage& page = *last;
  tcg::TranslatedBlock* block = blocks_.find(page, offset, kind != BlockKind::kUsual);
  if (block != nullptr && block->spans_pages() && !second_page_matches(vcpu, at, *block)) {
    drop(block);
    block = nullptr;
  }
  if (block != nullptr) return block;
  return translate(vcpu, at, page, kind, kind == BlockKind::kSingleInstruction ? 1 : kMaxInsns);
}

const void* TcgAccelerator::checked_entry(tcg::TranslatedBlock* block) {
  const std::lock_guard lock(translation_lock_);
  return backend_->checked_entry(block);
}

const tcg::CodePage& TcgAccelerator::second_page(const tcg::TranslatedBlock& block) const {
  const std::lock_guard lock(translation_lock_);
  return blocks_.second_page(block);
}

// Whether the second page of a block that crosses into one is mapped as it was.
bool TcgAccelerator::second_page_matches(TcgVcpu& vcpu, const CodePosition& at,
                                         const tcg::TranslatedBlock& block) const {
  PageWalk fault;
  const uint64_t next = tcg::page_of(at.linear) + tcg::kPageSize;
  return reinterpret_cast<uint64_t>(vcpu.fetch(next, fault)) == blocks_.second_page(block).key.host;
}

// Into ir_; false if the code cannot be fetched, which is recorded.
bool TcgAccelerator::make_ir(TcgVcpu& vcpu, const CodePosition& at, BlockKind kind,
                             unsigned max_insns) {
  ir_.clear();
  uint64_t fault_linear = 0;
  const util::ActivityScope decoding(util::Activity::kDecode);
  if (!vcpu.cpu().translate(ir_, vcpu.code_reader(), max_insns, fault_linear)) {
    PageWalk fault;
    if (vcpu.fetch(fault_linear, fault) == nullptr) {
      vcpu.cpu().record_fetch_fault(fault_linear, fault);
    }
    return false;
  }
  log_guest_code(vcpu.cpu(), vcpu.code_reader(), at, ir_.guest_size);
  log_ir(util::kLogOp, ir_, at);
  ir_.separate_checks = kind != BlockKind::kUsual;
  {
    const util::ActivityScope passes(util::Activity::kPasses);
    pipeline_.run(ir_);
  }
  log_ir(util::kLogOpOpt, ir_, at);
  return true;
}

tcg::TranslatedBlock* TcgAccelerator::translate(TcgVcpu& vcpu, const CodePosition& at,
                                                const tcg::CodePage& page, BlockKind kind,
                                                unsigned max_insns) {
  if (!make_ir(vcpu, at, kind, max_insns)) return nullptr;
  const util::ActivityScope generating(util::Activity::kCodeGeneration);
  const tcg::CodePage* second = ends_in_next_page(page) ? &page_behind(vcpu, at, page) : nullptr;
  auto compiled = backend_->compile(ir_, page, second);
  if (!compiled) {
    if (compiled.error().code() == util::ErrorCode::kNoMemory) {
      make_room();
      return nullptr;  // nothing recorded: the loop comes back
    }
    // More values than the backend has places for: half of the instructions need fewer.
    if (ir_.guest_insns > 1) return translate(vcpu, at, page, kind, ir_.guest_insns / 2);
    // A mistake of ours: trying again would never end.
    util::warn(fmt::format("block at {:#x}: {}", at.ip, compiled.error().message()));
    std::abort();
  }
  tcg::TranslatedBlock* block = *compiled;
  block->separate_checks = ir_.separate_checks;
  separate_checks_ += block->separate_checks;
  log_host_code(*backend_, *block, at);
  if (profiling_) {
    guest_code_[backend_->host_code(*block).data()] =
        read_guest_code(vcpu.code_reader(), at.linear, block->guest_size);
  }
  if (perf_map_) perf_map_->add(backend_->host_code(*block), at.linear, at.user);
  for (const tcg::CodePage* each : {&page, second}) {
    if (each != nullptr) protect_code_page(reinterpret_cast<const std::byte*>(each->key.host));
  }
  blocks_.insert(block, second);
  return block;
}

// Of ir_, which begins in `page`.
bool TcgAccelerator::ends_in_next_page(const tcg::CodePage& page) const {
  return ir_.guest_ip - page.key.ip + ir_.guest_size > tcg::kPageSize;
}

// What follows `page`, the current one. It could be fetched just now.
const tcg::CodePage& TcgAccelerator::page_behind(TcgVcpu& vcpu, const CodePosition& at,
                                                 const tcg::CodePage& page) {
  PageWalk fault;
  tcg::CodePageKey key = page.key;
  key.host =
      reinterpret_cast<uint64_t>(vcpu.fetch(tcg::page_of(at.linear) + tcg::kPageSize, fault));
  if (!page.relocatable) {
    key.linear += tcg::kPageSize;
    key.ip += tcg::kPageSize;
  }
  return blocks_.page(key, page.relocatable, page.ip_mask);
}

// The CPU is again where the block begins, so that it can be translated once more to show its IR.
void TcgAccelerator::report_difference(TcgVcpu& vcpu, const tcg::TranslatedBlock& block,
                                       const std::string& what) {
  tcg::Block ir;
  uint64_t fault_linear = 0;
  const std::lock_guard lock(translation_lock_);
  if (vcpu.cpu().translate(ir, vcpu.code_reader(), block.guest_insns, fault_linear)) {
    pipeline_.run(ir);
  }
  const CodePosition at = vcpu.cpu().position();
  const auto guest_code = read_guest_code(vcpu.code_reader(), at.linear, block.guest_size);
  util::warn(
      fmt::format("lock-step: the backends differ in the block at {:#x}:\n{}{}OP:\n{}\n{}", at.ip,
                  what, list_guest_code(vcpu.cpu().instruction_set(at.mode), guest_code, at.linear),
                  tcg::to_string(ir), list_host_code(*backend_, block, at)));
  vcpu.cpu().dump(true);
  if (on_difference_) on_difference_();
}

core::RamBlock* TcgAccelerator::block_of(const std::byte* host) const {
  for (core::RamBlock* block : ram_) {
    if (host >= block->data() && host < block->data() + block->size()) return block;
  }
  return nullptr;
}

// From now on writes to the page take the slow path, where they are checked against translations.
void TcgAccelerator::protect_code_page(const std::byte* host) {
  const std::byte* page = page_of(host);
  core::RamBlock* block = block_of(page);
  if (block == nullptr || blocks_.page_has_code(page)) return;
  block->set_code(static_cast<uint64_t>(page - block->data()), true);
  for (TcgVcpu* vcpu : vcpus_) vcpu->withdraw_write(page, page);
}

void TcgAccelerator::link(tcg::TranslatedBlock* from, unsigned slot, tcg::TranslatedBlock* to) {
  const std::lock_guard lock(translation_lock_);
  if (from->valid && to->valid) backend_->link(from, slot, to);
}

void TcgAccelerator::drop(tcg::TranslatedBlock* block) {
  blocks_.remove(reinterpret_cast<const std::byte*>(block->page->key.host + block->offset), 1,
                 [this](tcg::TranslatedBlock* removed) { backend_->invalidate(removed); });
}

bool TcgAccelerator::invalidate_for_store(core::RamBlock& ram, const std::byte* host, size_t length,
                                          const std::byte* current) {
  const std::lock_guard lock(translation_lock_);
  if (blocks_.covers(host, length)) return drop_range(ram, host, length, current);
  const std::byte* page = page_of(host);
  if (blocks_.is_rather_data(page) && page_of(current) != page) {
    drop_range(ram, page, tcg::kPageSize, current);
  }
  return false;
}

// Also lets writes to pages go that hold no code then. Returns what invalidate_for_store does.
bool TcgAccelerator::drop_range(core::RamBlock& ram, const std::byte* first, size_t length,
                                const std::byte* current) {
  bool running = false;
  const auto at = reinterpret_cast<uint64_t>(current);
  blocks_.remove(first, length, [&](tcg::TranslatedBlock* block) {
    const uint64_t distance = at - (block->page->key.host + block->offset);
    running |= block->guest_insns > 1 && distance < block->guest_size;
    backend_->invalidate(block);
  });
  for (const std::byte* page = page_of(first); page < first + length; page += tcg::kPageSize) {
    if (!blocks_.page_has_code(page)) {
      ram.set_code(static_cast<uint64_t>(page - ram.data()), false);
    }
  }
  return running;
}

void TcgAccelerator::code_written(core::RamBlock& ram, uint64_t offset, uint64_t length) {
  const std::lock_guard lock(translation_lock_);
  drop_range(ram, ram.data() + offset, length, nullptr);
}

void TcgAccelerator::block_destroyed(core::RamBlock& ram) {
  for_each_code_page(ram,
                     [&](uint64_t offset) { code_written(ram, offset, core::kGuestPageSize); });
  const std::lock_guard lock(translation_lock_);
  std::erase(ram_, &ram);
}

void TcgAccelerator::write_permission_withdrawn(core::RamBlock& ram, uint64_t offset,
                                                uint64_t length) {
  const std::byte* first = ram.data() + offset;
  for (TcgVcpu* vcpu : vcpus_) vcpu->withdraw_write(first, first + length - 1);
}

void TcgAccelerator::topology_changed(core::AddressSpace& space) {
  if (util::log_enabled(util::kLogPage)) {
    util::write_log("memory map:\n" + space.describe_mappings());
  }
  observe(space);
  for (TcgVcpu* vcpu : vcpus_) vcpu->memory_changed(space);
}

// Before translations go that samples belong to.
void TcgAccelerator::collect_profiles() {
  for (TcgVcpu* vcpu : vcpus_) {
    if (vcpu->profile() != nullptr) vcpu->profile()->flush();
  }
}

// What was of least use lately goes; everything, if that is not enough.
void TcgAccelerator::make_room() {
  if (blocks_.full() || blocks_.is_crowded()) return flush_translations();
  collect_profiles();
  const auto code = backend_->evict([this](std::span<tcg::TranslatedBlock* const> blocks) {
    blocks_.remove(blocks, [this](const std::byte* page) {
      core::RamBlock* ram = block_of(page);
      if (ram != nullptr) ram->set_code(static_cast<uint64_t>(page - ram->data()), false);
    });
  });
  if (code.empty()) return flush_translations();
  ++evictions_;
  guest_code_.erase(guest_code_.lower_bound(code.data()),
                    guest_code_.lower_bound(code.data() + code.size()));
  for (TcgVcpu* vcpu : vcpus_) vcpu->forget_code(code);
}

void TcgAccelerator::flush_translations() {
  ++flushes_;
  collect_profiles();
  for (core::RamBlock* block : ram_) {
    for_each_code_page(*block, [block](uint64_t offset) { block->set_code(offset, false); });
  }
  blocks_.clear();
  guest_code_.clear();
  backend_->flush();
  for (TcgVcpu* vcpu : vcpus_) vcpu->forget_translations();
}

}  // namespace vireo::accel
