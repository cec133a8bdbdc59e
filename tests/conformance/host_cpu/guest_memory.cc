// The guest side's memory: page tables over the arena, and the hooks of translated code.

#include "tests/conformance/host_cpu/guest_memory.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#include "target/i386/helper/memory.h"
#include "target/i386/helper/page_walk.h"
#include "target/i386/helper/raise.h"
#include "tcg/ir/block.h"
#include "tcg/ir/evaluate.h"
#include "tcg/runtime/frame.h"
#include "util/bits.h"

namespace vireo::host_cpu {
namespace {

using tcg::Frame;
using tcg::MemoryOperation;

constexpr unsigned kTables = 32;
constexpr size_t kTablesSize = kTables * tcg::kPageSize;

bool is_code(uint64_t address) { return address - arena().code_address() < Arena::kCodeSize; }
bool is_data(uint64_t address) { return address - arena().data_address() < Arena::kDataSize; }
bool is_read_only(uint64_t address) {
  return address - arena().data_address(Arena::kDataSize) < Arena::kReadOnlySize;
}

// Guest vector registers are live in the host's while it runs. Code is for the full hooks.
__attribute__((target("general-regs-only"))) bool refill(Frame* frame, uint64_t va, unsigned size,
                                                         tcg::Access access, uint8_t flags) {
  const uint64_t data = reinterpret_cast<uint64_t>(frame->runtime);
  const bool writes = access == tcg::Access::kWrite;
  const uint64_t page = tcg::page_of(va);
  if (va - data >= Arena::kDataSize + (writes ? 0 : Arena::kReadOnlySize)) return false;
  if (va - page > tcg::kPageSize - size) return false;
  if ((flags & tcg::kMemoryAligned) != 0 && va % size != 0) return false;
  tcg::Tlb& tlb = *frame->tlb[tcg::kContextUser];
  tlb.entry(va, writes) = tcg::TlbEntry{page, reinterpret_cast<uint8_t*>(page)};
  return true;
}

void check_alignment(Frame* frame, uint64_t va, const MemoryOperation& operation) {
  if ((operation.flags & tcg::kMemoryAligned) == 0 || va % tcg::size_of(operation.type) == 0)
    return;
  i386::raise_gp(i386::cpu_state(frame));
}

/// An impossible address of a stack operand raises #SS.
void check_stack(Frame* frame, uint64_t va, const MemoryOperation& operation) {
  i386::CpuState& cpu = i386::cpu_state(frame);
  if ((operation.flags & tcg::kMemoryStack) != 0 && !i386::is_canonical(cpu, va))
    i386::raise_exception(cpu, i386::kSsFault, 0);
}

/// Code may be written to by an instruction that is alone in its block.
void check_code(Frame* frame, uint64_t va, unsigned size) {
  if (!is_code(va) && !is_code(va + size - 1)) return;
  auto& machine = static_cast<ArenaMachine&>(*i386::cpu_state(frame).machine);
  if (!machine.may_write_code)
    tcg::leave(frame, static_cast<uint16_t>(tcg::ExitReason::kCodeModified));
}

const void* load(Frame* frame, uint64_t va, const MemoryOperation& operation) {
  check_alignment(frame, va, operation);
  check_stack(frame, va, operation);
  i386::read_bytes(i386::cpu_state(frame), va, frame->bounce, tcg::size_of(operation.type),
                   i386::Privilege::kUser);
  return frame->bounce;
}

void store(Frame* frame, uint64_t va, const MemoryOperation& operation, const void* value) {
  const unsigned size = tcg::size_of(operation.type);
  i386::CpuState& cpu = i386::cpu_state(frame);
  check_alignment(frame, va, operation);
  check_stack(frame, va, operation);
  i386::probe_write(cpu, va, size, i386::Privilege::kUser);
  if (operation.op == tcg::Opcode::kProbe) return;
  check_code(frame, va, size);
  i386::write_bytes(cpu, va, value, size, i386::Privilege::kUser);
}

uint64_t update(Frame* frame, uint64_t va, const MemoryOperation& operation, uint64_t operand,
                uint64_t replacement) {
  const unsigned size = tcg::size_of(operation.type);
  i386::CpuState& cpu = i386::cpu_state(frame);
  check_stack(frame, va, operation);
  i386::probe_write(cpu, va, size, i386::Privilege::kUser);
  check_code(frame, va, size);
  uint64_t before = 0;
  i386::read_bytes(cpu, va, &before, size, i386::Privilege::kUser);
  const uint32_t flags = tcg::pack_flags(frame->flag_overflow, frame->flags_low);
  tcg::IntegerEvaluation result;
  if (operation.op == tcg::Opcode::kRmw) {
    result = tcg::evaluate_rmw(operation.rmw, operation.type, before, operand, flags,
                               operation.flags_out);
  } else {
    const uint64_t mask = util::low_mask(tcg::bits_of(operation.type));
    const bool equal = ((before ^ operand) & mask) == 0;
    result = {.value = equal ? replacement & mask : before,
              .flags = tcg::evaluate_compare(operation.type, operand, before, flags,
                                             operation.flags_out)};
  }
  i386::write_bytes(cpu, va, &result.value, size, i386::Privilege::kUser);
  tcg::unpack_flags(result.flags, frame->flag_overflow, frame->flags_low);
  return before;
}

}  // namespace

tcg::Hooks arena_hooks() {
  tcg::Hooks hooks{};
  hooks.refill = refill;
  hooks.load = load;
  hooks.store = store;
  hooks.update = update;
  hooks.divide_error = [](Frame* frame) {
    i386::raise_exception(i386::cpu_state(frame), i386::kDe);
  };
  hooks.simd_exception = [](Frame* frame) {
    i386::raise_exception(i386::cpu_state(frame), i386::kXm);
  };
  return hooks;
}

ArenaMachine::ArenaMachine() {
  void* memory = mmap(nullptr, kTablesSize, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("no memory below 4 GiB for page tables");
    std::abort();
  }
  tables_ = static_cast<uint8_t*>(memory);
  root_ = new_table();
  const Arena& all = arena();
  for (uint64_t at = 0; at < Arena::kDataSize; at += Arena::kPage) map(all.data_address(at), true);
  map(all.data_address(Arena::kDataSize), false);
  map(all.code_address(), true);
}

uint64_t ArenaMachine::new_table() {
  return reinterpret_cast<uint64_t>(tables_ + tables_used_++ * tcg::kPageSize);
}

void ArenaMachine::map(uint64_t linear, bool writable) {
  constexpr uint64_t kPresentUserUsed = 0x65, kWritable = 2, kAddress = ~uint64_t{0xfff};
  uint64_t table = root_;
  for (unsigned shift = 39; shift > 12; shift -= 9) {
    auto& entry = reinterpret_cast<uint64_t*>(table)[linear >> shift & 511];
    if (entry == 0) entry = new_table() | 0x27;
    table = entry & kAddress;
  }
  reinterpret_cast<uint64_t*>(table)[linear >> 12 & 511] =
      (linear & kAddress) | kPresentUserUsed | (writable ? kWritable : 0);
}

std::span<std::byte> ArenaMachine::memory_span(uint64_t address, size_t length, bool for_write) {
  if (!is_data(address) && !is_code(address) && (for_write || !is_read_only(address))) return {};
  return {reinterpret_cast<std::byte*>(address), length};
}

void ArenaMachine::mark_written(uint64_t address, size_t) { code_written |= is_code(address); }

i386::PageTableMemory ArenaMachine::page_table_memory(uint64_t address) {
  if (address - root_ >= kTablesSize) return {};
  auto* entry = reinterpret_cast<std::byte*>(address);
  return {entry, entry, nullptr};
}

}  // namespace vireo::host_cpu
