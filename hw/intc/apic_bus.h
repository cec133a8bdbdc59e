#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/device/description.h"

namespace vireo::hw {

class LocalApic;

/// Delivery modes of interrupt messages, LVT entries and redirection entries (SDM volume 3,
/// 11.5.1).
enum class DeliveryMode : uint8_t {
  fixed = 0,
  lowest_priority = 1,
  smi = 2,
  nmi = 4,
  init = 5,
  start_up = 6,
  external = 7,
};

/// An interrupt message on its way to local APICs.
struct InterruptMessage {
  uint32_t destination =
      0;  ///< An APIC id, or a logical mask; 0xff (x2APIC: all ones) is everybody.
  bool logical = false;
  DeliveryMode mode = DeliveryMode::fixed;
  uint8_t vector = 0;
  bool level_triggered = false;
};

/// Told when a local APIC broadcasts the end of a level-triggered interrupt.
class EoiListener {
 public:
  virtual ~EoiListener() = default;
  virtual void end_of_interrupt(uint8_t vector) = 0;
};

/// Carries interrupt messages between the local APICs, I/O APICs and MSI writers of a machine, and
/// answers the memory at fee00000h: the local APIC's registers for the CPU that asks, message
/// signalled interrupts for everybody else (SDM volume 3, 11.11).
class ApicBus final : public core::Device {
 public:
  static constexpr uint64_t kMessageBase = 0xfee00000;
  static constexpr uint64_t kMessageSize = 0x100000;

  static void describe(core::Description<ApicBus>& d);

  /// `apic` has to stay as long as the bus.
  void add(LocalApic& apic) { apics_.push_back(&apic); }
  void add_eoi_listener(EoiListener& listener) { eoi_listeners_.push_back(&listener); }
  /// Says which local APIC belongs to the calling thread's vCPU; null outside vCPU threads. Without
  /// it, the first APIC answers everybody.
  void set_current(std::function<LocalApic*()> current) { current_ = std::move(current); }

  void deliver(const InterruptMessage& message);
  /// An interprocessor interrupt to all, or all but `except`.
  void broadcast(const InterruptMessage& message, const LocalApic* except);
  /// A device's write of `data` to `address`, which lies in [kMessageBase, kMessageBase +
  /// kMessageSize).
  void deliver_msi(uint64_t address, uint32_t data);
  void end_of_interrupt(uint8_t vector);
  const std::vector<LocalApic*>& apics() const { return apics_; }

 protected:
  util::Status on_realize() override;

 private:
  uint64_t read(uint64_t offset, unsigned width);
  void write(uint64_t offset, unsigned width, uint64_t value);
  LocalApic* current() const;

  std::vector<LocalApic*> apics_;
  std::vector<EoiListener*> eoi_listeners_;
  std::function<LocalApic*()> current_;
};

}  // namespace vireo::hw
