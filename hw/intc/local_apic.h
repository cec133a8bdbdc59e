#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "core/clock/timer.h"
#include "core/device/description.h"
#include "hw/intc/apic_bus.h"

namespace vireo::hw {

class CpuPort;

/// 256 bits, one a vector: ISR, IRR and TMR.
struct VectorSet {
  std::array<uint32_t, 8> words{};

  bool contains(unsigned vector) const { return (words[vector >> 5] >> (vector & 31)) & 1; }
  void insert(unsigned vector) { words[vector >> 5] |= 1u << (vector & 31); }
  void erase(unsigned vector) { words[vector >> 5] &= ~(1u << (vector & 31)); }
  /// The highest member, or -1.
  int highest() const;
};

/// The local APIC of one vCPU in xAPIC and x2APIC mode (SDM volume 3, chapter 11). Machine lock
/// held for all calls. Interrupt inputs "lint" are LINT0 (the 8259's INTR) and LINT1 (NMI).
class LocalApic final : public core::Device {
 public:
  /// Timer ticks a second before the divider.
  static constexpr int64_t kTimerHz = 1'000'000'000;
  /// Local vector table entries as indices of Regs::lvt and offsets from register 32h.
  enum Lvt : uint8_t { kLvtTimer, kLvtThermal, kLvtPerformance, kLvtLint0, kLvtLint1, kLvtError };

  static void describe(core::Description<LocalApic>& d);

  /// Before realize. `external` answers INTA cycles for ExtINT requests (the 8259 pair); the CPU
  /// with `bootstrap` set has the BSP flag.
  void connect(CpuPort& cpu, ApicBus& bus, std::function<uint8_t()> external);
  void set_identity(uint32_t apic_id, bool bootstrap);

  // For the CPU.
  /// Whether a fixed interrupt or an ExtINT waits to be taken: the level of INTR.
  bool interrupt_pending() const;
  /// Takes the highest interrupt: its vector, or nothing if there is none any more.
  std::optional<uint8_t> acknowledge();
  /// CR8: bits 7:4 of the task priority register.
  uint8_t cr8() const { return regs_.task_priority >> 4; }
  void set_cr8(uint8_t value);
  uint64_t base_msr() const { return regs_.base; }
  /// IA32_APIC_BASE; false for a value or mode change that has to raise #GP.
  [[nodiscard]] bool write_base_msr(uint64_t value);
  /// MSRs 800h to 8ffh; nothing or false where the access has to raise #GP.
  std::optional<uint64_t> read_msr(uint32_t msr);
  [[nodiscard]] bool write_msr(uint32_t msr, uint64_t value);
  /// IA32_TSC_DEADLINE.
  uint64_t tsc_deadline() const { return regs_.tsc_deadline; }
  void set_tsc_deadline(uint64_t tsc);
  /// What INIT does to the local APIC: a reset that keeps the id and the base MSR.
  void init();

  // For the bus.
  bool mmio_enabled() const { return enabled() && !x2apic(); }
  /// `index` is the register's offset divided by 16.
  uint32_t read_register(unsigned index);
  void write_register(unsigned index, uint32_t value);
  bool accepts(const InterruptMessage& message) const;
  void receive(const InterruptMessage& message);
  uint8_t processor_priority() const;
  uint32_t apic_id() const { return apic_id_; }

 protected:
  util::Status on_realize() override;
  void on_unrealize() override { timer_.cancel(); }
  void on_reset() override;
  void sync_outputs() override;

 private:
  struct Regs {
    uint64_t base = 0xfee00800;
    uint8_t id = 0;  // xAPIC id register, writable
    uint8_t task_priority = 0;
    uint8_t logical_destination = 0;
    uint8_t destination_format = 0xf;  // bits 31:28 of DFR
    uint32_t spurious = 0xff;
    uint32_t error_status = 0;
    uint32_t pending_errors = 0;
    uint64_t interrupt_command = 0;
    std::array<uint32_t, 6> lvt{0x10000, 0x10000, 0x10000, 0x10000, 0x10000, 0x10000};
    VectorSet in_service;
    VectorSet requests;
    VectorSet trigger_modes;
    uint8_t divide_configuration = 0;
    uint32_t initial_count = 0;
    int64_t timer_start_ns = 0;
    int64_t timer_next_ns = -1;
    uint64_t tsc_deadline = 0;
    std::array<bool, 2> lint_levels{};
    bool external_pending = false;  // an ExtINT message, as opposed to LINT0's level
  };

  bool enabled() const { return regs_.base & 0x800; }
  bool x2apic() const { return regs_.base & 0x400; }
  bool software_enabled() const { return regs_.spurious & 0x100; }
  uint32_t logical_id() const;
  bool accepts_logical(uint32_t mask) const;

  void set_lint(unsigned pin, bool level);
  void trigger_lvt(Lvt entry);
  bool external_request() const;
  int deliverable_vector() const;
  void request_vector(uint8_t vector, bool level_triggered);
  void end_of_interrupt();
  void report_error(uint32_t bits);
  void write_spurious(uint32_t value);
  void write_lvt(unsigned entry, uint32_t value);
  void send_interrupt_command();
  void update_request();

  unsigned timer_mode() const { return (regs_.lvt[kLvtTimer] >> 17) & 3; }
  int64_t timer_divisor() const;
  int64_t timer_period_ns() const;
  uint32_t current_count() const;
  void start_timer();
  void timer_expired();

  uint32_t apic_id_ = 0;
  bool bootstrap_ = true;
  CpuPort* cpu_ = nullptr;
  ApicBus* bus_ = nullptr;
  std::function<uint8_t()> external_;
  core::Timer timer_;
  Regs regs_;
};

}  // namespace vireo::hw
