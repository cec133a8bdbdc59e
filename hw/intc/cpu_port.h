#pragma once

#include <cstdint>

namespace vireo::hw {

/// What interrupt controllers and chipset ask of one vCPU. All are called under the machine lock by
/// any thread, return at once, and wake a halted CPU where its architecture says so.
class CpuPort {
 public:
  virtual ~CpuPort() = default;
  /// The level of INTR: while set, and once interrupts are enabled, the CPU takes the machine lock
  /// and calls LocalApic::acknowledge().
  virtual void set_interrupt_request(bool pending) = 0;
  virtual void raise_nmi() = 0;
  virtual void raise_smi() = 0;
  /// INIT: to the reset state but for what INIT leaves alone, then (application processors) waiting
  /// for start_up.
  virtual void init() = 0;
  /// SIPI; to be ignored unless waiting after INIT.
  virtual void start_up(uint8_t vector) = 0;
  /// The time stamp counter's value when guest time was, or will be, `guest_ns`; and the reverse,
  /// saturated at INT64_MAX.
  virtual uint64_t tsc_at(int64_t guest_ns) = 0;
  virtual int64_t time_of_tsc(uint64_t tsc) = 0;
  /// Address line 20 passes (true) or reads as 0.
  virtual void set_a20(bool enabled) = 0;
};

}  // namespace vireo::hw
