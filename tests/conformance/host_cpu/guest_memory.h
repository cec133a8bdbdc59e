#pragma once

#include <cstring>

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/state.h"
#include "tcg/runtime/hooks.h"
#include "tests/conformance/host_cpu/processor_state.h"

namespace vireo::host_cpu {

/// A machine of nothing but the arena: guest addresses are host addresses, by page tables that give
/// user mode what the native child has.
class ArenaMachine final : public i386::Machine {
 public:
  ArenaMachine();
  /// For CR3.
  uint64_t page_tables() const { return root_; }
  /// Whether code has been written to since this was cleared.
  bool code_written = false;
  /// Whether the running instruction is alone in its block, and may write to code.
  bool may_write_code = false;

  uint64_t read_physical(uint64_t, unsigned) override { return ~uint64_t{0}; }
  void write_physical(uint64_t, unsigned, uint64_t) override {}
  std::span<std::byte> memory_span(uint64_t address, size_t length, bool for_write) override;
  void mark_written(uint64_t address, size_t length) override;
  i386::PageTableMemory page_table_memory(uint64_t address) override;
  uint32_t read_port(uint16_t, unsigned) override { return 0; }
  void write_port(uint16_t, unsigned, uint32_t) override {}
  void flush_tlb() override {}
  void flush_tlb_non_global() override {}
  void flush_tlb_page(uint64_t) override {}
  void flush_tlb_keys(uint16_t) override {}
  void set_address_space(uint16_t, bool) override {}
  void flush_address_space(uint16_t) override {}
  void set_system_management(bool) override {}
  void mode_changed() override {}
  bool fill_tlb(uint64_t, unsigned, bool, bool) override { return false; }
  i386::LocalApic* apic() override { return nullptr; }
  uint64_t tsc_now() override { return 0; }
  void triple_fault() override {}
  void signal_fpu_error() override {}
  uint64_t random() override { return 0; }

 private:
  uint64_t new_table();
  void map(uint64_t linear, bool writable);

  uint8_t* tables_;
  unsigned tables_used_ = 0;
  uint64_t root_;
};

/// What accel/tcg would do for translated code, with an ArenaMachine in CpuState::machine.
tcg::Hooks arena_hooks();

}  // namespace vireo::host_cpu
