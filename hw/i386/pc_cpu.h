#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "accel/guest_cpu.h"
#include "hw/i386/boot_entry.h"
#include "hw/intc/cpu_port.h"
#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/state.h"
#include "target/i386/helper/machine_check.h"
#include "util/result.h"

namespace vireo::core {
class AddressSpace;
class RunControl;
}  // namespace vireo::core
namespace vireo::accel {
class TcgVcpu;
}

namespace vireo::hw {

class LocalApic;
class PcMachine;

/// An x86 vCPU in its socket: joins the CPU model with the accelerator that runs it and with the
/// PC around it.
class PcCpu final : public accel::GuestCpu, public CpuPort, private i386::Machine {
 public:
  PcCpu(const i386::CpuConfig& config, PcMachine& machine, core::RunControl& run_control);
  ~PcCpu() override;

  /// Before the vCPU starts.
  void attach(accel::TcgVcpu& vcpu);
  /// Where software starts after the next reset, if not at the reset vector.
  void set_boot_entry(const std::optional<BootEntry>& entry) { boot_entry_ = entry; }

  const i386::CpuState& state() const { return state_; }
  /// The registers as text; with `vectors` x87 and vector registers too.
  std::string describe(bool vectors) const;
  /// Reports a hardware error between two instructions. Under the machine lock. Errors: no such
  /// bank, a status that is not valid, a model without machine checks.
  util::Status raise_machine_check(const i386::MachineCheck& error);

  // accel::GuestCpu
  tcg::Frame& frame() override { return state_.frame; }
  bool walk(uint64_t linear, tcg::Access access, uint8_t memory_flags,
            accel::PageWalk& result) override;
  void record_fault(uint64_t linear, const accel::PageWalk& fault) override;
  void record_fetch_fault(uint64_t linear, const accel::PageWalk& fault) override;
  bool refuse_branch(uint64_t block_ip, unsigned insns, accel::CodeReader& code) override;
  void record_misaligned() override;
  void record_divide_error() override;
  void record_simd_exception() override;
  accel::CodePosition position() const override;
  util::InstructionSet instruction_set(uint64_t mode) const override;
  bool translate(tcg::Block& block, accel::CodeReader& code, unsigned max_insns,
                 uint64_t& fault_linear) override;
  bool prepare() override;
  void reset() override;
  void dump(bool vectors) const override;

  // CpuPort
  void set_interrupt_request(bool pending) override;
  void raise_nmi() override;
  void raise_smi() override;
  void init() override;
  void start_up(uint8_t vector) override;
  uint64_t tsc_at(int64_t guest_ns) override;
  int64_t time_of_tsc(uint64_t tsc) override;
  void set_a20(bool enabled) override;

 private:
  class Apic;

  // i386::Machine
  uint64_t read_physical(uint64_t address, unsigned width) override;
  void write_physical(uint64_t address, unsigned width, uint64_t value) override;
  std::span<std::byte> memory_span(uint64_t address, size_t length, bool for_write) override;
  void mark_written(uint64_t address, size_t length) override;
  i386::PageTableMemory page_table_memory(uint64_t address) override;
  uint32_t read_port(uint16_t port, unsigned width) override;
  void write_port(uint16_t port, unsigned width, uint32_t value) override;
  void flush_tlb() override;
  void flush_tlb_non_global() override;
  void flush_tlb_page(uint64_t linear) override;
  void set_address_space(uint16_t id, bool keep) override;
  void flush_address_space(uint16_t id) override;
  void flush_tlb_keys(uint16_t keys) override;
  void set_system_management(bool active) override;
  void mode_changed() override;
  bool fill_tlb(uint64_t linear, unsigned size, bool is_write, bool user) override;
  i386::LocalApic* apic() override;
  uint64_t tsc_now() override;
  void triple_fault() override;
  void signal_fpu_error() override;
  uint64_t random() override;

  void take_machine_checks();
  void enter_boot_entry(const BootEntry& entry);
  /// Physical memory as the CPU's mode sees it.
  core::AddressSpace& memory();
  /// The A20 gate does not count in system-management mode (AMD64 APM volume 2, 10.3.3).
  uint64_t address_mask() const { return state_.smm.active ? ~uint64_t{0} : address_mask_; }
  uint64_t tsc_shift() const;
  accel::TcgVcpu& changing_tlb();

  i386::CpuConfig config_;
  PcMachine& machine_;
  core::RunControl& run_control_;
  i386::CpuState state_;
  i386::WalkCache walk_cache_;
  accel::TcgVcpu* vcpu_ = nullptr;
  std::unique_ptr<Apic> apic_;
  std::optional<BootEntry> boot_entry_;
  std::atomic<bool> init_request_{false};
  std::vector<i386::MachineCheck> machine_checks_;  // that wait; under the machine lock
  uint64_t address_mask_ = ~uint64_t{0};            // A20
  std::array<uint64_t, 32> random_;                 // numbers that no guest has seen
  size_t random_left_ = 0;
};

}  // namespace vireo::hw
